import type { Column, Dashboard, Panel } from '../../dashboards/panel.ts';
import type { DecisionMade } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';

/** Made-up answers of the console's API: what a small site sees on a bad day. The same in every run, but for the time. */

/** A HELO name that is a program in a page that takes it as mark-up. */
export const HOSTILE_HELO = '<script>window.broken=1</script>';
export const QUOTED_HELO = `"quoted'><img src=x onerror=window.broken=2>`;
/** The session that the hostile client opened. */
export const HOSTILE_SID = '0193783a-2c1e-7abc-8def-0123456789ab';
const QUOTED_SID = '0193783a-2c1e-7abc-8def-0123456789ac';
export const ATTACKER = '198.51.100.23';
const sources = [ATTACKER, '203.0.113.77', '2001:db8:4::25', '192.0.2.14', '203.0.113.9', '198.51.100.200'];
const rules = ['relay.denied', 'helo.syntax', 'errors.limit', 'helo.own-name', 'recipient.unknown'];
const words: Readonly<Record<string, readonly string[]>> = {
  ip: sources,
  address: sources,
  value: sources,
  range: ['198.51.100.0/24', '203.0.113.0/24', '2001:db8:4::/48'],
  gate: ['gate-1', 'gate-2'],
  listener: ['mx', 'submission'],
  helo: [HOSTILE_HELO, 'mail.example.net', QUOTED_HELO, 'smtp.example.org', 'localhost', 'mx2.example.com'],
  outcome: ['rejected', 'delivered', 'none', 'aborted-by-client'],
  rule: rules,
  rules,
  action: ['refuse', 'defer', 'slow'],
  scenario: ['auth-guessing', 'recipient-harvest', 'relay-probe'],
  type: ['decision-made', 'decision-revoked'],
  verb: ['EHLO', 'MAIL', 'RCPT', 'DATA', 'AUTH', 'QUIT'],
  reason: ['asked for many recipients that do not exist', 'guessed passwords', 'tried to relay'],
  reversePath: ['alice@example.net', '', 'news@example.org'],
  domains: ['example.com', 'example.com, example.org'],
  reply: ['2.0.0 queued', '5.7.1 relay not permitted', '4.7.1 come again later'],
  sid: [HOSTILE_SID, QUOTED_SID],
};
const labels: Readonly<Record<string, readonly string[]>> = {
  traffic: [
    'command',
    'session-opened',
    'session-closed',
    'mail',
    'tls-started',
    'auth-attempt',
    'anomaly',
    'refusals',
    'tls-failed',
  ],
  verdicts: ['relay.denied refuse', 'recipient.unknown refuse', 'errors.limit close', 'helo.syntax defer'],
  delivered: ['accepted', 'rejected', 'aborted-by-client', 'unknown'],
  'latency-by-command': ['EHLO', 'MAIL', 'RCPT', 'DATA', 'AUTH'],
};
const numbers: Readonly<Record<string, number>> = {
  sessions: 41.3,
  'refused-share': 0.342,
  'mail-not-accepted': 0.21,
  'slowest-percent': 184_000,
  'store-lag': 2.4,
};

/** From 0 to 1, the same for the same words. */
function chance(...parts: readonly (string | number)[]): number {
  let hash = 2_166_136_261;
  for (const character of parts.join(' ')) hash = Math.imul(hash ^ character.charCodeAt(0), 16_777_619);
  hash ^= hash >>> 15;
  return ((Math.imul(hash, 2_246_822_507) >>> 0) % 10_000) / 10_000;
}

/** Points of a chart, or rows of a table, at most. */
const POINTS = 96;
const TABLE_ROWS = 14;

interface Asked {
  readonly from: number;
  readonly to: number;
  readonly chosen: ReadonlyMap<string, string>;
}

/** What a panel shows. */
export function rowsOf(panel: Panel, { from, to, chosen }: Asked): readonly (readonly unknown[])[] {
  if (panel.drawing === 'number') return [[numbers[panel.id] ?? Math.round(chance(panel.id) * panel.red.from * 0.7)]];
  if (panel.drawing === 'table') return tableOf(panel, to, chosen);
  const times = Array.from({ length: POINTS }, (_, index) => from + ((index + 0.5) * (to - from)) / POINTS);
  const iso = (seconds: number): string => new Date(Math.floor(seconds) * 1000).toISOString();
  const size = Math.min(panel.red.from, panel.unit === 'µs' ? 300_000 : 90);
  const value = (name: string, index: number, share: number): number => {
    const wave = 0.55 + 0.3 * Math.sin(index / 11) + 0.25 * chance(panel.id, name, index);
    return size * share * wave;
  };
  const names = panel.columns.map(({ name }) => name);
  if (!names.includes('label')) {
    return times.map((at, index) => [
      iso(at),
      ...names.slice(1).map((name, place) => value(name, index, (place + 1) / names.length)),
    ]);
  }
  const series = labels[panel.id] ?? ['first', 'second', 'third'];
  return times.flatMap((at, index) =>
    series.map((name, place) => [iso(at), name, value(name, index, 1 / (place + 1.2))]),
  );
}

function tableOf(panel: Panel, to: number, chosen: ReadonlyMap<string, string>): readonly (readonly unknown[])[] {
  const rows = Array.from({ length: TABLE_ROWS }, (_, index) =>
    panel.columns.map((column) => cellOf(panel, column, index, to)),
  );
  const ip = chosen.get('ip');
  const place = panel.columns.findIndex(({ name }) => ['ip', 'address', 'value'].includes(name));
  return ip === undefined || place === -1 ? rows : rows.filter((row) => row[place] === ip);
}

function cellOf(panel: Panel, { name, type }: Column, index: number, to: number): unknown {
  if (type.startsWith('DateTime')) return new Date((to - index * 137) * 1000).toISOString();
  if (type === 'Bool') return index % 3 === 0;
  if (/Int|Float/.test(type)) return Math.round(chance(panel.id, name, index) * (name === 'p99' ? 400_000 : 1200));
  const known = words[name] ?? [''];
  return known[index % known.length];
}

const at0 = Date.now();
const base = {
  v: 1,
  site: 'main',
  gate: 'gate-1',
  listener: 'mx',
  role: 'mx',
  ip: ATTACKER,
  sid: HOSTILE_SID,
} as const;
const said = (seq: number, rest: object): MailEvent =>
  ({ ...base, seq, at: at0 - 60_000 + seq * 420, type: 'command', latencyUs: 3100 + seq * 700, ...rest }) as MailEvent;
const passed = { action: 'accept' } as const;

/** The session of the hostile client, from its greeting to its end. */
export const hostileSession: readonly MailEvent[] = [
  said(0, {
    type: 'session-opened',
    port: 40_112,
    viaProxyProtocol: false,
    tls: false,
    sourceClass: 'stranger',
    observed: [{ rule: 'greet.early-talker', action: 'refuse' }],
  }),
  said(1, {
    verb: 'EHLO',
    heloName: HOSTILE_HELO,
    verdict: passed,
    observed: [{ rule: 'helo.syntax', action: 'refuse' }],
    reply: { code: 250, text: 'mx.example.com', from: 'upstream' },
  }),
  said(2, {
    verb: 'MAIL',
    reversePath: 'bob@example.net',
    parameters: [['SIZE', '2048']],
    verdict: passed,
    reply: { code: 250, enhanced: '2.1.0', text: 'Ok', from: 'upstream' },
  }),
  said(3, {
    verb: 'RCPT',
    forwardPath: 'victim@elsewhere.example',
    verdict: { action: 'refuse', rule: 'relay.denied' },
    reply: { code: 554, enhanced: '5.7.1', text: 'Relay not permitted', from: 'gate' },
  }),
  said(4, {
    verb: 'RCPT',
    forwardPath: 'alicia@example.com',
    nearMiss: true,
    verdict: passed,
    reply: { code: 550, enhanced: '5.1.1', text: 'User unknown', from: 'upstream' },
  }),
  said(5, { type: 'anomaly', kind: 'bare-lf', severity: 'warning', note: 'in a command line' }),
  said(6, { verb: 'QUIT', verdict: passed, reply: { code: 221, enhanced: '2.0.0', text: 'Bye', from: 'upstream' } }),
  said(7, {
    type: 'session-closed',
    outcome: 'rejected',
    closedBy: 'client',
    rule: 'relay.denied',
    octetsIn: 412,
    octetsOut: 530,
    commandCount: 5,
    errorCount: 2,
    durationUs: 3_420_000,
  }),
];

const decision = (rest: Partial<DecisionMade>): DecisionMade => ({
  v: 1,
  type: 'decision-made',
  site: 'main',
  id: '00f1e2d3c4b5a697',
  scope: 'ip',
  value: ATTACKER,
  roles: ['mx'],
  origin: 'analyzer',
  scenario: 'relay-probe',
  action: 'refuse',
  level: 2,
  at: at0 - 3_600_000,
  until: at0 + 3 * 3_600_000,
  reason: 'tried to relay through three listeners',
  ...rest,
});

/** What is in force. */
export const decisions: readonly DecisionMade[] = [
  decision({
    scenarioVersion: 2,
    standing: 'stranger',
    score: 9420,
    threshold: 7168,
    held: undefined,
    facts: { recipients: 41, refused: 39 },
    ledger: [
      { sid: HOSTILE_SID, seq: 3, at: at0 - 3_700_000, weight: 5120, what: 'relay attempt' },
      { sid: HOSTILE_SID, seq: 4, at: at0 - 3_690_000, weight: 3200, what: 'unknown recipient' },
      { at: at0 - 3_680_000, weight: 1612, what: 'anomaly' },
    ],
    counter: [{ sid: HOSTILE_SID, seq: 2, at: at0 - 3_710_000, weight: -512, what: 'accepted mail' }],
  }),
  decision({
    id: '10f1e2d3c4b5a697',
    value: '203.0.113.77',
    scenario: 'auth-guessing',
    level: 3,
    until: at0 + 20 * 3_600_000,
    reason: 'guessed passwords of 14 accounts',
  }),
  decision({
    id: '20f1e2d3c4b5a697',
    scope: 'range',
    value: '203.0.113.0/24',
    origin: 'operator',
    scenario: 'operator',
    by: 'root',
    level: 3,
    until: 253_402_300_799_999,
    reason: 'asked the provider twice',
  }),
  decision({
    id: '30f1e2d3c4b5a697',
    value: '192.0.2.14',
    origin: 'operator',
    scenario: 'operator',
    by: 'root',
    action: 'allow',
    level: 0,
    until: 253_402_300_799_999,
    reason: 'newsletter of the town',
  }),
  decision({
    id: '40f1e2d3c4b5a697',
    value: '2001:db8:4::',
    scenario: 'recipient-harvest',
    action: 'defer',
    level: 1,
    until: at0 + 1_200_000,
    reason: 'asked for many recipients that do not exist',
  }),
  decision({
    id: '50f1e2d3c4b5a697',
    scope: 'account',
    value: 'h:7c4e91',
    scenario: 'account-takeover',
    action: 'defer',
    level: 1,
    until: at0 + 900_000,
    reason: 'one account from nine networks',
  }),
];

export const settings = [
  { path: 'site', value: 'main', isDefault: false },
  { path: 'limits.sessionsMax', value: 2000, isDefault: true },
  { path: 'errors.limitMax', value: 10, isDefault: true },
  { path: 'policy.modes', value: { 'relay.denied': 'enforce' }, isDefault: false },
  { path: 'listeners.mx.port', value: 25, isDefault: false },
  { path: 'store.kind', value: 'chdb', isDefault: false },
  { path: 'log.diskOctetsMax', value: 4_294_967_296, isDefault: true },
];

/** A dashboard as the API tells it: without statements. */
export const shownOf = ({ variables, panels, ...rest }: Dashboard): object => ({
  ...rest,
  variables: variables.map((variable) => ({ ...variable, sql: undefined })),
  panels: panels.map((panel) => ({ ...panel, sql: undefined })),
});

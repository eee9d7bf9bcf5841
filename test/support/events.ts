import { EVENT_VERSION, type EventByType, type MailEvent } from '../../events/event.ts';

const gateFields = { v: EVENT_VERSION, at: 1_750_000_000_000, site: 'site', gate: 'gate-1' } as const;
const sessionFields = {
  ...gateFields,
  listener: 'mx',
  role: 'mx',
  ip: '192.0.2.1',
  sid: '01890a5d-ac96-774b-bcce-b302099a8057',
  seq: 0,
} as const;

/** A RCPT command that was accepted. */
export const aCommand = (fields: Partial<EventByType<'command'>> = {}): EventByType<'command'> => ({
  ...sessionFields,
  type: 'command',
  verb: 'RCPT',
  forwardPath: 'someone@example.org',
  verdict: { action: 'accept' },
  reply: { code: 250, enhanced: '2.1.5', text: 'OK', from: 'upstream' },
  latencyUs: 812,
  ...fields,
});

export const aMail = (fields: Partial<EventByType<'mail'>> = {}): EventByType<'mail'> => ({
  ...sessionFields,
  type: 'mail',
  transaction: 1,
  reversePath: 'someone@example.net',
  nullReversePath: false,
  acceptedCount: 1,
  refusedCount: 0,
  domains: ['example.org'],
  octets: 1234,
  outcome: 'accepted',
  durationUs: 20_000,
  ...fields,
});

export const aProgress = (fields: Partial<EventByType<'session-progress'>> = {}): EventByType<'session-progress'> => ({
  ...sessionFields,
  type: 'session-progress',
  phase: 'data',
  octets: 100,
  phaseMs: 30_000,
  slotsUsed: 0.25,
  ...fields,
});

export const aGateStart = (fields: Partial<EventByType<'gate-started'>> = {}): EventByType<'gate-started'> => ({
  ...gateFields,
  type: 'gate-started',
  version: '0.1.0',
  configHash: 'abc',
  listeners: ['mx'],
  ...fields,
});

/** One event of every type. */
export const everyEvent: readonly MailEvent[] = [
  {
    ...sessionFields,
    type: 'session-opened',
    port: 40_000,
    viaProxyProtocol: false,
    tls: false,
    sourceClass: 'stranger',
  },
  aCommand({ parameters: [['NOTIFY', 'NEVER'], ['X']], observed: [{ rule: 'sender.spf', action: 'refuse' }] }),
  { ...sessionFields, type: 'auth-attempt', mechanism: 'PLAIN', outcome: 'accepted', code: 235 },
  { ...sessionFields, type: 'tls-started', leg: 'client', version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
  { ...sessionFields, type: 'tls-failed', leg: 'upstream', reason: 'timeout' },
  { ...sessionFields, type: 'upstream-failed', stage: 'connect', reason: 'refused' },
  aProgress(),
  aMail(),
  { ...sessionFields, type: 'anomaly', kind: 'bare-lf', severity: 'critical', octetsHex: '0a', truncated: true },
  {
    ...sessionFields,
    type: 'session-closed',
    outcome: 'delivered',
    closedBy: 'client',
    octetsIn: 1,
    octetsOut: 2,
    commandCount: 3,
    errorCount: 0,
    durationUs: 4,
  },
  {
    ...gateFields,
    listener: 'mx',
    role: 'mx',
    ip: '2001:db8::1',
    type: 'refusals',
    rule: 'limits.rate',
    action: 'defer',
    count: 7,
    windowMs: 10_000,
  },
  aGateStart(),
  { ...gateFields, type: 'gate-stopped', reason: 'SIGTERM' },
  { ...gateFields, type: 'config-changed', outcome: 'refused', configHash: 'abc', faults: ['line 1'] },
  { ...gateFields, type: 'operator-acted', act: 'observe-all', by: 'operator', reason: 'drill' },
  { ...gateFields, type: 'breaker-changed', tripped: true, count: 2001, max: 2000 },
  { ...gateFields, type: 'log-gap', reason: 'queue-full', counts: { command: 3 }, fromAt: 1, toAt: 2 },
];

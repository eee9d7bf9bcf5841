import type { Admission } from '../../../proxy/input.ts';
import { defaultModes } from '../../../proxy/policy/modes.ts';
import type { Lists } from '../../../proxy/policy/rule.ts';
import { unrestrained } from '../../../proxy/policy/source-blocked.ts';
import type { OwnReply } from '../../../proxy/reply.ts';
import { revealCredentials } from '../../../proxy/sasl-credentials.ts';
import type { SessionSettings } from '../../../proxy/settings.ts';
import type { DialogueFault, Setting } from './dialogue.ts';

const minutes = 60_000;

/** What a session is given unless a dialogue says otherwise: a mail exchanger for example.com with STARTTLS. */
const defaultSettings = (): SessionSettings => ({
  site: 'site',
  gate: 'gate-1',
  hostname: 'gate.example.com',
  greetingText: undefined,
  contact: 'postmaster@example.com',
  listener: {
    name: 'mx',
    role: 'mx',
    address: '192.0.2.1',
    port: 25,
    tls: 'starttls',
    tlsRequired: false,
    authRequired: false,
    proxyProtocol: false,
    lenientEhlo: false,
    pipeliningAfterHelo: true,
    greetingHoldMs: 0,
  },
  upstream: {
    tls: 'none',
    verifyCertificate: true,
    clientAddress: 'none',
    xclientRequired: false,
    lenientLineEnds: false,
  },
  // RFC 5321 section 4.5.3.2.
  deadlines: {
    proxyHeaderMs: 5_000,
    commandMs: 5 * minutes,
    commandLineMs: minutes,
    saslLineMs: 3 * minutes,
    tlsHandshakeMs: 30_000,
    dataMs: 3 * minutes,
    clientWriteMs: 3 * minutes,
    sessionMs: 24 * 60 * minutes,
    closeDrainMs: 5_000,
    upstreamConnectMs: 30_000,
    upstreamGreetingMs: minutes,
    upstreamReplyMs: 5 * minutes,
    upstreamDataMs: 2 * minutes,
    upstreamWriteMs: 3 * minutes,
    upstreamEndOfDataMs: 630_000,
    upstreamRsetMs: 30_000,
    upstreamQuitMs: 5_000,
  },
  limits: {
    messageOctetsMax: 10_485_760,
    forwardPathsMax: 100,
    errorsMax: 10,
    junkMax: 100,
    authAttemptsMax: 3,
    dataRateOctetsMin: 500,
    dataRateGraceMs: 5 * minutes,
    discardOctetsMax: 20_971_520,
    slowDelayMs: 3000,
    smallChunkOctets: 1024,
  },
  modes: { ...defaultModes },
  authMechanisms: undefined,
  ownNames: new Set(['gate.example.com']),
  whenUnavailable: { helo: 'pass', mail: 'pass', rcpt: 'defer', data: 'pass' },
  outgoingSeen: false,
});

const defaultAdmission = (): Admission => ({
  verdict: { action: 'accept', observed: [] },
  ip: '198.51.100.7',
  port: 40_000,
  localAddress: '192.0.2.1',
  localPort: 25,
  viaProxyProtocol: false,
  trustedNetwork: false,
  withHistory: false,
  neverListed: false,
  provider: false,
  normaliseLineEndings: false,
  stressed: false,
  restraint: unrestrained,
});

/** Lists as a dialogue can write them. */
interface RawLists {
  /** Domains of ours; null: never loaded. */
  readonly own: readonly string[] | null;
  readonly ownAddresses: readonly string[];
  /** Known addresses; null: no list; `unavailable`: never loaded. */
  readonly known: readonly string[] | null | 'unavailable';
  readonly nearMisses: readonly string[];
  /** Forward-path -> the reply it was refused with a moment ago. */
  readonly refusedRecently: Readonly<Record<string, OwnReply>>;
  /** Account -> what an attempt to authenticate as it must do. */
  readonly accountGuard: Readonly<Record<string, 'slow' | 'defer' | 'observe'>>;
  /** Domain -> what a decision asks of its bounces. */
  readonly bounceScrutiny: Readonly<Record<string, 'enforce' | 'observe'>>;
  /** Addresses that mail went out with; null: not watched for long enough. */
  readonly senders: readonly string[] | null;
}
const defaultLists = (): RawLists => ({
  own: ['example.com'],
  ownAddresses: ['192.0.2.1', '2001:db8::1'],
  known: null,
  nearMisses: [],
  refusedRecently: {},
  accountGuard: {},
  bounceScrutiny: {},
  senders: null,
});

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Sets one dotted path; rule ids in `modes` have dots of their own. False when there is no such path. */
function assign(root: Record<string, unknown>, path: string, value: unknown): boolean {
  const keys = path.startsWith('modes.') ? ['modes', path.slice('modes.'.length)] : path.split('.');
  const last = keys.pop() ?? '';
  let at: unknown = root;
  for (const key of keys) at = isRecord(at) ? at[key] : undefined;
  if (!isRecord(at) || !(last in at)) return false;
  at[last] = value;
  return true;
}

function listsOf(raw: RawLists): Lists {
  return {
    isOwnDomain: (domain) => (raw.own === null ? 'unavailable' : raw.own.includes(domain)),
    isOwnAddress: (address) => raw.ownAddresses.includes(address),
    isKnownRecipient: (localPart, domain) => {
      if (raw.known === 'unavailable') return 'unavailable';
      return raw.known === null ? 'no-list' : raw.known.includes(`${localPart}@${domain}`);
    },
    isNearMiss: (localPart, domain) => raw.nearMisses.includes(`${localPart}@${domain}`),
    refusedRecently: (_ip, forwardPath) => raw.refusedRecently[forwardPath],
    accountGuard: (credentials) => {
      const guard = raw.accountGuard[revealCredentials(credentials).account];
      if (guard === undefined) return undefined;
      return guard === 'observe' ? { action: 'defer', observed: true } : { action: guard, observed: false };
    },
    bounceScrutiny: (domain) => raw.bounceScrutiny[domain],
    hasSent: (localPart, domain) => raw.senders?.includes(`${localPart}@${domain}`) ?? 'unavailable',
  };
}

/** What a session is opened with. */
export interface Setup {
  readonly settings: SessionSettings;
  readonly admission: Admission;
  readonly lists: Lists;
}

/** Builds what a dialogue's `set` lines ask for; throws the fault when a path does not exist. */
export function setUp(settings: readonly Setting[]): Setup {
  const root: Record<string, unknown> = {
    ...defaultSettings(),
    admission: defaultAdmission(),
    lists: defaultLists(),
  };
  for (const { path, value, line } of settings) {
    if (!assign(root, path, value)) throw new SettingFault({ line, reason: `no setting ${path}` });
  }
  const { admission, lists, ownNames, ...rest } = root;
  // The shapes are those of the defaults: `set` changes values only.
  return {
    settings: { ...rest, ownNames: new Set(ownNames as Iterable<string>) } as object as SessionSettings,
    admission: admission as Admission,
    lists: listsOf(lists as RawLists),
  };
}

/** A `set` line that names nothing. */
export class SettingFault extends Error {
  readonly fault: DialogueFault;
  constructor(fault: DialogueFault) {
    super(`line ${fault.line}: ${fault.reason}`);
    this.fault = fault;
  }
}

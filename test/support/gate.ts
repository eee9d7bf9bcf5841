import type { EventByType, EventType, MailEvent } from '../../events/event.ts';
import { type Prefix, PrefixSet, parsePrefix } from '../../lib/ip.ts';
import { systemClock } from '../../proxy/io/clock.ts';
import { type Gate, type GateOptions, openGate } from '../../proxy/io/gate.ts';
import type { Logger } from '../../proxy/io/logger.ts';
import type { UpstreamTarget } from '../../proxy/io/upstream.ts';
import { defaultConnectionLimits } from '../../proxy/limits.ts';
import { defaultModes } from '../../proxy/policy/modes.ts';
import type {
  Deadlines,
  ListenerSettings,
  SessionLimits,
  SessionSettings,
  UpstreamSettings,
} from '../../proxy/settings.ts';

const minutes = 60_000;

export const defaultDeadlines: Deadlines = {
  proxyHeaderMs: 5_000,
  commandMs: 5 * minutes,
  commandLineMs: minutes,
  saslLineMs: 3 * minutes,
  tlsHandshakeMs: 30_000,
  dataMs: 3 * minutes,
  clientWriteMs: 3 * minutes,
  sessionMs: 24 * 60 * minutes,
  closeDrainMs: 2_000,
  upstreamConnectMs: 30_000,
  upstreamGreetingMs: minutes,
  upstreamReplyMs: 5 * minutes,
  upstreamDataMs: 2 * minutes,
  upstreamWriteMs: 3 * minutes,
  upstreamEndOfDataMs: 630_000,
  upstreamRsetMs: 30_000,
  upstreamQuitMs: 5_000,
};

const defaultLimits: SessionLimits = {
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
};

const defaultListener: ListenerSettings = {
  name: 'mx',
  role: 'mx',
  address: '127.0.0.1',
  port: 0,
  tls: 'none',
  tlsRequired: false,
  authRequired: false,
  proxyProtocol: false,
  lenientEhlo: false,
  pipeliningAfterHelo: true,
  greetingHoldMs: 0,
};

const defaultUpstream: UpstreamSettings = {
  tls: 'none',
  verifyCertificate: false,
  clientAddress: 'none',
  xclientRequired: false,
  lenientLineEnds: false,
};

export interface SessionChanges {
  readonly listener?: Partial<ListenerSettings>;
  readonly upstream?: Partial<UpstreamSettings>;
  readonly deadlines?: Partial<Deadlines>;
  readonly limits?: Partial<SessionLimits>;
  readonly modes?: Partial<SessionSettings['modes']>;
}

/** Settings of a session at a mail exchanger for example.com, with what the test changes. */
export function sessionSettings(changes: SessionChanges = {}): SessionSettings {
  return {
    site: 'site',
    gate: 'gate-1',
    hostname: 'gate.example.com',
    greetingText: undefined,
    contact: 'postmaster@example.com',
    listener: { ...defaultListener, ...changes.listener },
    upstream: { ...defaultUpstream, ...changes.upstream },
    deadlines: { ...defaultDeadlines, ...changes.deadlines },
    limits: { ...defaultLimits, ...changes.limits },
    modes: { ...defaultModes, ...changes.modes },
    authMechanisms: undefined,
    ownNames: new Set(['gate.example.com']),
    whenUnavailable: { helo: 'pass', mail: 'pass', rcpt: 'defer', data: 'pass' },
    outgoingSeen: false,
  };
}

export const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`no prefix: ${text}`);
  return parsed;
};

export const prefixes = (...texts: readonly string[]): PrefixSet => new PrefixSet(texts.map(prefix));

/** Lines that were logged, by level. */
export class LogLines implements Logger {
  readonly errors: string[] = [];
  readonly warnings: string[] = [];

  error(fields: object, message: string): void {
    this.errors.push(
      `${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.stack : value))}`,
    );
  }
  warn(_fields: object, message: string): void {
    this.warnings.push(message);
  }
  info(): void {
    // Nothing a test asks for.
  }
}

export interface GateChanges extends SessionChanges {
  /** In place of the one listener. */
  readonly listeners?: readonly Partial<ListenerSettings>[];
  /** Where the server behind is, if not on loopback in clear. */
  readonly target?: Partial<UpstreamTarget>;
  readonly upstreamConnectionsMax?: number;
  /** Anything else of the options. */
  readonly options?: Partial<GateOptions>;
}

/** What a gate in front of `upstreamPort` on loopback is opened with, and what it records and logs. */
export function gateOptions(upstreamPort: number, changes: GateChanges = {}) {
  const { listener, upstream, ...session } = sessionSettings(changes);
  const route = {
    target: { host: '127.0.0.1', port: upstreamPort, serverName: undefined, ca: undefined, ...changes.target },
    settings: upstream,
    connectionsMax: changes.upstreamConnectionsMax ?? 10_000,
  };
  const events: MailEvent[] = [];
  const log = new LogLines();
  const options: GateOptions = {
    version: '0.0.0',
    configHash: 'hash',
    session,
    listeners: (changes.listeners ?? [{}]).map((each) => ({ ...listener, ...each, route })),
    connections: { ...defaultConnectionLimits, perSourceMax: 10_000, perMinuteMax: 1_000_000 },
    networks: { trusted: prefixes(), never: prefixes(), normalised: prefixes(), providers: prefixes() },
    balancers: prefixes(),
    hasHistory: () => false,
    tls: undefined,
    lists: {
      isOwnDomain: (domain) => domain === 'example.com',
      isOwnAddress: () => false,
      isKnownRecipient: () => 'no-list',
      isNearMiss: () => false,
    },
    recorder: { record: (event) => events.push(event) },
    logger: log,
    clock: systemClock,
    ...changes.options,
  };
  return { options, events, log };
}

/** A gate on loopback, what it recorded, and where it listens. */
export class TestGate implements AsyncDisposable {
  readonly gate: Gate;
  readonly events: MailEvent[];
  readonly log: LogLines;
  readonly options: GateOptions;

  private constructor(gate: Gate, made: ReturnType<typeof gateOptions>) {
    this.gate = gate;
    this.events = made.events;
    this.log = made.log;
    this.options = made.options;
  }

  static async open(upstreamPort: number, changes: GateChanges = {}): Promise<TestGate> {
    const made = gateOptions(upstreamPort, changes);
    const opened = await openGate(made.options);
    if (!opened.ok) throw new Error(opened.error);
    return new TestGate(opened.value, made);
  }

  port(name = 'mx'): number {
    return this.gate.bound.get(name)?.port ?? 0;
  }

  /** Events of a type, in order. */
  of<T extends EventType>(type: T): EventByType<T>[] {
    return this.events.filter((event): event is EventByType<T> => event.type === type);
  }

  /** Waits until something holds. */
  async until(holds: () => boolean, what: string, withinMs = 10_000): Promise<void> {
    const endMs = Date.now() + withinMs;
    while (!holds()) {
      if (Date.now() > endMs)
        throw new Error(
          `waited in vain for ${what}; events ${JSON.stringify(this.events.slice(-30).map(({ type }) => type))}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Waits until no session, no connection behind and no refused socket is left. */
  empty(): Promise<void> {
    return this.until(
      () =>
        this.gate.stats.sessions === 0 && this.gate.stats.upstreamConnections === 0 && this.gate.stats.nameless === 0,
      'an empty gate',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gate.drain(0);
    if (this.log.errors.length > 0) throw new Error(`logged: ${this.log.errors.join('\n')}`);
  }
}

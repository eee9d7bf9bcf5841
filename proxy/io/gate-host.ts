import type { EventByType, MailEvent } from '../../events/event.ts';
import { AttemptMemory } from '../attempt-memory.ts';
import { type HashLocalPart, withHashedLocalParts } from '../hashed-local-parts.ts';
import type { Admission, Now } from '../input.ts';
import { parseForwardPath } from '../path.ts';
import type { Lists } from '../policy/rule.ts';
import type { Restraint } from '../policy/source-blocked.ts';
import type { ProxyHeader } from '../proxy-header.ts';
import { forwardPathKey, RecipientMemory } from '../recipient-memory.ts';
import type { SessionSettings } from '../settings.ts';
import type { Clock } from './clock.ts';
import type { CredentialHasher } from './credential-hasher.ts';
import { Door } from './door.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import type { ListenerHost } from './listener.ts';
import type { Logger } from './logger.ts';
import { RefusalCounter } from './refusals.ts';
import { Rounds } from './rounds.ts';
import type { HostedSession, Peer, SessionContext } from './session-context.ts';
import { SessionIds } from './session-ids.ts';

/** What the program around a gate gives it. */
export interface GatePorts {
  /** Takes every event, and never makes the gate wait. */
  readonly recorder: { record(event: MailEvent): void };
  readonly logger: Logger;
  readonly clock: Clock;
  /** Undefined: events tell nothing of accounts. */
  readonly credentials?: CredentialHasher;
  /** Undefined: local parts stand in events as they are. */
  readonly hashLocalPart?: HashLocalPart;
  /** Undefined: nothing is known of mail that went out. */
  readonly senders?: Senders;
  /** Sees every event besides, for metrics. */
  readonly onRecord?: (event: MailEvent) => void;
  /** How long the gate took over one thing that happened on a socket, microseconds: what it adds to a command or reply. */
  readonly onLatency?: (microseconds: number) => void;
}

/** The reverse-paths of ours with which mail went out through a gate. Times in milliseconds since 1970-01-01 UTC. */
export interface Senders {
  note(localPart: string, asciiDomain: string, wallMs: number): void;
  /** See {@link Lists.hasSent}. */
  hasSent(localPart: string, asciiDomain: string, wallMs: number): boolean | 'unavailable';
}

/** The lists of a gate that come from outside; the others it keeps by itself. */
export type GateLists = Omit<Lists, 'refusedRecently' | 'accountGuard' | 'bounceScrutiny' | 'hasSent'>;

/** What the sessions and listeners of one gate share. */
export class GateHost implements ListenerHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onTurn: ((microseconds: number) => void) | undefined;
  readonly rounds = new Rounds();
  readonly credentials: CredentialHasher | undefined;
  readonly door: Door;
  readonly refusals: RefusalCounter;
  readonly gatekeeper: Gatekeeper;
  readonly sessions = new Set<HostedSession>();
  lists: Lists;
  sessionsOpened = 0;
  crashedCount = 0;
  private readonly ports: GatePorts;
  private readonly ids = new SessionIds();
  private readonly recipients = new RecipientMemory();
  private readonly attempts = new AttemptMemory();
  private emptied: (() => void) | undefined;

  constructor(ports: GatePorts, gatekeeper: Gatekeeper, lists: GateLists) {
    this.ports = ports;
    this.clock = ports.clock;
    this.logger = ports.logger;
    this.onTurn = ports.onLatency;
    this.credentials = ports.credentials;
    this.door = new Door(ports.clock);
    this.refusals = new RefusalCounter(ports.clock, (event) => this.record(event));
    this.gatekeeper = gatekeeper;
    this.lists = this.withMemory(lists);
  }

  get slotsUsed(): number {
    return this.gatekeeper.slotsUsed;
  }

  get now(): Now {
    return { wallMs: this.clock.wallMs(), monotonicUs: this.clock.monotonicUs() };
  }

  setLists(lists: GateLists): void {
    this.lists = this.withMemory(lists);
  }

  nextSid(wallMs: number): string {
    return this.ids.next(wallMs);
  }

  record(event: MailEvent): void {
    if (event.type === 'command') this.remember(event);
    const { recorder, hashLocalPart, onRecord } = this.ports;
    const shown = hashLocalPart === undefined ? event : withHashedLocalParts(event, hashLocalPart);
    recorder.record(shown);
    onRecord?.(shown);
  }

  noteSender(localPart: string, asciiDomain: string): void {
    this.ports.senders?.note(localPart, asciiDomain, this.clock.wallMs());
  }

  noteAttempt(account: string, ip: string, isAccepted: boolean): void {
    this.attempts.note(account, ip, isAccepted, this.clock.wallMs());
  }

  restraintOfAccount(account: string, settings: SessionSettings, isAccepted: boolean): Restraint | undefined {
    return this.gatekeeper.restraintOfAccount(account, settings, isAccepted, this.now);
  }

  isBalancer(ip: string): boolean {
    return this.gatekeeper.isBalancer(ip);
  }

  admitPeer(peer: Peer, context: SessionContext, sid: string): Admission {
    return this.gatekeeper.admit({ ...peer, viaProxyProtocol: false }, context.settings, sid, this.now);
  }

  admit(header: ProxyHeader, { peer, context, sid }: HostedSession): Admission {
    if (header.kind === 'local') return this.admitPeer(peer, context, sid);
    const arrival = {
      ip: header.sourceAddress,
      port: header.sourcePort,
      localAddress: header.destinationAddress,
      localPort: header.destinationPort,
      viaProxyProtocol: true,
    };
    return this.gatekeeper.admit(arrival, context.settings, sid, this.now);
  }

  turnedAway(admission: Admission): void {
    this.gatekeeper.release(admission);
  }

  sessionOpened(session: HostedSession): void {
    this.sessions.add(session);
    this.sessionsOpened += 1;
  }

  sessionCrashed(): void {
    this.crashedCount += 1;
  }

  sessionOver(session: HostedSession): void {
    this.sessions.delete(session);
    if (session.admission !== undefined) this.gatekeeper.release(session.admission);
    if (this.sessions.size === 0) this.emptied?.();
  }

  /** Tells sessions what the decisions in force do to them. */
  review(): void {
    const { now, gatekeeper } = this;
    for (const session of this.sessions) {
      const { admission, context, sid } = session;
      if (admission === undefined) continue;
      const { entry, restraint } = gatekeeper.restraintOf(admission, context.settings, sid, now);
      if (session.restrain(entry?.id, restraint)) gatekeeper.countRestrained(entry, admission);
    }
  }

  /** Tells all sessions that the gate stops. */
  shutdown(now: boolean): void {
    for (const session of this.sessions) session.shutdown(now);
  }

  /** The last resort of a stop: sessions that are still there are gone. */
  destroySessions(): void {
    for (const session of this.sessions) session.destroy();
  }

  /** Resolves when no session is left, or after `withinMs`. */
  async empty(withinMs: number): Promise<void> {
    if (this.sessions.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.clock.setTimer(withinMs, { wake: resolve });
    this.emptied = resolve;
    await promise;
    this.emptied = undefined;
    this.clock.clearTimer(timer);
  }

  /** The server behind said that a forward-path does not exist: the same source is not asked for again in a moment. */
  private remember({ verb, forwardPath, reply, ip, at }: EventByType<'command'>): void {
    if (verb !== 'RCPT' || reply?.from !== 'upstream' || reply.code < 500 || forwardPath === undefined) return;
    const path = parseForwardPath(forwardPath);
    const key = path.ok ? forwardPathKey(path.value) : undefined;
    if (key !== undefined) this.recipients.remember(ip, key, { code: reply.code, lines: [reply.text] }, at);
  }

  private accountGuard(...[credentials, ip, role, wallMs]: Parameters<Lists['accountGuard']>) {
    const account = this.credentials?.fieldsOf(credentials, wallMs)?.account;
    if (account === undefined) return undefined;
    const scrutiny = this.gatekeeper.blocklist.guardsAccount(account, role, wallMs);
    const action = scrutiny === undefined ? 'pass' : this.attempts.judge(account, ip, wallMs);
    return action === 'pass' ? undefined : { action, observed: scrutiny === 'observe' };
  }

  private withMemory(lists: GateLists): Lists {
    const { recipients, gatekeeper, ports } = this;
    return {
      isOwnDomain: (domain) => lists.isOwnDomain(domain),
      isOwnAddress: (address) => lists.isOwnAddress(address),
      isKnownRecipient: (localPart, domain) => lists.isKnownRecipient(localPart, domain),
      isNearMiss: (localPart, domain) => lists.isNearMiss(localPart, domain),
      refusedRecently: (ip, key, wallMs) => recipients.refused(ip, key, wallMs),
      accountGuard: (...attempt) => this.accountGuard(...attempt),
      bounceScrutiny: (domain, wallMs) => gatekeeper.blocklist.bounceScrutiny(domain, wallMs),
      hasSent: (localPart, domain, wallMs) => ports.senders?.hasSent(localPart, domain, wallMs) ?? 'unavailable',
    };
  }
}

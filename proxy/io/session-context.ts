import type { MailEvent } from '../../events/event.ts';
import type { Admission } from '../input.ts';
import type { Lists } from '../policy/rule.ts';
import type { Restraint } from '../policy/source-blocked.ts';
import type { ProxyHeader } from '../proxy-header.ts';
import type { SessionSettings } from '../settings.ts';
import type { Clock } from './clock.ts';
import type { CredentialHasher } from './credential-hasher.ts';
import type { Logger } from './logger.ts';
import type { Rounds } from './rounds.ts';
import type { ListenerTls } from './tls.ts';
import type { Upstream } from './upstream.ts';

/** Where a connection came from and where it arrived; canonical addresses. */
export interface Peer {
  readonly ip: string;
  readonly port: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** A connection that was accepted. `sid`: the UUIDv7 of its session. */
export interface Arrived {
  readonly peer: Peer;
  readonly sid: string;
}

/** What the sessions of one listener share under one configuration; a reload makes a new one, live sessions keep theirs. */
export interface SessionContext {
  readonly settings: SessionSettings;
  readonly upstream: Upstream;
  /** Undefined: the listener has no certificate. */
  readonly tls: ListenerTls | undefined;
  readonly host: SessionHost;
}

/** What a gate sees of a session that lives in it. */
export interface HostedSession {
  readonly context: SessionContext;
  readonly peer: Peer;
  readonly sid: string;
  /** What the connect-stage rules said; undefined before a PROXY header named the client. */
  readonly admission: Admission | undefined;
  /** What decisions do to it now; `id` of the entry, undefined for none. @returns False for what it was told last. */
  restrain(id: string | undefined, restraint: Restraint): boolean;
  /** The gate stops. `now`: the grace period is over. */
  shutdown(now: boolean): void;
  /** Ends it without a word and without an event: only when the reducer had its chance. */
  destroy(): void;
}

/** What a session asks of the gate it lives in. */
export interface SessionHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rounds: Rounds;
  /** The lists in force now. */
  readonly lists: Lists;
  /** Share of the session slots in use, 0 to 1. */
  readonly slotsUsed: number;
  /** How long one input and everything it brought about took, microseconds; undefined when nobody wants to know. */
  readonly onTurn: ((microseconds: number) => void) | undefined;
  /** Undefined: events tell nothing of accounts. */
  readonly credentials: CredentialHasher | undefined;
  /** What a decision about an account does to a session that has tried to authenticate as it; undefined: nothing. */
  restraintOfAccount(account: string, settings: SessionSettings, isAccepted: boolean): Restraint | undefined;
  record(event: MailEvent): void;
  /** Somebody authenticated as an account (as in `auth-attempt`), or failed to. `ip`: canonical. */
  noteAttempt(account: string, ip: string, isAccepted: boolean): void;
  /** Mail with this reverse-path of ours goes out. */
  noteSender(localPart: string, asciiDomain: string): void;
  /** The connect-stage rules on the client that a PROXY header names. */
  admit(header: ProxyHeader, session: HostedSession): Admission;
  /** Who is not let in does not count any more. */
  turnedAway(admission: Admission): void;
  /** A fault of this program ended a session. */
  sessionCrashed(): void;
  /** Nothing of the session is left. */
  sessionOver(session: HostedSession): void;
}

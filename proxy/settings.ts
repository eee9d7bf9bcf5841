import type { Role } from '../events/event.ts';

/** `enforce` acts, `observe` only records what it would have done, `off` is not evaluated. */
export type Mode = 'enforce' | 'observe' | 'off';

/** How the server behind learns the client's address. */
export type ClientAddressMethod = 'proxy-v1' | 'proxy-v2' | 'xclient' | 'received' | 'none';

export interface ListenerSettings {
  readonly name: string;
  readonly role: Role;
  readonly address: string;
  readonly port: number;
  /** `implicit`: TLS from the first octet. `starttls`: offered. `none`: acknowledged to have no certificate. */
  readonly tls: 'implicit' | 'starttls' | 'none';
  /** RFC 3207 section 4: everything but NOOP, EHLO, STARTTLS and QUIT gets 530 before TLS. Never by default on mx. */
  readonly tlsRequired: boolean;
  /** MAIL needs AUTH first (submission roles), trusted networks excepted. */
  readonly authRequired: boolean;
  /** Every connection must begin with a PROXY header and come from a trusted balancer. */
  readonly proxyProtocol: boolean;
  /** Commands glued to EHLO are queued instead of refused. */
  readonly lenientEhlo: boolean;
  /** Commands pipelined after HELO are queued (true) or refused. */
  readonly pipeliningAfterHelo: boolean;
  /** How long the greeting is held for strangers, milliseconds; 0 for none. */
  readonly greetingHoldMs: number;
}

export interface UpstreamSettings {
  readonly tls: 'none' | 'opportunistic' | 'required' | 'implicit';
  readonly verifyCertificate: boolean;
  readonly clientAddress: ClientAddressMethod;
  /** A 5xx to XCLIENT refuses the session (true) or is ignored. */
  readonly xclientRequired: boolean;
  /** Accept LF-only line ends from the server behind. */
  readonly lenientLineEnds: boolean;
}

/** RFC 5321 section 4.5.3.2 and the gate's own deadlines; all absolute, all milliseconds. */
export interface Deadlines {
  readonly proxyHeaderMs: number;
  readonly commandMs: number;
  readonly commandLineMs: number;
  readonly saslLineMs: number;
  readonly tlsHandshakeMs: number;
  readonly dataMs: number;
  readonly clientWriteMs: number;
  readonly sessionMs: number;
  readonly closeDrainMs: number;
  readonly upstreamConnectMs: number;
  readonly upstreamGreetingMs: number;
  readonly upstreamReplyMs: number;
  readonly upstreamDataMs: number;
  readonly upstreamWriteMs: number;
  readonly upstreamEndOfDataMs: number;
  readonly upstreamRsetMs: number;
  readonly upstreamQuitMs: number;
}

export interface SessionLimits {
  readonly messageOctetsMax: number;
  readonly forwardPathsMax: number;
  readonly errorsMax: number;
  readonly junkMax: number;
  readonly authAttemptsMax: number;
  /** Least octets a second of a body, judged after `dataRateGraceMs`. */
  readonly dataRateOctetsMin: number;
  readonly dataRateGraceMs: number;
  /** Octets read and dropped of a refused body or a closing session before the connection is cut. */
  readonly discardOctetsMax: number;
  /** How long each command of a source that is slowed down waits, milliseconds. */
  readonly slowDelayMs: number;
  /** BDAT chunks below this count as junk unless they are the last. */
  readonly smallChunkOctets: number;
}

export const ruleIds = [
  'source.blocked',
  'limits.total',
  'limits.per-source',
  'limits.rate',
  'greet.early-talker',
  'helo.syntax',
  'helo.own-name',
  'auth.needs-tls',
  'auth.mechanism',
  'auth.attempts',
  'auth.guarded',
  'auth.required',
  'message.size',
  'message.bare-line-ending',
  'message.nul',
  'relay.denied',
  'relay.routing',
  'recipient.unknown',
  'recipient.limit',
  'bounce.multiple-recipients',
  'bounce.unverified',
  'errors.limit',
  'junk.limit',
  'deadline.proxy-header',
  'deadline.command',
  'deadline.command-line',
  'deadline.sasl',
  'deadline.tls',
  'deadline.data',
  'deadline.data-rate',
  'deadline.write',
  'deadline.session',
] as const;
export type RuleId = (typeof ruleIds)[number];

/** Everything one session needs to know; an immutable snapshot taken when it opens, so a reload never changes a live session. */
export interface SessionSettings {
  readonly site: string;
  readonly gate: string;
  /** Our name: in own replies, the upstream EHLO, Received fields; also a name no client may greet us with. */
  readonly hostname: string;
  /** Replaces the greeting text of the server behind; undefined relays it. */
  readonly greetingText: string | undefined;
  /** Contact in refusals, e.g. `postmaster@example.com`. */
  readonly contact: string;
  readonly listener: ListenerSettings;
  readonly upstream: UpstreamSettings;
  readonly deadlines: Deadlines;
  readonly limits: SessionLimits;
  readonly modes: Readonly<Record<RuleId, Mode>>;
  /** Mechanisms allowed, upper case; undefined allows every one that can cross a TLS terminator. */
  readonly authMechanisms: readonly string[] | undefined;
  /** Other names and addresses of ours, lower case, for `helo.own-name`. */
  readonly ownNames: ReadonlySet<string>;
  /** Stage -> what happens when a rule cannot know (a list was never loaded): `defer` answers 451, `pass` forwards. */
  readonly whenUnavailable: Readonly<Record<'helo' | 'mail' | 'rcpt' | 'data', 'defer' | 'pass'>>;
  /** All mail of the site goes out through this gate, so that it knows every reverse-path a bounce may be for. */
  readonly outgoingSeen: boolean;
}

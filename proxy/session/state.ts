import type { AnomalyKind, EventByType, MailOutcome, SessionOutcome } from '../../events/event.ts';
import type { Command } from '../command.ts';
import type { TlsFacts } from '../input.ts';
import type { ReversePath } from '../path.ts';
import type { SourceClass } from '../policy/rule.ts';
import type { Restraint } from '../policy/source-blocked.ts';
import type { OwnReply, UpstreamReply } from '../reply.ts';
import type { SaslData } from '../sasl.ts';
import type { RuleId, SessionSettings } from '../settings.ts';
import type { Observed } from '../verdict.ts';

/** What the session waits for. */
export type Phase =
  | 'new'
  /** The PROXY header of a trusted balancer. */
  | 'proxy-header'
  /** TLS from the first octet. */
  | 'tls-first'
  /** The greeting is held, or the server behind is being dialled, greeted and set up. The client must be silent. */
  | 'opening'
  /** The next command of the client. */
  | 'command'
  /** A command is there and waits: the source is slowed down. */
  | 'slowed'
  /** The reply of the server behind to `awaited`. */
  | 'awaiting'
  /** Whether anything was glued behind STARTTLS. */
  | 'starttls-settling'
  | 'starttls'
  /** The next SASL line of the client. */
  | 'sasl'
  /** Body octets. */
  | 'data'
  | 'bdat'
  /** The rest of a body that was given up; its reply is sent at its end. */
  | 'discarding'
  /** The client's last octets before the connection is destroyed. */
  | 'closing'
  | 'finished';

/** How commands are answered. `refused`: after a 554 greeting. `orphan`: the leg to the server behind is gone. */
export type Standing = 'normal' | 'refused' | 'orphan';

/** What the one outstanding reply of the server behind answers. */
export type Awaited =
  | 'greeting'
  | 'setup-ehlo'
  | 'setup-starttls'
  | 'setup-xclient'
  | 'helo'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'end-of-data'
  | 'bdat'
  | 'rset'
  | 'noop'
  | 'quit'
  | 'auth'
  | 'sasl-cancel'
  | 'silent-rset';

/** What a `command` event says of a command before it has its reply. */
export type CommandFacts = Pick<
  EventByType<'command'>,
  'verb' | 'heloName' | 'reversePath' | 'forwardPath' | 'parameters' | 'mechanism' | 'octets' | 'argument' | 'nearMiss'
>;

/** The client command being worked on; every one gets exactly one final reply and one event. */
export interface PendingCommand {
  readonly command: Command | undefined;
  readonly facts: CommandFacts;
  /** Monotonic microseconds; for a body, when its end arrived. */
  readonly startedUs: number;
  readonly observed: readonly Observed[];
  /** It had to wait, by this rule. */
  readonly slowedBy?: RuleId;
}

/** A mail transaction (RFC 5321 section 3.3): MAIL accepted by the server behind, not yet ended. */
export interface Transaction {
  readonly number: number;
  readonly reversePath: ReversePath;
  readonly smtputf8: boolean;
  readonly binaryMime: boolean;
  readonly startedUs: number;
  readonly acceptedCount: number;
  readonly refusedCount: number;
  readonly domains: readonly string[];
  /** Body octets received so far. */
  readonly octets: number;
  /** BDAT has begun: DATA is out of sequence from here on. */
  readonly chunked: boolean;
  readonly bareLineFeedNoted: boolean;
}

/** The source as the rules see it. */
export interface Source {
  readonly ip: string;
  readonly port: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly viaProxyProtocol: boolean;
  readonly trustedNetwork: boolean;
  readonly withHistory: boolean;
  readonly neverListed: boolean;
  readonly provider: boolean;
  readonly normaliseLineEndings: boolean;
  readonly stressed: boolean;
}

/** What the last EHLO was answered. */
export interface Offer {
  readonly keywords: ReadonlySet<string>;
  readonly mechanisms: ReadonlySet<string>;
  readonly sizeOctets: number;
}

/** A body under way: how it flows, and what is to be said at its end. */
export interface Body {
  readonly startedUs: number;
  /** Microseconds during which the server behind did not read; not the client's fault. */
  readonly blockedUs: number;
  readonly blockedSinceUs: number | undefined;
  readonly octets: number;
  /** BDAT: the last chunk. */
  readonly last: boolean;
  readonly chunkOctets: number;
  /** A refusal of the server behind that came before the end. */
  readonly earlyReply: UpstreamReply | undefined;
}

/** A body that was given up: what its end is answered. */
export interface Discard {
  readonly reply: OwnReply | UpstreamReply;
  readonly rule?: string;
  readonly outcome: MailOutcome;
  readonly close?: boolean;
  /** Octets consumed since. */
  readonly octets: number;
}

/** The end of a session. */
export interface Closing {
  readonly closedBy: 'client' | 'upstream' | 'gate';
  readonly rule: string | undefined;
  readonly replyCode: number | undefined;
  /** The client's octets seen while draining are evidence of this; recorded at the end. */
  readonly evidence: AnomalyKind | undefined;
}

/** The whole state of one session. Values only; replaced, never changed, by `step`. */
export interface Session {
  readonly settings: SessionSettings;
  readonly sid: string;
  readonly reference: string;
  readonly openedUs: number;
  readonly seq: number;
  readonly phase: Phase;
  readonly phaseSinceUs: number;
  readonly standing: Standing;
  /** The rule that refused the greeting. */
  readonly refusedBy: RuleId | undefined;
  readonly source: Source;
  readonly sourceClass: SourceClass;
  readonly recordedOpening: boolean;

  readonly clientTls: boolean;
  readonly clientEnded: boolean;
  /** The client is gone; replies are not written any more. */
  readonly clientGone: boolean;
  readonly helo: { readonly verb: 'HELO' | 'EHLO'; readonly name: string } | undefined;
  readonly offer: Offer;
  readonly authenticated: boolean;
  /** The mechanism may have set up a security layer; the next octets show it. */
  readonly layeredMechanism: boolean;
  readonly saslRounds: number;
  /** The client's first lines of the exchange, until its attempt is recorded. */
  readonly saslLines: readonly SaslData[];
  /** Why the gate cancels an exchange. */
  readonly saslFault: 'overlong' | 'not-base64' | 'guarded' | undefined;
  /** The account of the exchange has been looked at. */
  readonly isExchangeJudged: boolean;
  /** The exchange waits, and goes on with this. */
  readonly heldExchange: 'command' | 'line' | undefined;
  readonly pending: PendingCommand | undefined;
  readonly transaction: Transaction | undefined;
  readonly transactionCount: number;
  readonly body: Body | undefined;
  readonly discard: Discard | undefined;
  /** Empty lines since the last non-empty one; two and then a NUL are a PROXY v2 signature. */
  readonly emptyLines: number;

  readonly upstream: 'none' | 'connecting' | 'open' | 'gone';
  readonly upstreamTls: TlsFacts | undefined;
  readonly upstreamGreeting: UpstreamReply | undefined;
  /** Opportunistic STARTTLS was refused: the leg stays in clear. */
  readonly upstreamTlsRefused: boolean;
  /** The server behind holds a transaction that has ended for the client. */
  readonly upstreamDirty: boolean;
  readonly setupDone: boolean;
  readonly awaited: Awaited | undefined;
  readonly lastAnswered: Awaited | undefined;
  readonly holdOver: boolean;

  /** What decisions about the source do to the session. */
  readonly restraint: Restraint;
  /** The line of a command that waits. */
  readonly waitingLine: Uint8Array | undefined;

  readonly commandCount: number;
  readonly errorCount: number;
  readonly junkCount: number;
  readonly authFailures: number;
  readonly outcome: SessionOutcome;
  readonly dataAfterQuit: boolean;
  readonly shuttingDown: boolean;
  readonly closing: Closing | undefined;
}

/** What `step` works on: a shallow copy of the session that it may assign to. */
export type Draft = { -readonly [K in keyof Session]: Session[K] };

export const noOffer: Offer = { keywords: new Set(), mechanisms: new Set(), sizeOctets: 0 };

import type { Role, VerdictAction } from '../../events/event.ts';
import type { ForwardPath, ReversePath } from '../path.ts';
import type { OwnReply } from '../reply.ts';
import type { SaslCredentials } from '../sasl-credentials.ts';
import type { RuleId, SessionSettings } from '../settings.ts';

/** Classes of source, strongest last; a source is judged as the strongest class it belongs to. `certificate` comes with client certificates. */
export const sourceClasses = [
  'stranger',
  'with-history',
  'provider',
  'never-listed',
  'trusted-network',
  'certificate',
  'authenticated',
] as const;
export type SourceClass = (typeof sourceClasses)[number];

/** Lists that live outside a session; each is a snapshot swapped as a whole by the shell. */
export interface Lists {
  /** Is this canonical domain ours? `unavailable`: the list was never loaded. */
  isOwnDomain(asciiDomain: string): boolean | 'unavailable';
  /** Is an address literal ours (one of our public addresses)? */
  isOwnAddress(address: string): boolean;
  /** `true`/`false` by the list of known addresses; `no-list` when the domain is not covered by one. */
  isKnownRecipient(localPart: string, asciiDomain: string): boolean | 'no-list' | 'unavailable';
  /** A known address is one edit away. */
  isNearMiss(localPart: string, asciiDomain: string): boolean;
  /** The server behind refused this pair with 5.1.1 or 5.1.10 within the last minute. */
  refusedRecently(ip: string, forwardPath: string, wallMs: number): OwnReply | undefined;
  /**
   * What an attempt to authenticate must do while the passwords of its account are guessed; undefined: nothing. `observed`: the
   * decision behind it does not act.
   */
  accountGuard(
    credentials: SaslCredentials,
    ip: string,
    role: Role,
    wallMs: number,
  ): { readonly action: 'slow' | 'defer'; readonly observed: boolean } | undefined;
  /** What a decision asks of bounces to this domain now: that they are verified (`enforce`), or that it is seen what that would do. */
  bounceScrutiny(asciiDomain: string, wallMs: number): 'enforce' | 'observe' | undefined;
  /** Mail with this reverse-path went out through the gate. `unavailable`: it has not watched for long enough to know. */
  hasSent(localPart: string, asciiDomain: string, wallMs: number): boolean | 'unavailable';
}

/** What every rule may know of the source. */
export interface SourceFacts {
  readonly ip: string;
  readonly role: Role;
  readonly class: SourceClass;
  readonly tls: boolean;
  readonly authenticated: boolean;
  readonly heloName: string;
  readonly settings: SessionSettings;
  readonly wallMs: number;
  /** The session id as it stands in refusals (26 characters, `referenceOf` of lib/uuid-v7.ts). */
  readonly reference: string;
}

/** Facts by stage; each adds to the source's. */
export interface StageFacts {
  readonly helo: SourceFacts & { readonly name: string };
  readonly auth: SourceFacts & { readonly mechanism: string; readonly attempts: number };
  readonly mail: SourceFacts & { readonly reversePath: ReversePath; readonly declaredOctets: number | undefined };
  readonly rcpt: SourceFacts & {
    readonly reversePath: ReversePath;
    readonly forwardPath: ForwardPath;
    /** Forward-paths already accepted in this mail transaction. */
    readonly acceptedCount: number;
  };
  /** Before the body is asked for, and again before its end is released. */
  readonly data: SourceFacts & { readonly octets: number };
}
export type Stage = keyof StageFacts;

/** What a rule found. `unavailable`: it could not know; the setting of its stage decides. */
export type Finding =
  | {
      readonly action: Exclude<VerdictAction, 'accept' | 'slow'>;
      readonly reply: OwnReply;
      readonly nearMiss?: boolean;
      /** Whatever the mode of the rule, it is only recorded: the decision behind it does not act. */
      readonly observed?: boolean;
    }
  | 'unavailable';

/** One way a rule answers: the reply without contact, rule and reference, which every refusal has. */
export interface Answer {
  readonly action: Exclude<VerdictAction, 'accept' | 'slow'>;
  readonly code: number;
  readonly enhanced: string;
  /** A few words in lower case, for the person who reads the bounce. */
  readonly reason: string;
}

/** What is known of a rule besides how it is found out. */
export interface RuleDescription {
  readonly id: RuleId;
  /** Where in the session it is judged; `any`: at any time. */
  readonly stage: Stage | 'connect' | 'any';
  /** Classes of source it concerns. */
  readonly concerns: readonly SourceClass[];
  /** One sentence for the documentation. */
  readonly summary: string;
  /** Every answer of its own making; none closes the connection without a word. */
  readonly answers: readonly Answer[];
}

/** One named check of the gate: one file, one id, one line of documentation. */
export interface Rule<S extends Stage = Stage> extends RuleDescription {
  readonly stage: S;
  /** Nothing to say: undefined. */
  check(facts: StageFacts[S], lists: Lists): Finding | undefined;
}

/** A rule that another part finds out (the session machine by its counters and deadlines, the body scanner, the admission). */
export interface OutsideRule extends RuleDescription {
  readonly stage: 'connect' | 'data' | 'any';
  /** The reply of its first answer. */
  reply(settings: Pick<SessionSettings, 'contact'>, reference: string): OwnReply;
}

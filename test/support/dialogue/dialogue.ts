/** What a `.dialogue` file says, after parsing. The language is described in test/dialogues/README.md. */

/** How a write ends: a TCP FIN or RST, or (client only) a TLS handshake that succeeds or fails. */
export type Ending = 'FIN' | 'RST' | 'TLS' | 'TLS-FAIL';

/** Octets of one write, cut at each `|` of the script, and what follows them. */
export interface Write {
  readonly segments: readonly Uint8Array[];
  readonly ending: Ending | undefined;
}

/** What one reply must look like. */
export interface ReplyPattern {
  /** Exact codes (`250`) or classes (`5xx`); one must fit. */
  readonly codes: readonly string[];
  /** Enhanced status code that every line must begin with. */
  readonly enhanced: string | undefined;
  readonly texts: readonly TextPattern[];
}
export interface TextPattern {
  readonly regexp: RegExp;
  readonly negated: boolean;
}

/** What the scripted server does when its turn comes. */
export interface Answer {
  readonly afterMs: number;
  readonly action:
    | { readonly kind: 'default' }
    | { readonly kind: 'silent' }
    | { readonly kind: 'refused' }
    | { readonly kind: 'write'; readonly write: Write };
}

/** Fields an event must have; keys are dotted paths. */
export interface EventPattern {
  readonly fields: ReadonlyMap<string, string>;
  /** Undefined: at least one. */
  readonly count: number | undefined;
}

/** What the octets written upstream since the last such line must be. */
export type UpstreamPattern =
  | { readonly kind: 'exactly'; readonly octets: Uint8Array }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'any' }
  | { readonly kind: 'has' | 'lacks'; readonly octets: Uint8Array };

export type UpstreamState = 'aborted' | 'ended' | 'open' | 'undialled';

export type Step = { readonly line: number } & (
  | { readonly kind: 'connect' }
  | { readonly kind: 'client-writes'; readonly write: Write }
  | { readonly kind: 'client-reads'; readonly pattern: ReplyPattern; readonly times: number }
  | { readonly kind: 'client-reads-octets'; readonly octets: Uint8Array }
  | { readonly kind: 'client-reads-nothing' }
  | { readonly kind: 'upstream-reads'; readonly pattern: UpstreamPattern }
  | { readonly kind: 'upstream-writes'; readonly write: Write }
  | { readonly kind: 'upstream-silent' }
  | { readonly kind: 'server'; readonly event: string; readonly always: boolean; readonly answers: readonly Answer[] }
  | { readonly kind: 'offers'; readonly keywords: readonly string[] }
  | { readonly kind: 'wait'; readonly forMs: number }
  | { readonly kind: 'client-is'; readonly closed: boolean }
  | { readonly kind: 'upstream-is'; readonly state: UpstreamState }
  | { readonly kind: 'flow'; readonly leg: 'client' | 'upstream'; readonly blocked: boolean }
  | { readonly kind: 'shutdown'; readonly now: boolean }
  /** What decisions do to the session from now on. */
  | { readonly kind: 'restrained'; readonly action: 'slow' | 'defer' | 'nothing'; readonly byOperator: boolean }
  | { readonly kind: 'event'; readonly pattern: EventPattern }
);

export const invariantIds = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9'] as const;
export type InvariantId = (typeof invariantIds)[number];

/** One script: a file, one of its variants, one row of its table. */
export interface Dialogue {
  readonly title: string;
  readonly settings: readonly Setting[];
  readonly secrets: readonly Uint8Array[];
  /** Invariant -> why this dialogue cannot keep it. */
  readonly exceptions: ReadonlyMap<InvariantId, string>;
  readonly steps: readonly Step[];
}
export interface Setting {
  readonly line: number;
  /** Dotted path into settings, `admission` or `lists`. */
  readonly path: string;
  readonly value: unknown;
}

/** What is wrong with a file. */
export interface DialogueFault {
  readonly line: number;
  readonly reason: string;
}

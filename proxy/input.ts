import type { ClientUnit } from './client-unit.ts';
import type { Restraint } from './policy/source-blocked.ts';
import type { UpstreamReply } from './reply.ts';
import type { Verdict } from './verdict.ts';

/** Every deadline of a session; at most one of each runs. */
export const timerNames = [
  'proxy-header',
  'greeting-hold',
  'command',
  'command-line',
  'slow',
  'sasl',
  'client-tls',
  'data',
  'client-write',
  'session',
  'drain',
  'progress',
  'upstream-connect',
  'upstream-reply',
  'upstream-write',
  'upstream-tls',
] as const;
export type TimerName = (typeof timerNames)[number];

/** What happened on a TLS leg. */
export interface TlsFacts {
  readonly version: string;
  readonly cipher: string;
  readonly sni: string | undefined;
  readonly alpn: string | undefined;
  readonly verified: boolean | undefined;
}

/** What the upstream decoder yields: whole valid replies, or the first fault (nothing after it). */
export type UpstreamUnit =
  | {
      readonly kind: 'reply';
      readonly reply: UpstreamReply;
      /** Its first octet came before the command it would answer was written. */
      readonly early: boolean;
      /** Octets behind it in the buffer. */
      readonly trailingOctets: number;
    }
  | { readonly kind: 'fault'; readonly reason: string; readonly octets: Uint8Array };

/** Everything that can happen to a session. The shell delivers inputs one at a time. */
export type Input =
  /** First input. `verdict`: admission, already decided unless a PROXY header is awaited. */
  | { readonly kind: 'opened'; readonly admission: Admission | undefined }
  /** Answer to the effect `admit`. */
  | { readonly kind: 'admitted'; readonly admission: Admission }
  | { readonly kind: 'client'; readonly unit: ClientUnit }
  /** First octet of a line arrived and the line is not whole yet (starts the line deadline); at most once a line. */
  | { readonly kind: 'client-line-begun' }
  /** FIN, delivered after every unit that came before it. */
  | { readonly kind: 'client-ended' }
  | { readonly kind: 'client-failed'; readonly reason: string }
  /** The client does not read: its write buffer passed the mark, or fell below it again. */
  | { readonly kind: 'client-blocked' }
  | { readonly kind: 'client-flowing' }
  /** Answer to the effect `settle`: nothing more of the same arrival is waiting. */
  | { readonly kind: 'settled' }
  | { readonly kind: 'client-tls-started'; readonly tls: TlsFacts }
  | { readonly kind: 'client-tls-failed'; readonly reason: string }
  | { readonly kind: 'upstream-connected'; readonly tls: TlsFacts | undefined }
  | { readonly kind: 'upstream-failed'; readonly reason: string }
  | { readonly kind: 'upstream'; readonly unit: UpstreamUnit }
  /** FIN of the server behind, delivered after its units. */
  | { readonly kind: 'upstream-ended' }
  | { readonly kind: 'upstream-tls-started'; readonly tls: TlsFacts }
  | { readonly kind: 'upstream-tls-failed'; readonly reason: string }
  | { readonly kind: 'upstream-blocked' }
  | { readonly kind: 'upstream-flowing' }
  | { readonly kind: 'timer'; readonly name: TimerName }
  /** Answer to the effect `close-client`: the client left or the drain bound was reached. */
  | { readonly kind: 'drained'; readonly octets: Uint8Array; readonly octetCount: number }
  /** Decisions about the source have changed. */
  | { readonly kind: 'restrained'; readonly restraint: Restraint }
  /** The gate stops. `now`: the grace period is over. */
  | { readonly kind: 'shutdown'; readonly now: boolean };

/** Who the client is, and what the connect-stage rules say of it. */
export interface Admission {
  readonly verdict: Verdict;
  /** Canonical client address. */
  readonly ip: string;
  readonly port: number;
  /** Where the client connected to: the socket's own address, or the destination of the PROXY header; canonical. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly viaProxyProtocol: boolean;
  readonly trustedNetwork: boolean;
  /** Good history: the greeting is not held. */
  readonly withHistory: boolean;
  readonly neverListed: boolean;
  /** A large mail provider. */
  readonly provider: boolean;
  readonly normaliseLineEndings: boolean;
  /** The gate or the site is under stress, and nothing is known of the source: its limits are tighter. */
  readonly stressed: boolean;
  /** What decisions do to the session once it is in. */
  readonly restraint: Restraint;
}

/** The time of an input: wall clock for events, monotonic clock for durations. */
export interface Now {
  /** Integer milliseconds since 1970-01-01 UTC. */
  readonly wallMs: number;
  /** Monotonic, integer microseconds. */
  readonly monotonicUs: number;
}

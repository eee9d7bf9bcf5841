import type { ProxyHeader } from './proxy-header.ts';
import type { SaslData } from './sasl.ts';

/**
 * What the client decoder reads next. It yields one unit, then stops until the reducer sets the next mode, so that no octet is
 * ever parsed under a guessed mode. Streaming units (`data`, `bdat`) are the exception: the mode stays until they end.
 */
export type ClientMode =
  /** Keep octets, yield nothing: a reply is awaited and pipelined commands wait their turn. */
  | { readonly kind: 'stopped' }
  /** The client must be silent: the first octet yields `unexpected-octets`, once, and stays in the buffer. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'proxy-header' }
  | { readonly kind: 'command' }
  | { readonly kind: 'sasl' }
  /** `octetsMax`: octets of a body that may be read; the next one is a `data-violation`. Absent: no limit. */
  | { readonly kind: 'data'; readonly allowNul: boolean; readonly normalise: boolean; readonly octetsMax?: number }
  /** Consume the rest of a refused DATA body up to its end of data. */
  | { readonly kind: 'discard-data' }
  | { readonly kind: 'bdat'; readonly octets: number }
  | { readonly kind: 'discard-bdat'; readonly octets: number }
  /** Consume and count everything, keeping the first octets as evidence: the session is closing. */
  | { readonly kind: 'drain' }
  /** The octets belong to TLS from here on. */
  | { readonly kind: 'tls' }
  | { readonly kind: 'closed' };

/** What was wrong with the framing of a line. */
export type LineFault = 'bare-cr' | 'bare-lf' | 'overlong' | 'overlong-endless' | 'tls-record';

/** Why a DATA body cannot go on. */
export type BodyFault = 'bare-cr' | 'bare-lf' | 'nul' | 'too-large';

export type ClientUnit =
  | { readonly kind: 'unexpected-octets' }
  | { readonly kind: 'proxy-header'; readonly header: ProxyHeader }
  | { readonly kind: 'proxy-header-fault'; readonly octets: Uint8Array }
  /** `line` is without its CRLF. */
  | { readonly kind: 'line'; readonly line: Uint8Array }
  /** `octets`: the line up to the fault. `authLine`: it starts like AUTH, so nothing of it may be recorded. */
  | { readonly kind: 'line-fault'; readonly fault: LineFault; readonly octets: Uint8Array; readonly authLine: boolean }
  | { readonly kind: 'sasl-line'; readonly data: SaslData }
  | { readonly kind: 'sasl-cancel' }
  | { readonly kind: 'sasl-fault'; readonly fault: 'bare-cr' | 'bare-lf' | 'overlong' | 'not-base64' }
  /** Octets of a DATA body that may be written upstream, dots and all. `receivedOctets`: body octets consumed from the client. */
  | { readonly kind: 'data'; readonly chunks: readonly Uint8Array[]; readonly receivedOctets: number }
  /** The held terminator; written upstream only after the policy verdict on the body. */
  | { readonly kind: 'data-end'; readonly terminator: Uint8Array }
  | { readonly kind: 'data-violation'; readonly fault: BodyFault; readonly octets: Uint8Array }
  | { readonly kind: 'bdat'; readonly chunk: Uint8Array; readonly bareLineFeed: boolean }
  | { readonly kind: 'bdat-end' }
  | { readonly kind: 'discarded'; readonly octets: number }
  | { readonly kind: 'discard-end' };

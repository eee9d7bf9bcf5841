import type { MailEvent } from '../events/event.ts';
import type { ClientMode } from './client-unit.ts';
import type { TimerName } from './input.ts';
import type { ProxyHeader } from './proxy-header.ts';
import type { SaslCredentials } from './sasl-credentials.ts';

/** What the shell does for the session, in order. It holds no policy of its own. */
export type Effect =
  /** Write to the client. */
  | { readonly kind: 'reply'; readonly octets: Uint8Array }
  /** What the client decoder reads next. */
  | { readonly kind: 'client-mode'; readonly mode: ClientMode }
  /** Ask whether the client named by a PROXY header may come in; answered by the input `admitted`. */
  | { readonly kind: 'admit'; readonly header: ProxyHeader }
  /** Dial the server behind; answered by `upstream-connected` or `upstream-failed`. `preamble`: a PROXY header, written first. */
  | {
      readonly kind: 'connect-upstream';
      readonly preamble: Uint8Array | undefined;
      /** The last connections to the server behind are not for its client. */
      readonly isStranger: boolean;
    }
  /** Write one command, or SASL line, and expect exactly one reply. */
  | { readonly kind: 'command-upstream'; readonly octets: Uint8Array }
  /** Write body octets; no reply is expected yet. `digest`: they are the client's own and count for the body hash. */
  | { readonly kind: 'body-upstream'; readonly chunks: readonly Uint8Array[]; readonly digest: boolean }
  /**
   * Write the octets that commit a body (or end a chunk) and expect one reply. `bodyOctets`: how many of the first ones
   * still belong to the body and count for its hash (the line end before the dot).
   */
  | { readonly kind: 'end-body-upstream'; readonly octets: Uint8Array; readonly bodyOctets: number }
  | { readonly kind: 'begin-digest' }
  /** Mail with this reverse-path of ours goes out: bounces of it may come. `asciiDomain`: canonical. */
  | { readonly kind: 'sender-seen'; readonly localPart: string; readonly asciiDomain: string }
  /** One reply is due although nothing is written (the greeting, a new greeting after XCLIENT). */
  | { readonly kind: 'expect-upstream' }
  | { readonly kind: 'start-upstream-tls' }
  /** Half-close after what is written: an orderly end. */
  | { readonly kind: 'end-upstream' }
  /** ABORT-UP: destroy at once, nothing more is written. */
  | { readonly kind: 'abort-upstream' }
  /** Detach the plaintext reader, write the 220, then shake hands as a server. */
  | { readonly kind: 'start-client-tls'; readonly reply: Uint8Array }
  /** TLS from the first octet (465). */
  | { readonly kind: 'accept-client-tls' }
  /** Tell with `settled` once everything that arrived together has been delivered. */
  | { readonly kind: 'settle' }
  /** Half-close after what is written, drain the client's octets within bounds, answer `drained`, then destroy. */
  | { readonly kind: 'close-client'; readonly octetsMax: number }
  /** Destroy at once; after `close-client` the input `drained` still follows, with what was seen so far. */
  | { readonly kind: 'destroy-client' }
  | { readonly kind: 'set-timer'; readonly name: TimerName; readonly afterMs: number }
  | { readonly kind: 'clear-timer'; readonly name: TimerName }
  /**
   * `bodyDigest`: the shell fills in `bodySha256` from its running digest. The shell also fills in what only it knows:
   * `octetsIn` and `octetsOut` of `session-closed`, `slotsUsed` of `session-progress`.
   */
  | {
      readonly kind: 'record';
      readonly event: MailEvent;
      readonly bodyDigest?: true;
      /** The shell fills in `account` and `credentialFingerprint`, as keyed hashes. */
      readonly credentials?: SaslCredentials;
    }
  /** Everything is over; the shell frees the slot. Always the last effect of a session. */
  | { readonly kind: 'finished' };

import type { AnomalyKind } from '../events/event.ts';
import type { OwnReply } from './reply.ts';

/** Verbs the gate understands (RFC 5321 4.1.1, RFC 3030, RFC 3207, RFC 4954). Nothing else is ever forwarded. */
export const verbs = [
  'HELO',
  'EHLO',
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'RSET',
  'NOOP',
  'QUIT',
  'AUTH',
  'STARTTLS',
  'VRFY',
  'EXPN',
  'HELP',
] as const;
export type Verb = (typeof verbs)[number];

/** A line that is not a command, with the reply it gets. */
export interface SyntaxFault {
  /** The verb where it was recognisable, `?` otherwise. */
  readonly verb: Verb | '?';
  /** Rule id for the verdict: `protocol.syntax`, `protocol.unknown-verb`, `protocol.private-verb`, … */
  readonly rule: string;
  readonly reply: OwnReply;
  /** The session cannot go on: what follows has no known framing. */
  readonly close: boolean;
  readonly anomaly?: AnomalyKind;
  /** The line may hold a secret (AUTH in any spelling): nothing of it goes into an event. */
  readonly secret: boolean;
}

import { Buffer } from 'node:buffer';
import { rfc5322Date } from '../lib/time.ts';

/** Most characters of a name in the Received field; RFC 5321 section 4.5.3.1.2. */
export const RECEIVED_NAME_LENGTH_MAX = 255;

/** What the Received field tells the server behind. */
export interface ReceivedFacts {
  /** As the client gave it in EHLO or HELO. */
  readonly heloName: string;
  /** EHLO, not HELO. */
  readonly extended: boolean;
  /** Canonical client address. */
  readonly ip: string;
  /** Our name. */
  readonly hostname: string;
  /** The client's leg is TLS. */
  readonly tls: boolean;
  readonly authenticated: boolean;
  /** Reference of the session. */
  readonly id: string;
  /** Integer milliseconds since 1970-01-01 UTC. */
  readonly wallMs: number;
}

/**
 * The trace field for servers that learn the client's address in no other way (RFC 5321 section 4.4), folded, with its last
 * CRLF. Whatever the client said in it is reduced to letters that can neither end a line nor open a comment.
 */
export function receivedField(facts: ReceivedFacts): Uint8Array {
  const address = facts.ip.includes(':') ? `[IPv6:${facts.ip}]` : `[${facts.ip}]`;
  const lines = [
    `Received: from ${safeName(facts.heloName)} (${address})`,
    `\tby ${safeName(facts.hostname)} with ${protocolOf(facts)} id ${facts.id};`,
    `\t${rfc5322Date(facts.wallMs)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');
}

/** RFC 3848. After HELO there is neither TLS nor AUTH to tell of: SMTP has no such letters. */
const protocolOf = ({ extended, tls, authenticated }: ReceivedFacts): string =>
  extended ? `ESMTP${tls ? 'S' : ''}${authenticated ? 'A' : ''}` : 'SMTP';

/** A domain, or an address literal in its brackets; every other character becomes `?`. */
function safeName(name: string): string {
  const capped = name.slice(0, RECEIVED_NAME_LENGTH_MAX);
  if (/^\[[0-9A-Za-z:.]+\]$/.test(capped)) return capped;
  const safe = capped.replace(/[^0-9A-Za-z._-]/gu, '?');
  return safe === '' ? 'unknown' : safe;
}

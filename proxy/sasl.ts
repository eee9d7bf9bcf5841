import { Buffer } from 'node:buffer';
import { isDigit, isLetter } from '../lib/ascii.ts';

const ASTERISK = 0x2a;
const EQUALS = 0x3d;
const PLUS = 0x2b;
const SLASH = 0x2f;
const LINE_END: Uint8Array = Buffer.from('\r\n', 'latin1');

/** Most characters of the name of a SASL mechanism (RFC 4422 section 3.1). */
export const MECHANISM_LENGTH_MAX = 20;

let create: (octets: Uint8Array) => SaslData;
let octetsOf: (data: SaslData) => Uint8Array;

/**
 * One SASL response as the client wrote it, base64 and all. It can be sent to the server behind and counted, nothing else:
 * no getter, and every way to print it says how long it is and no more.
 */
export class SaslData {
  readonly #octets: Uint8Array;

  private constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  static {
    create = (octets) => new SaslData(octets);
    octetsOf = (data) => data.#octets;
  }

  /** Octets on the wire, line end excluded. */
  get octetCount(): number {
    return this.#octets.length;
  }

  toString(): string {
    return `[redacted ${this.octetCount}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/**
 * Reads a line of a SASL exchange (RFC 4954 section 4): base64 with padding, or nothing for a response of no octets.
 *
 * @param line - Without its CRLF.
 * @returns `cancel` for `*`; undefined for what is not base64.
 */
export function parseSaslResponse(line: Uint8Array): SaslData | 'cancel' | undefined {
  if (line.length === 1 && line[0] === ASTERISK) return 'cancel';
  return isBase64(line) ? create(new Uint8Array(line)) : undefined;
}

/**
 * Reads the initial response in an AUTH command (RFC 4954 section 4): base64, or `=` for a response of no octets, which is
 * not the same as none and stays as it is.
 *
 * @returns undefined for what is neither.
 */
export function parseInitialResponse(word: Uint8Array): SaslData | undefined {
  const isEmptyResponse = word.length === 1 && word[0] === EQUALS;
  return isEmptyResponse || (word.length > 0 && isBase64(word)) ? create(new Uint8Array(word)) : undefined;
}

/** The response as it goes to the server behind: the client's octets and CRLF. */
export function serialiseSaslLine(data: SaslData): Uint8Array {
  return Buffer.concat([octetsOf(data), LINE_END]);
}

/** The octets of a response, its base64 taken off; `=` is a response of no octets. For `sasl-credentials.ts` alone. */
export function decodeSasl(data: SaslData): Buffer {
  const text = Buffer.from(octetsOf(data)).toString('latin1');
  return Buffer.from(text === '=' ? '' : text, 'base64');
}

/** RFC 4648 section 4, padding required. The unused low bits of the last digit may be set: old clients leave them so. */
export function isBase64(octets: Uint8Array): boolean {
  if (octets.length % 4 !== 0) return false;
  let digits = octets.length;
  if (octets[digits - 1] === EQUALS) digits -= 1;
  if (octets[digits - 1] === EQUALS) digits -= 1;
  for (let index = 0; index < digits; index += 1) {
    const octet = octets[index] ?? 0;
    if (!isLetter(octet) && !isDigit(octet) && octet !== PLUS && octet !== SLASH) return false;
  }
  return true;
}

/** The name of a SASL mechanism (RFC 4422 section 3.1), in either case. */
export function isMechanism(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (!isLetter(code) && !isDigit(code) && code !== 0x2d && code !== 0x5f) return false;
  }
  return text.length > 0 && text.length <= MECHANISM_LENGTH_MAX;
}

/** Mechanisms that cannot work where TLS ends in between: client certificates, and a digest over the session's integrity. */
const endToEnd: ReadonlySet<string> = new Set(['EXTERNAL', 'DIGEST-MD5']);

/**
 * The mechanism works although TLS ends at the gate: it binds to no channel (`-PLUS`, RFC 5802 section 4) and no certificate.
 *
 * @param mechanism - In upper case.
 */
export const crossesTlsEnd = (mechanism: string): boolean => !endToEnd.has(mechanism) && !mechanism.endsWith('-PLUS');

import { Buffer } from 'node:buffer';
import { assert } from './assert.ts';

/** Octets of randomness that {@link uuidV7} takes. */
export const UUID_RANDOM_OCTETS = 10;
/** Characters of a reference: 128 bits, five a character. */
export const REFERENCE_LENGTH = 26;

/** Crockford's base32: no I, L, O or U, so that a reference survives being read out. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const digitValues: ReadonlyMap<string, bigint> = new Map([
  ...[...alphabet].map((char, index): [string, bigint] => [char, BigInt(index)]),
  ['I', 1n],
  ['L', 1n],
  ['O', 0n],
]);

/**
 * A UUID of version 7 (RFC 9562 section 5.7): it sorts by time.
 *
 * @param wallMs - Integer milliseconds since 1970-01-01 UTC, less than 2^48.
 * @param random - {@link UUID_RANDOM_OCTETS} random octets; six bits of them give way to version and variant.
 * @returns Lower case, with hyphens.
 */
export function uuidV7(wallMs: number, random: Uint8Array): string {
  assert(Number.isInteger(wallMs) && wallMs >= 0 && wallMs < 2 ** 48, 'a time is 48 bits of milliseconds');
  assert(random.length === UUID_RANDOM_OCTETS, 'a UUID takes ten random octets');
  const octets = Buffer.from(random);
  octets[0] = 0x70 | ((octets[0] ?? 0) & 0x0f);
  octets[2] = 0x80 | ((octets[2] ?? 0) & 0x3f);
  return hyphenated(wallMs.toString(16).padStart(12, '0') + octets.toString('hex'));
}

const hyphenated = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;

/**
 * The reference that stands in a refusal: the same 128 bits as the session id, in 26 characters of Crockford's base32, as a
 * ULID.
 *
 * @param sid - A UUID, lower or upper case, with hyphens.
 */
export function referenceOf(sid: string): string {
  assert(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(sid), 'a session id is a UUID');
  let reference = '';
  // 26 characters hold 130 bits; the first two are always zero.
  let bits = 0;
  let bitCount = 2;
  for (const digit of sid) {
    if (digit === '-') continue;
    bits = ((bits & 0x1f) << 4) | Number.parseInt(digit, 16);
    bitCount += 4;
    if (bitCount < 5) continue;
    bitCount -= 5;
    reference += alphabet.charAt((bits >> bitCount) & 0x1f);
  }
  return reference;
}

/**
 * The session id behind a reference, as people type it: in either case, `I` and `L` for 1, `O` for 0.
 *
 * @returns Lower case, with hyphens; undefined for what is no reference.
 */
export function sidOfReference(reference: string): string | undefined {
  if (reference.length !== REFERENCE_LENGTH) return undefined;
  let value = 0n;
  for (const char of reference) {
    const digit = digitValues.get(/[a-z]/.test(char) ? char.toUpperCase() : char);
    if (digit === undefined) return undefined;
    value = (value << 5n) | digit;
  }
  // The two bits that 26 characters have beyond 128.
  return value >> 128n === 0n ? hyphenated(value.toString(16).padStart(32, '0')) : undefined;
}

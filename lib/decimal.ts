import { isDigit } from './ascii.ts';

/** Most digits of a number on the wire (`1*20DIGIT`, RFC 1870 section 3, RFC 3030 section 2). */
export const DECIMAL_DIGITS_MAX = 20;

/**
 * The one way a number from the network is read: digits only, no sign, no blank, no other base.
 *
 * @returns The number; `too-large` for digits that say more than 2^53−1; undefined for anything else, more than
 * {@link DECIMAL_DIGITS_MAX} digits of a small number included.
 */
export function parseDecimal(text: string): number | 'too-large' | undefined {
  if (text.length === 0) return undefined;
  for (let index = 0; index < text.length; index += 1) if (!isDigit(text.charCodeAt(index))) return undefined;
  const value = Number(text);
  if (value > Number.MAX_SAFE_INTEGER) return 'too-large';
  return text.length > DECIMAL_DIGITS_MAX ? undefined : value;
}

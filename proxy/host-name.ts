import { isDigit } from '../lib/ascii.ts';

/** Most characters of a domain name without its trailing dot (RFC 1035 section 2.3.4). */
export const NAME_LENGTH_MAX = 253;
/** Most characters of one label (RFC 1035 section 2.3.4). */
export const LABEL_LENGTH_MAX = 63;

/**
 * A canonical domain name could exist in the DNS: lengths as in RFC 1035 section 2.3.4, no hyphen at the edge of a label
 * (RFC 1123 section 2.1), and a last label that is no number, which would make an address of it (RFC 3696 section 2).
 * Underscores pass: hosts have them.
 *
 * @param ascii - As `canonicalDomain` of path.ts gives it.
 */
export function isHostName(ascii: string): boolean {
  if (ascii.length > NAME_LENGTH_MAX) return false;
  let start = 0;
  for (let dot = ascii.indexOf('.'); dot !== -1; dot = ascii.indexOf('.', start)) {
    if (!isLabel(ascii, start, dot)) return false;
    start = dot + 1;
  }
  return isLabel(ascii, start, ascii.length) && !isNumber(ascii, start);
}

const isLabel = (name: string, start: number, end: number): boolean =>
  end > start && end - start <= LABEL_LENGTH_MAX && name[start] !== '-' && name[end - 1] !== '-';

function isNumber(name: string, start: number): boolean {
  for (let index = start; index < name.length; index += 1) if (!isDigit(name.charCodeAt(index))) return false;
  return true;
}

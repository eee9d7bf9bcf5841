import { isControl, isPrintable } from './ascii.ts';

/** `true` for what may hide, reorder or break the text around it: line separators, marks of direction, the byte order mark. */
const isTreacherous = (code: number): boolean =>
  code === 0x061c ||
  code === 0x200e ||
  code === 0x200f ||
  (code >= 0x2028 && code <= 0x202e) ||
  (code >= 0x2066 && code <= 0x2069) ||
  code === 0xfeff;

const escaped = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`;

/** A surrogate pair, one character, or its escape. */
function shown(text: string, index: number): string {
  const code = text.codePointAt(index) ?? 0;
  if (code > 0xffff) return text.slice(index, index + 2);
  const isLoneSurrogate = code >= 0xd800 && code <= 0xdfff;
  return isLoneSurrogate || isControl(code) || isTreacherous(code) ? escaped(code) : text.charAt(index);
}

/** Nearly every field of nearly every event is printable ASCII. */
function isPlain(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (!isPrintable(text.charCodeAt(index))) return false;
  return true;
}

/**
 * Text from the network as an event may hold it: controls (C0, DEL, C1), line separators, marks of direction and lone
 * surrogates become six characters `\uXXXX`. Escaping twice changes nothing.
 *
 * @param lengthMax - Most UTF-16 code units of the result. Neither an escape nor a surrogate pair is cut in two.
 */
export function escapeField(text: string, lengthMax: number): string {
  if (text.length <= lengthMax && isPlain(text)) return text;
  let result = '';
  for (let index = 0; index < text.length; ) {
    const part = shown(text, index);
    if (result.length + part.length > lengthMax) break;
    result += part;
    index += part.length === 2 ? 2 : 1;
  }
  return result;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Octets from the network as text of an event: UTF-8 as {@link escapeField} shows it. Octets that are not UTF-8 are shown
 * one by one, from 0x80 up as four characters `\xNN`, so that each can be told.
 *
 * @param lengthMax - Most UTF-16 code units of the result. No escape is cut in two.
 */
export function escapeOctets(octets: Uint8Array, lengthMax: number): string {
  try {
    return escapeField(utf8.decode(octets), lengthMax);
  } catch {
    return escapeEach(octets, lengthMax);
  }
}

function escapeEach(octets: Uint8Array, lengthMax: number): string {
  let result = '';
  for (const octet of octets) {
    const part = octet < 0x80 ? shown(String.fromCharCode(octet), 0) : `\\x${octet.toString(16)}`;
    if (result.length + part.length > lengthMax) break;
    result += part;
  }
  return result;
}

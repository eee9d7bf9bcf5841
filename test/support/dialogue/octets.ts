/** Small helpers on octets for the tests. */

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** One character an octet, so that octets can be searched and compared as strings. */
export const toLatin1 = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');

export const fromLatin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** For people: escaped, quoted and capped. */
export function show(octets: Uint8Array, lengthMax = 160): string {
  const text = toLatin1(octets.subarray(0, lengthMax));
  const escaped = text.replace(/[^\x20-\x7e]|["\\]/g, (char) => {
    if (char === '\r') return '\\r';
    if (char === '\n') return '\\n';
    if (char === '"' || char === '\\') return `\\${char}`;
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return octets.length > lengthMax ? `"${escaped}"… (${octets.length} octets)` : `"${escaped}"`;
}

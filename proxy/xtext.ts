const PLUS = 0x2b;
const EQUALS = 0x3d;

/**
 * Decodes xtext (RFC 3461 section 4): printable ASCII but `+` and `=` stands for itself, `+` and two hexadecimal digits for
 * one octet. Digits in lower case are read as well, as servers do.
 *
 * @returns The octets; undefined for what is not xtext.
 */
export function decodeXtext(text: string): readonly number[] | undefined {
  const octets: number[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === PLUS) {
      const digits = text.slice(index + 1, index + 3);
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return undefined;
      octets.push(Number.parseInt(digits, 16));
      index += 2;
    } else if (code > 0x20 && code < 0x7f && code !== EQUALS) octets.push(code);
    else return undefined;
  }
  return octets;
}

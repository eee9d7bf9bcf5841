/**
 * Upper case of the letters a to z, and of nothing else. `toUpperCase` alone folds other characters into ASCII letters
 * (U+017F becomes S), which would make a keyword of what is none.
 */
export const upperAscii = (text: string): string =>
  hasLowerCase(text) ? text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) : text;

/** Nearly every word that is compared is in upper case already. */
function hasLowerCase(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code >= 0x61 && code <= 0x7a) return true;
  }
  return false;
}

/** 0 to 9. */
export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** A to Z or a to z. */
export const isLetter = (code: number): boolean => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);

/** Space to tilde. */
export const isPrintable = (code: number): boolean => code >= 0x20 && code <= 0x7e;

/** C0, DEL or C1: what no text of a protocol may hold. */
export const isControl = (code: number): boolean => code < 0x20 || (code >= 0x7f && code <= 0x9f);

/** Every character of the text is ASCII. */
export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

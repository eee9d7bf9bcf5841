/** Controls, marks of direction, line separators: what may hide or reorder the text around it. */
const TREACHEROUS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Text from the network as it may be shown: what may hide or reorder it becomes `\uXXXX`. Mark-up needs no escape, since
 * text only ever goes into the page as text.
 *
 * @param {unknown} value
 */
export const printable = (value) =>
  String(value ?? '').replace(
    TREACHEROUS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;

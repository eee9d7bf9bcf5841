/** Text that would clear a screen, colour what follows, begin lines of its own, turn the direction of the text around, or hide. */
export const HOSTILE = '\u001b[2J\u0007\r\n\u0000\u007f\u0085\u009b31m\u061c\u200e\u202e\u2066\u2028\u2029\ufeff\ud800';

/** What must not be in text for a terminal, line feeds aside; lone surrogates are the `u` flag's. */
export const TREACHEROUS =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Surrogate}]/u;

/** The same data with {@link HOSTILE} behind each text in it, names of facts too; `kept`: fields whose text is one of few. */
export function hostile<T>(data: T, kept: ReadonlySet<string>): T {
  return JSON.parse(JSON.stringify(data), (name, value: unknown) =>
    typeof value === 'string' && !kept.has(name) && !/^\d+$/.test(name) ? `${value}${HOSTILE}` : value,
  );
}

/** The outcome of something that may fail on bad input: bad input is a value here, never an exception. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/** Wraps a value that was read without fault. */
export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

/** Wraps what was wrong with the input. */
export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });

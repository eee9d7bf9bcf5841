/**
 * What the server answered: a value, or a text for people.
 *
 * @template T
 * @typedef {{ readonly ok: true, readonly value: T } | { readonly ok: false, readonly status: number, readonly error: string }} Answer
 */

/** Longest wait for an answer, milliseconds. */
const ANSWER_MS_MAX = 60_000;
/** Fired at the document when the server does not know the token any more. */
export const SIGNED_OUT = 'postern:signed-out';

/**
 * @template T
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer<T>>}
 */
export const get = (path, signal) => ask(path, signal === undefined ? {} : { signal });

/**
 * @template T
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<Answer<T>>}
 */
export const post = (path, body) =>
  ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/**
 * @template T
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<Answer<T>>}
 */
async function ask(path, init) {
  const timeout = AbortSignal.timeout(ANSWER_MS_MAX);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  try {
    const response = await fetch(path, { ...init, signal, credentials: 'same-origin' });
    const body = await bodyOf(response);
    if (response.ok && (body !== undefined || response.status === 204)) return { ok: true, value: body };
    if (response.status === 401 && path !== '/api/login') document.dispatchEvent(new Event(SIGNED_OUT));
    return {
      ok: false,
      status: response.status,
      error: body?.error ?? `the server answered ${response.status}, and not as the console understands it`,
    };
  } catch {
    const error = timeout.aborted
      ? 'the server took too long: choose a shorter range, or try again'
      : 'the console cannot be reached: is `postern web` running?';
    return { ok: false, status: 0, error };
  }
}

/** @param {Response} response @returns {Promise<any>} */
async function bodyOf(response) {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

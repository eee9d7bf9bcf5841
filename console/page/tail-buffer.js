/** Rows that the live tail keeps, at most. */
export const TAIL_ROWS_MAX = 500;

/**
 * What waits to be shown: the newest, up to {@link TAIL_ROWS_MAX}; older ones are counted.
 *
 * @template T
 */
export class TailBuffer {
  /** @type {T[]} */
  #waiting = [];
  #dropped = 0;

  /** @param {T} item */
  add(item) {
    this.#waiting.push(item);
    if (this.#waiting.length <= TAIL_ROWS_MAX) return;
    this.#waiting.shift();
    this.#dropped += 1;
  }

  /** All that came since the last time, also what was dropped. */
  get count() {
    return this.#waiting.length + this.#dropped;
  }

  /** @returns {readonly T[]} What waits, oldest first. */
  take() {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#dropped = 0;
    return taken;
  }
}

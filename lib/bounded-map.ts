/** A map that never holds more than `max` keys: the one that was set longest ago goes first. */
export class BoundedMap<Key, Value> {
  readonly max: number;
  private readonly entriesByKey = new Map<Key, Value>();

  constructor(max: number) {
    this.max = max;
  }

  get size(): number {
    return this.entriesByKey.size;
  }

  get(key: Key): Value | undefined {
    return this.entriesByKey.get(key);
  }

  has(key: Key): boolean {
    return this.entriesByKey.has(key);
  }

  /** Sets it, and makes it the youngest. */
  set(key: Key, value: Value): void {
    this.entriesByKey.delete(key);
    this.entriesByKey.set(key, value);
    if (this.entriesByKey.size <= this.max) return;
    for (const oldest of this.entriesByKey.keys()) {
      this.entriesByKey.delete(oldest);
      return;
    }
  }

  delete(key: Key): boolean {
    return this.entriesByKey.delete(key);
  }

  /** The oldest first. */
  entries(): IterableIterator<[Key, Value]> {
    return this.entriesByKey.entries();
  }
}

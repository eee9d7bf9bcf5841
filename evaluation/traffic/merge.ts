import type { MailEvent } from '../../events/event.ts';
import type { Planned } from './actor.ts';

/** A binary heap: the least first; of equals the one that came first. */
class Heap<T> {
  private readonly items: { readonly rank: number; readonly order: number; readonly item: T }[] = [];
  private order = 0;

  get leastRank(): number {
    return this.items[0]?.rank ?? Number.POSITIVE_INFINITY;
  }

  push(rank: number, item: T): void {
    const { items } = this;
    items.push({ rank, order: this.order, item });
    this.order += 1;
    let index = items.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.isBefore(index, parent)) break;
      this.swap(index, parent);
      index = parent;
    }
  }

  pop(): T | undefined {
    const { items } = this;
    const [least] = items;
    const last = items.pop();
    if (least === undefined || last === undefined) return undefined;
    if (items.length > 0) {
      items[0] = last;
      this.sink();
    }
    return least.item;
  }

  private sink(): void {
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      let least = index;
      if (left < this.items.length && this.isBefore(left, least)) least = left;
      if (left + 1 < this.items.length && this.isBefore(left + 1, least)) least = left + 1;
      if (least === index) return;
      this.swap(index, least);
      index = least;
    }
  }

  private isBefore(one: number, other: number): boolean {
    const [a, b] = [this.items[one], this.items[other]];
    if (a === undefined || b === undefined) return false;
    return a.rank < b.rank || (a.rank === b.rank && a.order < b.order);
  }

  private swap(one: number, other: number): void {
    const [a, b] = [this.items[one], this.items[other]];
    if (a === undefined || b === undefined) return;
    this.items[one] = b;
    this.items[other] = a;
  }
}

/** Sessions of many actors in the order in which they begin. */
export function* inOrder(actors: Iterable<Generator<Planned>>): Generator<Planned> {
  const heap = new Heap<readonly [Planned, Generator<Planned>]>();
  for (const actor of actors) advance(heap, actor);
  for (let next = heap.pop(); next !== undefined; next = heap.pop()) {
    const [planned, actor] = next;
    yield planned;
    advance(heap, actor);
  }
}

function advance(heap: Heap<readonly [Planned, Generator<Planned>]>, actor: Generator<Planned>): void {
  const { done, value } = actor.next();
  if (done !== true) heap.push(value.atMs, [value, actor]);
}

/**
 * Plays sessions: events of all that overlap, in the order of time. `opens` is asked when one begins, and says whether it may.
 */
export function* played(
  sessions: Iterable<Planned>,
  opens: (planned: Planned) => boolean,
): Generator<readonly [Planned, MailEvent]> {
  const heap = new Heap<readonly [Planned, MailEvent]>();
  for (const planned of sessions) {
    while (heap.leastRank < planned.atMs) {
      const next = heap.pop();
      if (next !== undefined) yield next;
    }
    if (!opens(planned)) continue;
    for (const event of planned.play()) heap.push(event.at, [planned, event]);
  }
  for (let next = heap.pop(); next !== undefined; next = heap.pop()) yield next;
}

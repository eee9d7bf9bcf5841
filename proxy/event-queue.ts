import type { EventType } from '../events/event.ts';
import { type Priority, priorities } from '../events/priority.ts';
import type { LogRecord } from '../log/event-log.ts';

/** An event on its way to the log: its record, and what is needed to count it if it is dropped. */
export interface QueuedEvent extends LogRecord {
  readonly priority: Priority;
  readonly type: EventType;
  /** When it happened, milliseconds since 1970-01-01 UTC. */
  readonly atMs: number;
  /** Counts up with every event. */
  readonly order: number;
}

/** Bounds of a queue. The payloads are ASCII, so their length is their octets. */
export interface QueueLimits {
  readonly eventsMax: number;
  readonly octetsMax: number;
}

/** First in, first out; taking from the front costs nothing. */
class Lane {
  #events: QueuedEvent[] = [];
  #head = 0;

  get first(): QueuedEvent | undefined {
    return this.#events[this.#head];
  }

  push(event: QueuedEvent): void {
    this.#events.push(event);
  }

  shift(): QueuedEvent | undefined {
    const event = this.#events[this.#head];
    if (event === undefined) return undefined;
    this.#head += 1;
    if (this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}

/**
 * Events that wait for the log, one lane a priority. When there is no room, the oldest event of a lower priority than the
 * new one gives way, the lowest first; if there is none, the new one does.
 */
export class EventQueue {
  readonly #limits: QueueLimits;
  readonly #onDropped: (event: QueuedEvent) => void;
  readonly #lanes: readonly Lane[] = priorities.map(() => new Lane());
  #count = 0;
  #octets = 0;

  constructor(limits: QueueLimits, onDropped: (event: QueuedEvent) => void) {
    this.#limits = limits;
    this.#onDropped = onDropped;
  }

  get count(): number {
    return this.#count;
  }

  /** How full it is, 0 to 1. */
  get fill(): number {
    return Math.max(this.#count / this.#limits.eventsMax, this.#octets / this.#limits.octetsMax);
  }

  push(event: QueuedEvent): void {
    const rank = priorities.indexOf(event.priority);
    while (!this.#hasRoomFor(event)) {
      const victim = this.#shiftBelow(rank) ?? event;
      this.#onDropped(victim);
      if (victim === event) return;
    }
    this.#lanes[rank]?.push(event);
    this.#count += 1;
    this.#octets += event.payload.length;
  }

  /** Takes the oldest events, in order: at most `limits.eventsMax`, and no more octets than allowed but for the first. */
  take(limits: QueueLimits): readonly QueuedEvent[] {
    const taken: QueuedEvent[] = [];
    let octets = 0;
    while (taken.length < limits.eventsMax) {
      const lane = this.#oldest();
      const event = lane?.first;
      if (lane === undefined || event === undefined) break;
      octets += event.payload.length;
      if (taken.length > 0 && octets > limits.octetsMax) break;
      taken.push(event);
      this.#shift(lane);
    }
    return taken;
  }

  #hasRoomFor(event: QueuedEvent): boolean {
    const { eventsMax, octetsMax } = this.#limits;
    return this.#count < eventsMax && this.#octets + event.payload.length <= octetsMax;
  }

  #shiftBelow(rank: number): QueuedEvent | undefined {
    for (let lower = 0; lower < rank; lower += 1) {
      const lane = this.#lanes[lower];
      const event = lane === undefined ? undefined : this.#shift(lane);
      if (event !== undefined) return event;
    }
    return undefined;
  }

  #shift(lane: Lane): QueuedEvent | undefined {
    const event = lane.shift();
    if (event === undefined) return undefined;
    this.#count -= 1;
    this.#octets -= event.payload.length;
    return event;
  }

  #oldest(): Lane | undefined {
    let oldest: Lane | undefined;
    for (const lane of this.#lanes) {
      const { first } = lane;
      if (first !== undefined && first.order < (oldest?.first?.order ?? Number.POSITIVE_INFINITY)) oldest = lane;
    }
    return oldest;
  }
}

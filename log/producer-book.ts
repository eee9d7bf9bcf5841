import { z } from 'zod';
import type { Placement } from './batch.ts';
import { BATCHES_IN_FLIGHT_MAX } from './wire.ts';

/** Producers that a log remembers; the one not heard of for longest is forgotten first. */
export const PRODUCERS_MAX = 256;

const committedBatch = z.object({
  batchId: z.number(),
  placement: z.object({ pressure: z.literal([0, 1, 2, 3]), firsts: z.array(z.number()) }),
});

/** A batch that is in the log, and where. */
export interface CommittedBatch {
  readonly batchId: number;
  readonly placement: Placement;
}

/** Reads the batches of a producer from JSON; undefined for any other text. */
export function parseBatches(text: string): readonly CommittedBatch[] | undefined {
  try {
    return z.array(committedBatch).safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The last batches of one producer, oldest first. */
export interface ProducerEntry {
  readonly atMs: number;
  readonly recent: readonly CommittedBatch[];
}

/**
 * Which batches of which producer are in the log already, so that a batch sent again after a broken connection is not
 * appended twice. A producer has at most {@link BATCHES_IN_FLIGHT_MAX} batches without acknowledgement, so as many are
 * enough to know any resend.
 */
export class ProducerBook {
  readonly #entries = new Map<string, ProducerEntry>();

  /** Every producer, the one not heard of for longest first. */
  get entries(): ReadonlyMap<string, ProducerEntry> {
    return this.#entries;
  }

  /** Where a batch is, if it is in the log. */
  placementOf(producer: string, batchId: number): Placement | undefined {
    return this.#entries.get(producer)?.recent.find((batch) => batch.batchId === batchId)?.placement;
  }

  /** What is remembered of a producer once `batches` are in as well. The book does not change. */
  entryWith(producer: string, batches: readonly CommittedBatch[], atMs: number): ProducerEntry {
    const before = this.#entries.get(producer)?.recent ?? [];
    return { atMs, recent: [...before, ...batches].slice(-BATCHES_IN_FLIGHT_MAX) };
  }

  /** Remembers a producer, as the one last heard of. */
  set(producer: string, entry: ProducerEntry): void {
    this.#entries.delete(producer);
    this.#entries.set(producer, entry);
    if (this.#entries.size <= PRODUCERS_MAX) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

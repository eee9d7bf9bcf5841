import { z } from 'zod';
import { jsonOf } from '../lib/json.ts';
import type { Offset } from '../log/event-log.ts';
import { type Batch, type StoredStream, storedStreams } from './batch.ts';
import type { OriginMarks } from './origin-marks.ts';

/** How far one partition is in the store. */
export interface PlaceState {
  readonly stream: StoredStream;
  readonly partition: number;
  /** See {@link Batch}. */
  readonly epoch: string;
  /** Everything before it is in the store. */
  readonly next: Offset;
  /** The end of the batch from `next` on that was about to be inserted, and may be in the store; the same as `next` for none. */
  readonly batchEnd: Offset;
  /** Of the records before `next`. */
  readonly marks: OriginMarks;
}

/**
 * What a writer was about to insert. Written before each insert: after a crash the same batch is inserted once more under the same
 * token, so it is there once, in the table and in all that is derived from it.
 */
export interface Journal {
  /** Of the store that it belongs to: another store (a new one) is not where it says. */
  readonly storeId: string;
  readonly places: readonly PlaceState[];
}

/** Where the journal is kept. */
export interface JournalFile {
  /** Undefined where there is none that can be read. */
  load(): Journal | undefined;
  /** Returns once it would survive a crash of the machine. Throws where it cannot be written. */
  save(journal: Journal): void;
}

const offset = z.int().nonnegative();
const schema = z.object({
  storeId: z.string().max(64),
  places: z
    .array(
      z.object({
        stream: z.enum(storedStreams),
        partition: offset,
        epoch: z.string().regex(/^[a-z0-9-]{1,64}$/),
        next: offset,
        batchEnd: offset,
        marks: z.record(z.string().max(80), offset).default({}),
      }),
    )
    .max(1024),
});

export const encodeJournal = (journal: Journal): string => `${JSON.stringify(journal)}\n`;

/** Undefined for what is no journal. */
export const decodeJournal = (text: string): Journal | undefined => schema.safeParse(jsonOf(text)).data;

export const placeKey = ({ stream, partition }: Pick<Batch, 'stream' | 'partition'>): string =>
  `${stream}/${partition}`;

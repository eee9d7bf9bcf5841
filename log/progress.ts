import { z } from 'zod';
import { jsonOf } from '../lib/json.ts';
import { type Offset, type Stream, streams } from './event-log.ts';

/** How far one reader of the log has read. */
export interface ReaderProgress {
  /** Of the reader, such as `events-<partition>` or `site`. */
  readonly name: string;
  readonly stream: Stream;
  readonly partition: number;
  /** Offset of the next record that it has not seen, or whose effect is not durable yet. */
  readonly nextOffset: Offset;
}

/** How far a part has read: told once a second while it lives, so one that stays the same says that it does not. */
export interface Progress {
  /** When it was told, milliseconds since 1970-01-01 UTC. */
  readonly atMs: number;
  readonly readers: readonly ReaderProgress[];
}

/** Readers of one progress, at most: far more than a log has partitions. */
const READERS_MAX = 1024;

const progress = z.object({
  atMs: z.int().nonnegative(),
  readers: z
    .array(
      z.object({
        name: z.string().max(64),
        stream: z.enum(streams),
        partition: z.int().nonnegative(),
        nextOffset: z.int().nonnegative(),
      }),
    )
    .max(READERS_MAX),
});

/** One line of JSON. */
export const encodeProgress = (told: Progress): string => `${JSON.stringify(told)}\n`;

/** Undefined for what is no progress. */
export const decodeProgress = (text: string): Progress | undefined => progress.safeParse(jsonOf(text)).data;

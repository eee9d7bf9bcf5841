import { z } from 'zod';
import { jsonOf } from '../lib/json.ts';
import { type Offset, type Stream, streams } from '../log/event-log.ts';

/** How far one watch has read. */
export interface WatchProgress {
  /** Of the watch: `events-<partition>`, or `site`. */
  readonly name: string;
  readonly stream: Stream;
  readonly partition: number;
  /** Offset of the next record that it has not seen, or whose decisions are not in the log yet. */
  readonly nextOffset: Offset;
}

/** How far the analyzers have read: told once a second while they live, so one that stays the same says that they do not. */
export interface Progress {
  /** When it was told, milliseconds since 1970-01-01 UTC. */
  readonly atMs: number;
  readonly watches: readonly WatchProgress[];
}

/** Watches of one progress, at most: far more than a log has partitions. */
const WATCHES_MAX = 1024;

const progress = z.object({
  atMs: z.int().nonnegative(),
  watches: z
    .array(
      z.object({
        name: z.string().max(64),
        stream: z.enum(streams),
        partition: z.int().nonnegative(),
        nextOffset: z.int().nonnegative(),
      }),
    )
    .max(WATCHES_MAX),
});

/** One line of JSON. */
export const encodeProgress = (told: Progress): string => `${JSON.stringify(told)}\n`;

/** Undefined for what is no progress. */
export const decodeProgress = (text: string): Progress | undefined => progress.safeParse(jsonOf(text)).data;

import type { Forgetter } from '../../events/forgetter.ts';
import type { EventLog, StoredRecord, Stream } from '../../log/event-log.ts';
import { partedRewriting, type Rewrite, type Rewriter } from '../../log/rewriting.ts';
import { pagesOf, partitionsIn } from '../io/log-pages.ts';
import type { Progress } from '../io/progress.ts';

/** How often a record that was something else than it was read as is read again. */
export const REREAD_MAX = 3;

/** What a pass over a stream came to, in records. */
export interface StreamCount {
  /** They named the person; in a dry run they still do. */
  named: number;
  /** Of them, those that left the log before they were changed. */
  gone: number;
  /** Of them, those that changed each time that they were read: they may name the person still. */
  unsettled: number;
}

export interface LogPass {
  readonly log: EventLog & Rewriter;
  readonly forgetter: Forgetter;
  /** Only counted, nothing is changed. */
  readonly isDryRun: boolean;
  readonly progress: Progress;
}

/** Takes a person out of one stream of the log: what it has now. Throws where the log cannot be changed; then do it again. */
export async function forgetInStream(pass: LogPass, stream: Stream): Promise<StreamCount> {
  const count: StreamCount = { named: 0, gone: 0, unsettled: 0 };
  for (const partition of partitionsIn(pass.log)) {
    for await (const records of pagesOf(pass.log, stream, partition, pass.progress)) {
      const named = rewritesOf(records, pass.forgetter);
      count.named += named.length;
      if (!pass.isDryRun) await settle(pass, stream, partition, named, count);
    }
  }
  return count;
}

const rewritesOf = (records: readonly StoredRecord[], forgetter: Forgetter): readonly Rewrite[] =>
  records.flatMap(({ offset, payload }) => {
    const after = forgetter.line(payload);
    return after === payload ? [] : [{ offset, before: payload, after }];
  });

async function settle(
  { log, forgetter }: LogPass,
  stream: Stream,
  partition: number,
  named: readonly Rewrite[],
  count: StreamCount,
): Promise<void> {
  let left = named;
  for (let attempt = 0; left.length > 0 && attempt <= REREAD_MAX; attempt += 1) {
    const others: StoredRecord[] = [];
    for (const part of partedRewriting({ stream, partition, records: left })) {
      const outcomes = await log.rewrite(part);
      for (const [index, { offset }] of part.records.entries()) {
        const outcome = outcomes[index];
        if (outcome === 'gone') count.gone += 1;
        if (outcome === 'other') others.push(...(await log.read(stream, partition, offset, 1)).records);
      }
    }
    left = rewritesOf(others, forgetter);
  }
  count.unsettled += left.length;
}

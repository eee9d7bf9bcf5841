import type { EventLog, StoredRecord, Stream } from '../../log/event-log.ts';
import { onceEach } from '../../store/origin-marks.ts';
import type { Progress } from './progress.ts';

/** Records read at a time. */
const PAGE_RECORDS = 2000;

/** Every record that one partition of a stream has now, each once, page by page, with progress for whoever waits. */
export async function* pagesOf(
  log: EventLog,
  stream: Stream,
  partition: number,
  progress?: Progress,
): AsyncGenerator<readonly StoredRecord[]> {
  const { first, next } = await log.bounds(stream, partition);
  progress?.expect(next - first);
  const fresh = onceEach();
  for (let from = first; from < next; ) {
    const page = await log.read(stream, partition, from, Math.min(PAGE_RECORDS, next - from));
    if (page.records.length === 0) return;
    yield fresh(page.records);
    progress?.advance(page.nextOffset - from);
    from = page.nextOffset;
  }
}

/** The numbers of the partitions of a log. */
export const partitionsIn = (log: EventLog): readonly number[] =>
  Array.from({ length: log.partitionCount }, (_, partition) => partition);

import type { EventLog, StoredRecord, Stream } from '../../log/event-log.ts';

/** All records of one partition. */
export async function readPartition(
  log: Pick<EventLog, 'read'>,
  partition: number,
  stream: Stream = 'postern.events',
): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let from = 0; ; ) {
    const page = await log.read(stream, partition, from, 5000);
    if (page.records.length === 0) return records;
    records.push(...page.records);
    from = page.nextOffset;
  }
}

/** The payloads of all partitions, partition by partition. */
export async function readAll(log: Pick<EventLog, 'read' | 'partitionCount'>, stream?: Stream): Promise<string[][]> {
  const all: string[][] = [];
  for (let partition = 0; partition < log.partitionCount; partition += 1) {
    all.push((await readPartition(log, partition, stream)).map(({ payload }) => payload));
  }
  return all;
}

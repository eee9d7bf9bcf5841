import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { LogSnapshots, PIECE_OCTETS } from '../../analyzers/io/log-snapshots.ts';
import type { Snapshot } from '../../analyzers/snapshot.ts';
import type { LogRecord } from '../../log/event-log.ts';
import { type MemoryLog, openMemoryLog } from '../../log/io/memory-log.ts';

const OCTETS = 2 * PIECE_OCTETS + 10;

/** Of random octets: what packs well would be one piece. */
const aSnapshot = (offset: number, octets = OCTETS): Snapshot => ({
  stateHash: 'hash',
  offset,
  decisionOffsets: [1, 2],
  state: randomBytes(octets),
});

function opened(log: MemoryLog = openMemoryLog({ partitionCount: 4, octetsMax: 200_000_000 })) {
  let count = 0;
  const prefix = randomBytes(4).toString('hex');
  const snapshots = () => new LogSnapshots(log, () => `${prefix}-${count++}`);
  return { log, snapshots };
}

/** What a compacted topic leaves of a log: the last record of each key. */
function compacted(records: readonly LogRecord[]): readonly LogRecord[] {
  const last = new Map(records.map((record, index) => [`${record.key} ${record.part}`, index]));
  return records.filter((record, index) => last.get(`${record.key} ${record.part}`) === index);
}

/** A log that writes down what is appended, and takes no more after some records. */
function recording(limit = Number.POSITIVE_INFINITY) {
  const log = openMemoryLog({ partitionCount: 4, octetsMax: 200_000_000 });
  const records: LogRecord[] = [];
  const append = log.append.bind(log);
  log.append = async (batch) => {
    if (records.length >= limit) return { ok: false, error: 'unreachable' };
    records.push(...batch);
    return append(batch);
  };
  return { log, records };
}

test('the last snapshot of each name comes back, in as many pieces as it takes', async () => {
  const { snapshots } = opened();
  const [one, two, other] = [aSnapshot(1), aSnapshot(2, 100), aSnapshot(3)];
  const writer = snapshots();
  await writer.save('events-0', one);
  await writer.save('events-1', other);
  await writer.save('events-0', two);
  expect(await snapshots().load('events-0')).toEqual({ ok: true, value: two });
  expect(await snapshots().load('events-1')).toEqual({ ok: true, value: other });
  expect(await snapshots().load('site')).toEqual({ ok: true, value: undefined });
});

test('far behind many of another name it is found too', async () => {
  const { snapshots } = opened(openMemoryLog({ partitionCount: 1, octetsMax: 200_000_000 }));
  const writer = snapshots();
  const wanted = aSnapshot(1, 50);
  await writer.save('site', wanted);
  for (let count = 0; count < 100; count += 1) await writer.save('events-0', aSnapshot(count, 10));
  expect(await snapshots().load('site')).toEqual({ ok: true, value: wanted });
});

test.each([4, 5])('a writer that ends after %i records leaves a whole snapshot, compacted or not', async (limit) => {
  const { log, records } = recording(limit);
  const kept = aSnapshot(1);
  const first = opened(log).snapshots();
  await first.save('events-0', kept);
  expect(records).toHaveLength(3);
  // Another process takes over, and dies in the midst of its first snapshot.
  const second = opened(log).snapshots();
  expect(await second.load('events-0')).toEqual({ ok: true, value: kept });
  await expect(second.save('events-0', aSnapshot(2))).rejects.toThrow('unreachable');
  expect(await opened(log).snapshots().load('events-0')).toEqual({ ok: true, value: kept });
  const after = openMemoryLog({ partitionCount: 4, octetsMax: 200_000_000 });
  for (const record of compacted(records)) await after.append([record]);
  expect(await opened(after).snapshots().load('events-0')).toEqual({ ok: true, value: kept });
});

test('pieces of two writers at once do not mix', async () => {
  const { log, records } = recording();
  const one = opened(log).snapshots();
  const other = opened(log).snapshots();
  const [mine, yours] = [aSnapshot(1), aSnapshot(2)];
  await one.save('events-0', mine);
  await other.save('events-0', yours);
  const [a0, a1, a2, b0, b1, b2] = records;
  const mixed = openMemoryLog({ partitionCount: 4, octetsMax: 200_000_000 });
  for (const record of [a0, a1, a2, b0, a1, b1, a2, b2]) if (record !== undefined) await mixed.append([record]);
  const found = await opened(mixed).snapshots().load('events-0');
  expect([mine, yours].map((each) => JSON.stringify(each.offset))).toContain(
    found.ok ? JSON.stringify(found.value?.offset) : '',
  );
});

test('damage is told', async () => {
  const { log, snapshots } = opened();
  await log.append([
    {
      stream: 'postern.snapshots',
      key: 'site',
      payload: JSON.stringify({ name: 'site', id: 'x', index: 0, count: 1, slot: 0, data: 'AAAA' }),
    },
  ]);
  expect(await snapshots().load('site')).toEqual({ ok: false, error: 'damaged' });
});

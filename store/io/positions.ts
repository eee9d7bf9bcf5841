import { randomUUID } from 'node:crypto';
import type { Offset } from '../../log/event-log.ts';
import { allPlaces, type StoredStream, storedStreams, tableOf } from '../batch.ts';
import type { StoreDatabase, StoreFault } from '../database.ts';
import { type Journal, type PlaceState, placeKey } from '../journal.ts';
import { type OriginMarks, originName } from '../origin-marks.ts';

/** The database would not say where it is. */
export class StoreUnavailable extends Error {
  constructor({ message }: StoreFault) {
    super(message);
  }
}

/**
 * Where the store is: by the journal if it is one of this store; otherwise by what the database has. A partition that it has
 * nothing of begins with the log.
 */
export async function positionsOf(
  database: StoreDatabase,
  journal: Journal | undefined,
  partitionCount: number,
): Promise<Journal> {
  const storeId = await storeIdOf(database);
  const kept = journal?.storeId === storeId ? journal.places : await placesInSettled(database);
  const known = new Map(kept.map((state) => [placeKey(state), state]));
  const places = allPlaces(partitionCount).map(
    (place) => known.get(placeKey(place)) ?? { ...place, epoch: randomUUID(), next: 0, batchEnd: 0, marks: {} },
  );
  return { storeId, places };
}

async function storeIdOf(database: StoreDatabase): Promise<string> {
  const known = (await keptId(database)) ?? (await keptIdOfSettled(database));
  if (known !== undefined) return known;
  const id = randomUUID();
  const made = await database.insert('store_identity', [JSON.stringify({ id })], id);
  if (!made.ok) throw new StoreUnavailable(made.error);
  return id;
}

async function keptId(database: StoreDatabase): Promise<string | undefined> {
  const found = await database.query<{ id: string }>('SELECT id FROM store_identity ORDER BY id LIMIT 1');
  if (!found.ok) throw new StoreUnavailable(found.error);
  return found.value[0]?.id;
}

/** A copy may not have yet what another one took: then it would be taken for an empty store. */
const keptIdOfSettled = async (database: StoreDatabase): Promise<string | undefined> =>
  keptId(await settledOf(database));

const placesInSettled = async (database: StoreDatabase): Promise<readonly PlaceState[]> =>
  placesInDatabase(await settledOf(database));

/** Throws where it cannot be told. */
export async function settledOf(database: StoreDatabase): Promise<StoreDatabase> {
  const settled = await database.settled();
  if (!settled.ok) throw new StoreUnavailable(settled.error);
  return settled.value;
}

async function placesInDatabase(database: StoreDatabase): Promise<readonly PlaceState[]> {
  const places: PlaceState[] = [];
  for (const stream of storedStreams) places.push(...(await placesInTable(database, stream)));
  return places;
}

async function placesInTable(database: StoreDatabase, stream: StoredStream): Promise<readonly PlaceState[]> {
  const found = await database.query<{ partition: number; next: string }>(
    `SELECT logPartition AS partition, max(logOffset) + 1 AS next FROM ${tableOf[stream]} GROUP BY logPartition`,
  );
  if (!found.ok) throw new StoreUnavailable(found.error);
  const marks = await marksInTable(database, stream);
  return found.value.map(({ partition, next }) => ({
    stream,
    partition,
    epoch: randomUUID(),
    next: Number(next),
    batchEnd: Number(next),
    marks: marks.get(partition) ?? {},
  }));
}

async function marksInTable(database: StoreDatabase, stream: StoredStream): Promise<ReadonlyMap<number, OriginMarks>> {
  const found = await database.query<{ partition: number; log: string; of: number; last: string }>(
    `SELECT logPartition AS partition, originLog AS log, originPartition AS of, max(originOffset) AS last
     FROM ${tableOf[stream]} WHERE originLog != '' GROUP BY logPartition, originLog, originPartition ORDER BY max(logOffset)`,
  );
  if (!found.ok) throw new StoreUnavailable(found.error);
  const marks = new Map<number, Record<string, Offset>>();
  for (const { partition, log, of, last } of found.value) {
    const known = marks.get(partition) ?? {};
    known[originName({ log, partition: of })] = Number(last);
    marks.set(partition, known);
  }
  return marks;
}

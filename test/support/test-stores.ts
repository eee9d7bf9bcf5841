import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { StoreDatabase } from '../../store/database.ts';
import { openTestStore } from './store.ts';

/** Opens stores for the tests of one file, each empty; they go when all tests are done. */
export function testStores(): () => Promise<StoreDatabase> {
  const opened: StoreDatabase[] = [];
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'postern-'));
  });
  afterAll(async () => {
    for (const database of opened) await database[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  return async () => {
    const database = await openTestStore(directory, `store_${opened.length}`);
    opened.push(database);
    return database;
  };
}

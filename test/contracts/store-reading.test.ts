import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll } from 'vitest';
import { openHistory, type TestHistory, testCredentials } from '../support/history.ts';
import { contractLines, storeReadingContract } from './store-reading.contract.ts';

let history: TestHistory;

beforeAll(async () => {
  history = await openHistory();
  const inserted = await history.database.insert('events', contractLines, 'contract');
  if (!inserted.ok) throw new Error(inserted.error.message);
});
afterAll(() => history.close());

storeReadingContract('embedded', () =>
  Promise.resolve({
    query: async (sql, parameters) => {
      const answer = await history.database.query(sql, parameters);
      return answer.ok ? answer.value : { code: answer.error.code };
    },
    close: () => Promise.resolve(),
  }),
);

storeReadingContract('@clickhouse/client over HTTP', () => {
  const { username, password } = testCredentials;
  const client = createClient({ url: history.url, username, password, log: { level: 127 } });
  return Promise.resolve({
    query: async (sql, parameters = {}) => {
      try {
        return await (await client.query({ query: sql, format: 'JSONEachRow', query_params: parameters })).json();
      } catch (error) {
        return { code: error instanceof Error && 'code' in error ? Number(error.code) : 0 };
      }
    },
    close: () => client.close(),
  });
});

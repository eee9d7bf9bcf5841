import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Parameters } from '../../store/database.ts';

/** What reads a history: the rows of a query, or the code of ClickHouse's error. */
export interface HistoryReader {
  query(sql: string, parameters?: Parameters): Promise<readonly unknown[] | { readonly code: number }>;
  close(): Promise<void>;
}

/** Lines of `events` that have to be in the history. */
export const contractLines: readonly string[] = [1, 2, 3].map((n) =>
  JSON.stringify({
    logPartition: 0,
    logOffset: n,
    type: n === 3 ? 'mail' : 'command',
    at: `2026-11-29T12:00:0${n}.250Z`,
    ip: n === 1 ? '192.0.2.1' : '2001:db8::1',
    sid: `00000000-0000-7000-8000-00000000000${n}`,
    verb: n === 3 ? '' : 'RCPT',
    forwardPath: `it's "n${n}" \\ ü`,
    reply: { code: 550, enhanced: '5.1.1', text: 'no', from: 'gate' },
    domains: ['example.com', `n${n}.example`],
    octets: 9_007_199_254_740_000 + n,
  }),
);

/** What every way to read a history does. */
export function storeReadingContract(name: string, open: () => Promise<HistoryReader>): void {
  describe(name, () => {
    let reader: HistoryReader;
    beforeAll(async () => {
      reader = await open();
    });
    afterAll(() => reader.close());

    test('values of every kind come as the engine writes them', async () => {
      expect(
        await reader.query(`SELECT logOffset, type, at, ip, sid, forwardPath, reply, domains, verified, tls
          FROM events WHERE logOffset = 1`),
      ).toEqual([
        {
          logOffset: 1,
          type: 'command',
          at: '2026-11-29 12:00:01.250',
          ip: '::ffff:192.0.2.1',
          sid: '00000000-0000-7000-8000-000000000001',
          forwardPath: `it's "n1" \\ ü`,
          reply: { code: 550, enhanced: '5.1.1', text: 'no', from: 'gate' },
          domains: ['example.com', 'n1.example'],
          verified: null,
          tls: false,
        },
      ]);
    });

    test('parameters of every kind', async () => {
      const parameters = {
        text: `it's "n2" \\ ü`,
        types: ['command', "it's"],
        offsets: [1, 2],
        from: '2026-11-29 12:00:02',
        whole: 2,
        isIt: true,
      };
      expect(
        await reader.query(
          `SELECT logOffset FROM events WHERE forwardPath = {text:String} AND type IN {types:Array(String)}
           AND logOffset IN {offsets:Array(UInt64)} AND at >= {from:DateTime('UTC')} AND logOffset = {whole:UInt64} AND {isIt:Bool}`,
          parameters,
        ),
      ).toEqual([{ logOffset: 2 }]);
      for (const text of [
        '',
        "'",
        '\\',
        '\t',
        '\n',
        '\\n',
        'a\\',
        "'); SELECT 1; --",
        '\\N',
        'ü\u{1f600}',
        '%',
        '{x:String}',
      ])
        expect(await reader.query('SELECT {text:String} AS text', { text }), JSON.stringify(text)).toEqual([{ text }]);
    });

    test('what is derived from events is there as well; nothing gives no rows', async () => {
      expect(
        await reader.query('SELECT verb, sum(events) AS n FROM traffic_by_minute GROUP BY verb ORDER BY verb'),
      ).toEqual([
        { verb: '', n: 1 },
        { verb: 'RCPT', n: 2 },
      ]);
      expect(await reader.query('SELECT 1 FROM events WHERE 0')).toEqual([]);
    });

    test.each([
      ['SELEC 1', 62],
      ['SELECT nothing', 47],
      ['SELECT 1 FROM nothing', 60],
      ['SELECT {missing:String}', 456],
      ["SELECT toUInt8('x')", 6],
      ["SELECT throwIf(1, 'it is so')", 395],
    ])('%s: code %i', async (sql, code) => {
      expect(await reader.query(sql)).toEqual({ code });
    });

    test('many at once', async () => {
      const all = await Promise.all(
        Array.from({ length: 12 }, (_, n) => reader.query('SELECT {n:UInt32} AS n, count() AS c FROM events', { n })),
      );
      expect(all).toEqual(all.map((_, n) => [{ n, c: 3 }]));
    });
  });
}

import { z } from 'zod';
import { count, databaseName, lineOfText, publicUrl, secretReference } from './fields.ts';

/** History: the events of the log, kept longer, to be asked by SQL. */
export const store = z.strictObject({
  kind: z
    .enum(['chdb', 'clickhouse', 'none'])
    .default('none')
    .describe(
      'Where history is kept: `chdb` is ClickHouse inside a process of Postern, with files in `dataDirectory`; `clickhouse` is a server; `none` keeps none.',
    ),
  database: databaseName.default('postern').describe('Name of the database; it is made where it is not there.'),
  url: publicUrl
    .optional()
    .describe(
      'HTTP address of the ClickHouse server, such as http://127.0.0.1:8123. Default: none, which is a fault for a server.',
    ),
  username: lineOfText(64).default('default').describe('As whom the server is asked.'),
  password: secretReference.optional().describe('Where the password is kept. Default: none is needed.'),
  eventsKeptDays: count(1, 3650).default(90).describe('How long every single event is kept, days.'),
  summariesKeptDays: count(1, 3650)
    .default(400)
    .describe('How long sessions, mail transactions, decisions and sums are kept, days.'),
});

import { z } from 'zod';
import { REPLICAS_MAX } from '../../store/replication.ts';
import {
  address,
  count,
  databaseName,
  filePath,
  lineOfText,
  listeningPort,
  octets,
  publicUrl,
  secretReference,
} from './fields.ts';

const MEBIBYTE = 1_048_576;
/** Least memory of a query with which anything can be asked. */
const QUERY_MEMORY_MIN = 64 * MEBIBYTE;

/** Reading the embedded history. */
const http = z.strictObject({
  address: address.prefault('127.0.0.1').describe('Address to listen on. There is no TLS: keep it private.'),
  port: listeningPort
    .default(8123)
    .describe(
      'Port; 0 lets the system choose one, which stands in `run/store.url` of `dataDirectory` while it is open.',
    ),
  username: lineOfText(64).default('postern').describe('As whom the history is asked.'),
  password: secretReference
    .optional()
    .describe('Where the password is kept. Default: one is made, in `store/http.key` of `dataDirectory`.'),
  secondsMax: count(1, 3600).default(30).describe('Longest time of one query, seconds.'),
  memoryOctetsMax: octets(QUERY_MEMORY_MIN)
    .default(1024 * MEBIBYTE)
    .describe('Most memory of one query; two run at once.'),
  resultRowsMax: count(1).default(1_000_000).describe('Most rows of one answer.'),
  resultOctetsMax: octets(MEBIBYTE)
    .default(64 * MEBIBYTE)
    .describe('Most octets of one answer, which is held in memory as a whole.'),
});

/** Where sources are from. */
const countries = z.strictObject({
  file: filePath
    .optional()
    .describe(
      'MaxMind DB file with countries (`country.iso_code`), such as GeoLite2 Country or DB-IP Lite Country; one of cities does as well. At most 256 MiB, all of it in memory. A newer one is taken without a restart. Default: none, and countries are not known.',
    ),
});

/** History: the events of the log, kept longer, to be asked by SQL. */
export const store = z.strictObject({
  kind: z
    .enum(['chdb', 'clickhouse', 'none'])
    .default('chdb')
    .describe(
      'Where history is kept: `chdb` is ClickHouse inside a process of Postern, with files in `dataDirectory`; `clickhouse` is a server; `none` keeps none.',
    ),
  database: databaseName.default('postern').describe('Name of the database; it is made where it is not there.'),
  url: publicUrl
    .optional()
    .describe(
      'HTTP address of the ClickHouse server, such as http://127.0.0.1:8123. Default: none, which is a fault for a server without `replicas`.',
    ),
  replicas: z
    .array(publicUrl)
    .max(REPLICAS_MAX)
    .default([])
    .describe(
      `HTTP addresses of ClickHouse servers that keep copies of the same tables by replication, in place of \`url\`; one is replicated too, for others to join it. The first that can be reached is asked. At most ${REPLICAS_MAX}. Default: none, and the tables are those of one server.`,
    ),
  username: lineOfText(64).default('default').describe('As whom the server is asked.'),
  password: secretReference.optional().describe('Where the password is kept. Default: none is needed.'),
  eventsKeptDays: count(1, 3650).default(30).describe('How long every single event is kept, days.'),
  summariesKeptDays: count(1, 3650)
    .default(90)
    .describe('How long sessions, mail transactions, decisions and sums are kept, days.'),
  countries: countries.prefault({}).describe('Countries of sources, for the dashboards.'),
  http: http
    .prefault({})
    .describe('The HTTP interface of ClickHouse over the embedded history (`kind: chdb`), to read from it.'),
});

import type { StoreDatabase } from '../../store/database.ts';
import { openChdb } from '../../store/io/clickhouse-database.ts';
import { migrate } from '../../store/io/migrate.ts';
import type { Journal, JournalFile } from '../../store/journal.ts';

/** A store of a test. A process has one directory of chDB; each test takes a database of its own in it. */
export async function openTestStore(directory: string, name: string): Promise<StoreDatabase> {
  const opened = await openChdb(directory, name);
  if (!opened.ok) throw new Error(opened.error.message);
  const migrated = await migrate(opened.value);
  if (!migrated.ok) throw new Error(migrated.error);
  return opened.value;
}

/** The rows of a statement that must not fail. */
export async function rowsOf<Row = Record<string, unknown>>(
  database: StoreDatabase,
  sql: string,
): Promise<readonly Row[]> {
  const answer = await database.query<Row>(sql);
  if (!answer.ok) throw new Error(`${answer.error.message} in ${sql}`);
  return answer.value;
}

/** A journal in memory. */
export class TestJournal implements JournalFile {
  kept: Journal | undefined;
  readonly all: Journal[] = [];

  load(): Journal | undefined {
    return this.kept;
  }

  save(journal: Journal): void {
    this.kept = structuredClone(journal);
    this.all.push(this.kept);
  }
}

const zero = "toUUID('00000000-0000-0000-0000-000000000000')";

/** What is derived from events: as the tables have it, and as a scan of all events gives it. */
const derived: readonly (readonly [name: string, kept: string, scanned: string])[] = [
  [
    'sessions',
    `SELECT sid, sum(events), sum(commands), sum(refused), sum(mailsAccepted), max(closed), max(outcome), max(closingRule), min(startedAt), max(lastAt)
     FROM sessions GROUP BY day, sid`,
    `SELECT sid, count(), countIf(type = 'command'), countIf(verdict.action IN ('refuse', 'close')),
       countIf(type = 'mail' AND events.outcome = 'accepted'), max(type = 'session-closed'),
       max(if(type = 'session-closed', events.outcome, '')), max(if(type = 'session-closed', rule, '')), min(at), max(at)
     FROM events WHERE sid != ${zero} GROUP BY sid`,
  ],
  [
    'mails',
    'SELECT sid, transaction, toString(outcome), octets FROM mails',
    "SELECT sid, transaction, toString(outcome), octets FROM events WHERE type = 'mail'",
  ],
  [
    'traffic_by_minute',
    'SELECT minute, toString(type), toString(verb), replyClass, sum(traffic_by_minute.events) FROM traffic_by_minute GROUP BY ALL',
    "SELECT toStartOfMinute(toDateTime(at, 'UTC')), toString(type), toString(verb), toUInt8(intDiv(reply.code, 100)), count() FROM events GROUP BY ALL",
  ],
  [
    'verdicts_by_minute, acting',
    "SELECT minute, toString(action), toString(rule), sum(verdicts) FROM verdicts_by_minute WHERE NOT observed AND action != 'close' GROUP BY ALL",
    `SELECT toStartOfMinute(toDateTime(at, 'UTC')), toString(verdict.action), toString(verdict.rule), count() FROM events
     WHERE type = 'command' AND verdict.action != 'close' GROUP BY ALL`,
  ],
  [
    'verdicts_by_minute, observed',
    'SELECT minute, toString(action), toString(rule), sum(verdicts) FROM verdicts_by_minute WHERE observed GROUP BY ALL',
    `SELECT toStartOfMinute(toDateTime(at, 'UTC')), toString(o.action), toString(o.rule), count() FROM events
     ARRAY JOIN observed AS o GROUP BY ALL`,
  ],
  [
    'latency_by_minute',
    'SELECT minute, toString(verb), sum(commands), max(slowestUs) FROM latency_by_minute GROUP BY ALL',
    "SELECT toStartOfMinute(toDateTime(at, 'UTC')), toString(verb), count(), max(latencyUs) FROM events WHERE type = 'command' GROUP BY ALL",
  ],
  [
    'sources_by_hour',
    'SELECT hour, ip, sum(sessions), sum(commands), sum(authRefused), sum(mailsAccepted), sum(unknownRecipients) FROM sources_by_hour GROUP BY ALL',
    `SELECT toStartOfHour(toDateTime(at, 'UTC')), ip, countIf(type = 'session-opened'), countIf(type = 'command'),
       countIf(type = 'auth-attempt' AND outcome = 'refused'), countIf(type = 'mail' AND outcome = 'accepted'),
       countIf(verb = 'RCPT' AND reply.code = 550)
     FROM events WHERE role != '' GROUP BY ALL`,
  ],
];

/** Names of the derived tables that say something else than the events do. */
export async function wronglyDerived(database: StoreDatabase): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [name, kept, scanned] of derived) {
    const [row] = await rowsOf<{ differing: string }>(
      database,
      `SELECT (SELECT count() FROM ((${kept}) EXCEPT (${scanned}))) + (SELECT count() FROM ((${scanned}) EXCEPT (${kept}))) AS differing`,
    );
    if (Number(row?.differing) !== 0) wrong.push(`${name}: ${row?.differing} rows`);
  }
  return wrong;
}

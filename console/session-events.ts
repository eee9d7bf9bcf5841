import { z } from 'zod';
import { type EventType, eventSchemas } from '../events/event.ts';
import type { Table } from './history.ts';

/** Events of a session, at most. */
export const SESSION_EVENTS_MAX = 5000;

/**
 * Every event of the session `{sid:UUID}`. The id says when it began, and no session is longer than a day: only those days are read.
 * Conditions stand inside, so that they mean the columns.
 */
export const sessionQuery = `SELECT * EXCEPT (logPartition, logOffset)
  REPLACE (toUnixTimestamp64Milli(at) AS at, replaceRegexpOne(toString(ip), '^::ffff:', '') AS ip)
FROM (
  SELECT * FROM events
  WHERE sid = {sid:UUID}
    AND at >= UUIDv7ToDateTime({sid:UUID}) - INTERVAL 1 HOUR AND at <= UUIDv7ToDateTime({sid:UUID}) + INTERVAL 26 HOUR
)
ORDER BY seq
LIMIT ${SESSION_EVENTS_MAX}`;

/** What a column has where its event has no such field. */
const absentValues: ReadonlySet<unknown> = new Set(['', 0, false, '::', '1970-01-01T00:00:00.000Z']);

/** Rows as the events that they were. */
export const eventsOfRows = ({ columns, rows }: Table): readonly object[] =>
  rows.map((row) =>
    eventOf(
      new Map(
        columns.map(({ name, type }, index) => [name, { value: row[index], isNullable: type.startsWith('Nullable(') }]),
      ),
    ),
  );

/** Is its end among them? */
export const isWhole = (events: readonly object[]): boolean =>
  events.some((event) => 'type' in event && event.type === 'session-closed');

interface Cell {
  readonly value: unknown;
  /** Absent is NULL, and nothing else. */
  readonly isNullable: boolean;
}

/** The fields that an event of the type has; of those it may lack, only what is there. */
function eventOf(cells: ReadonlyMap<string, Cell>): object {
  const type = String(cells.get('type')?.value);
  const schema = Object.hasOwn(eventSchemas, type) ? eventSchemas[type as EventType] : undefined;
  const shape: Shape | undefined = schema?.shape;
  const names = shape === undefined ? [...cells.keys()] : Object.keys(shape);
  const fields = names.map((name) => {
    const cell = cells.get(name) ?? { value: null, isNullable: true };
    const isNull = name === 'reversePath' && isNullReversePath(cells);
    return [name, isNull ? '' : fieldOf(shape?.[name] ?? z.unknown().optional(), cell)] as const;
  });
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

type Shape = Readonly<Record<string, z.ZodType>>;

function fieldOf(schema: z.ZodType, { value, isNullable }: Cell): unknown {
  if (schema instanceof z.ZodOptional)
    return isAbsent(value, isNullable) ? undefined : fieldOf(schema.unwrap() as z.ZodType, { value, isNullable });
  if (schema instanceof z.ZodObject) return tupleOf(schema.shape, value);
  return Array.isArray(value) ? value.map(withoutNull) : value;
}

function isAbsent(value: unknown, isNullable: boolean): boolean {
  if (value === null || isNullable) return value === null;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object'
    ? Object.values(value).every((each) => absentValues.has(each))
    : absentValues.has(value);
}

function tupleOf(shape: Shape, value: unknown): object {
  const parts = new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const fields = Object.entries(shape).map(
    ([name, schema]) => [name, fieldOf(schema, { value: parts.get(name), isNullable: false })] as const,
  );
  return Object.fromEntries(fields.filter(([, field]) => field !== undefined));
}

/** A parameter without a value has NULL in its place. */
const withoutNull = (value: unknown): unknown => (Array.isArray(value) ? value.filter((each) => each !== null) : value);

/** The null reverse-path is an empty text; a MAIL that could not be parsed has an argument in its place. */
const isNullReversePath = (cells: ReadonlyMap<string, Cell>): boolean =>
  cells.get('verb')?.value === 'MAIL' && cells.get('reversePath')?.value === '' && cells.get('argument')?.value === '';

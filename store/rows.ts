import { z } from 'zod';
import type { Table } from './history.ts';

/** One row, by the names of its columns. */
export type Row = ReadonlyMap<string, Cell>;

export interface Cell {
  readonly value: unknown;
  /** Absent is NULL, and nothing else. */
  readonly isNullable: boolean;
}

/** The fields of an object, by name. */
export type Shape = Readonly<Record<string, z.ZodType>>;

export const rowsIn = ({ columns, rows }: Table): readonly Row[] =>
  rows.map(
    (row) =>
      new Map(
        columns.map(({ name, type }, index) => [name, { value: row[index], isNullable: type.startsWith('Nullable(') }]),
      ),
  );

/** What a column has where its row's line had no such field. */
const absentValues: ReadonlySet<unknown> = new Set(['', 0, false]);
const nowhere: Cell = { value: null, isNullable: true };

/**
 * The object that a row was made from: the fields of its shape; of those it may lack, only what is there. The columns do not keep
 * apart a field that is absent and one that is empty, 0 or false.
 */
export const objectOf = (shape: Shape, row: Row): Record<string, unknown> =>
  withoutAbsent(Object.entries(shape).map(([name, schema]) => [name, fieldOf(schema, row.get(name) ?? nowhere)]));

/** Every column of a row, of which no shape is known. */
export const columnsOf = (row: Row): Record<string, unknown> =>
  withoutAbsent([...row].map(([name, cell]) => [name, fieldOf(z.unknown().optional(), cell)]));

const withoutAbsent = (fields: readonly (readonly [string, unknown])[]): Record<string, unknown> =>
  Object.fromEntries(fields.filter(([, value]) => value !== undefined));

function fieldOf(schema: z.ZodType, { value, isNullable }: Cell): unknown {
  if (schema instanceof z.ZodOptional) {
    const inner = schema.unwrap() as z.ZodType;
    return isAbsent(inner, value, isNullable) ? undefined : fieldOf(inner, { value, isNullable });
  }
  if (schema instanceof z.ZodObject) return tupleOf(schema.shape, value);
  if (!Array.isArray(value)) return value;
  const element = schema instanceof z.ZodArray ? schema.element : undefined;
  return value.map((each) => (element instanceof z.ZodObject ? tupleOf(element.shape, each) : withoutNull(each)));
}

function isAbsent(schema: z.ZodType, value: unknown, isNullable: boolean): boolean {
  if (value === null || isNullable) return value === null;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object') return absentValues.has(value);
  const values = Object.values(value);
  return schema instanceof z.ZodRecord ? values.length === 0 : values.every((each) => absentValues.has(each));
}

function tupleOf(shape: Shape, value: unknown): object {
  const parts = new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  return objectOf(shape, new Map([...parts].map(([name, part]) => [name, { value: part, isNullable: false }])));
}

/** A parameter without a value has NULL in its place. */
const withoutNull = (value: unknown): unknown => (Array.isArray(value) ? value.filter((each) => each !== null) : value);

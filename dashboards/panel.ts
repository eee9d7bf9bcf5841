/** Dashboards as values: the renderer for Grafana and the console draw the same ones. Nothing here knows of either. */

/** Grafana's names of units. `cpm` is a number a minute, `percentunit` a share from 0 to 1. */
export type Unit = 'short' | 'cpm' | 'percentunit' | 's' | 'µs' | 'bytes';

/**
 * How a panel is drawn. `lines`, `areas` (stacked) and `bars` (stacked) have a column `time`, then either numbers, one a series, or
 * `label` and `value`. `number` is one row with one column.
 */
export type Drawing = 'lines' | 'areas' | 'bars' | 'number' | 'table';

/** A column of a panel's result, with its type in ClickHouse. */
export interface Column {
  readonly name: string;
  readonly type: string;
  /** Where it is not that of the panel. */
  readonly unit?: Unit;
}

/** From which value on a column is drawn in red, and what to do then. */
export interface Red {
  readonly column: string;
  readonly from: number;
  /** What somebody who is called at night should do, in one or two sentences. */
  readonly advice: string;
}

export interface Panel {
  /** Unique in its dashboard; lower case with hyphens. */
  readonly id: string;
  readonly title: string;
  /** What it shows. */
  readonly shows: string;
  readonly red: Red;
  readonly unit: Unit;
  readonly drawing: Drawing;
  /** One statement in ClickHouse's dialect, with the macros and variables that `macros.ts` knows. */
  readonly sql: string;
  readonly columns: readonly Column[];
  /** Width, in 24ths of the page; the panels of a row add up to 24. */
  readonly width: number;
  /** Shortest interval between two points: that of the rows it sums. */
  readonly step?: 'minute' | 'hour';
}

/** What somebody who looks at a dashboard may choose: one of the values that a statement gives or all of them, or some text. */
export type Variable =
  | { readonly kind: 'choice'; readonly name: string; readonly label: string; readonly sql: string }
  | { readonly kind: 'text'; readonly name: string; readonly label: string; readonly description: string };

export interface Dashboard {
  /** Part of its address; never changes. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** How far back it looks at first, as Grafana writes it: `24h`. */
  readonly range: string;
  readonly variables: readonly Variable[];
  readonly panels: readonly Panel[];
}

/** The text that stands beside a panel. */
export const descriptionOf = ({ shows, red }: Panel): string => `${shows}\n\n**When it is red:** ${red.advice}`;

/** Columns from their types, by name, and from the units of those that have one of their own. */
export const columnsOf = (
  types: Readonly<Record<string, string>>,
  units: Readonly<Record<string, Unit>> = {},
): readonly Column[] =>
  Object.entries(types).map(([name, type]) => {
    const unit = units[name];
    return { name, type, ...(unit === undefined ? {} : { unit }) };
  });

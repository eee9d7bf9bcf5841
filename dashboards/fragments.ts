import type { Variable } from './panel.ts';

/** Pieces of SQL that several panels share. */

/**
 * The value of a variable as an expression. It comes percent-encoded: the other formats of Grafana leave a backslash as it is, which
 * ClickHouse reads as the start of an escape, and so a value could end its literal.
 */
export const chosenValue = (name: string): string => `decodeURLComponent('\${${name}:percentencode}')`;

/** A condition that holds only where something was chosen for the variable. */
export const whenChosen = (name: string, condition: string): string => `$__conditionalAll(${condition}, $${name})`;

/** The column of that name has the value that was chosen. */
export const chosen = (name: string): string => whenChosen(name, `${name} = ${chosenValue(name)}`);

/** Rows of an hour that began before the range are a part of it. */
export const hoursInRange = '(hour > $__fromTime - INTERVAL 1 HOUR AND hour <= $__toTime)';

/** Of events that belong to no session; rows of an hour lie in the order of the session, so these are found at once. */
export const noSession = "sid = toUUID('00000000-0000-0000-0000-000000000000')";

/** An address as people write it: IPv4 without the prefix of the mapped form. */
export const addressText = (column: string): string => `replaceRegexpOne(toString(${column}), '^::ffff:', '')`;

/** Rows `ip`, `country` and `isLookedUp` (true) of the sources in a range that the store has looked up; for a LEFT JOIN. */
export const countriesInRange = `SELECT ip, argMax(country, at) AS country, true AS isLookedUp
  FROM countries_of_sources
  WHERE ip IN (SELECT ip FROM sources_by_hour WHERE ${hoursInRange})
  GROUP BY ip`;

/** A share from 0 to 1; 0 of nothing. */
export const share = (part: string, whole: string): string => `${part} / greatest(${whole}, 1)`;

export const gateVariable: Variable = {
  kind: 'choice',
  name: 'gate',
  label: 'Gate',
  sql: "SELECT DISTINCT gate FROM traffic_by_minute WHERE $__timeFilter(minute) AND gate != '' ORDER BY gate",
};
export const listenerVariable: Variable = {
  kind: 'choice',
  name: 'listener',
  label: 'Listener',
  sql: "SELECT DISTINCT listener FROM traffic_by_minute WHERE $__timeFilter(minute) AND listener != '' ORDER BY listener",
};
export const ruleVariable: Variable = {
  kind: 'choice',
  name: 'rule',
  label: 'Rule',
  sql: "SELECT DISTINCT rule FROM verdicts_by_minute WHERE $__timeFilter(minute) AND rule != '' ORDER BY rule",
};
export const scenarioVariable: Variable = {
  kind: 'choice',
  name: 'scenario',
  label: 'Scenario',
  sql: 'SELECT DISTINCT scenario FROM decisions ORDER BY scenario',
};
export const ipVariable: Variable = {
  kind: 'text',
  name: 'ip',
  label: 'Address',
  description: 'An IPv4 or IPv6 address; empty for all.',
};
export const sidVariable: Variable = {
  kind: 'text',
  name: 'sid',
  label: 'Session',
  description: 'The id of a session, from the table of sessions.',
};

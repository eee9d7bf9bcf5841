/** @import { Column, Panel } from '../../dashboards/panel.ts' */
import { hashOf, hashOfSessions, isSession, isSource } from './routes.js';
import { printable } from './text.js';
import { formatMoment, momentOf } from './times.js';
import { formatCell } from './units.js';

/**
 * @typedef {object} Cell
 * @property {string} text
 * @property {'text' | 'number' | 'time'} kind
 * @property {boolean} isRed
 * @property {string} [link] - Where it leads in the console.
 */

/** Ends that are no time: what never happened, and ClickHouse's last year. */
const NO_TIME_MS = [0, Date.UTC(2299, 11, 31)];

/** @param {string} type */
const isNumber = (type) => /^(?:Nullable\()?(?:U?Int|Float|Decimal)/.test(type);
/** @param {string} type */
const isTime = (type) => /^(?:Nullable\()?Date/.test(type);

/**
 * Is a value of this column one that the panel shows in red?
 *
 * @param {Pick<Panel, 'red'>} panel
 * @param {string} column
 * @param {unknown} value
 */
export const isRed = ({ red }, column, value) =>
  column === red.column && value !== null && value !== '' && Number(value) >= red.from;

/** The end of an id tells sessions apart; the whole of it stands in the session itself. @param {unknown} sid */
const shortSession = (sid) => `…${String(sid).slice(-12)}`;

/** Columns of addresses, by the names that the panels give them. */
const ADDRESS_COLUMNS = ['ip', 'address'];

/** @param {Column} column @param {unknown} value */
function linkOf({ name }, value) {
  const text = String(value ?? '');
  if (name === 'sid' && isSession(text)) return hashOf('session', text);
  if (ADDRESS_COLUMNS.includes(name) && isSource(text)) return hashOfSessions(text);
  if ((name === 'value' || name === 'range') && isSource(text)) return hashOf('why', text);
  return name === 'id' && /^[0-9a-f]{16}$/.test(text) ? hashOf('why', text) : undefined;
}

/**
 * One cell of a table.
 *
 * @param {Pick<Panel, 'red' | 'unit'>} panel
 * @param {Column} column
 * @param {unknown} value
 * @param {string} zone
 * @returns {Cell}
 */
export function cellOf(panel, column, value, zone) {
  const red = isRed(panel, column.name, value);
  if (isTime(column.type)) {
    const ms = momentOf(value);
    const isSet = ms !== undefined && !NO_TIME_MS.includes(ms);
    return { text: isSet ? formatMoment(ms, zone) : '', kind: 'time', isRed: red };
  }
  if (isNumber(column.type)) {
    const isMissing = value === null || value === undefined;
    return { text: isMissing ? '' : formatCell(Number(value), column.unit ?? panel.unit), kind: 'number', isRed: red };
  }
  if (typeof value === 'boolean') return { text: value ? 'yes' : 'no', kind: 'text', isRed: red };
  const link = linkOf(column, value);
  if (column.name === 'sid' && link !== undefined) return { text: shortSession(value), kind: 'text', isRed: red, link };
  return { text: printable(value), kind: 'text', isRed: red, ...(link === undefined ? {} : { link }) };
}

/**
 * The value of a panel that is one number; undefined where there is none.
 *
 * @param {readonly (readonly unknown[])[]} rows
 */
export function singleNumber(rows) {
  const value = rows[0]?.[0];
  if (value === null || value === undefined || value === '') return undefined;
  return Number.isFinite(Number(value)) ? Number(value) : undefined;
}

/** The name of a column for people: `replyText` as `reply text`. @param {string} name */
export const headingOf = (name) =>
  name === 'sid'
    ? 'session'
    : name.replace(/([a-z])([A-Z])/g, (_, before, after) => `${before} ${after.toLowerCase()}`);

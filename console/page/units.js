/** @import { Unit } from '../../dashboards/panel.ts' */

/** Largest step first. @type {readonly (readonly [number, string])[]} */
const MAGNITUDES = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];
/** @type {readonly (readonly [number, string])[]} */
const OCTETS = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
];
/** Shorter numbers are written in full. */
const SHORTENED_FROM = 10_000;
const MICROSECONDS_A_SECOND = 1e6;

/**
 * A number with three digits that count, without zeros at its end: 0.123, 1.5, 27, 1234.
 *
 * @param {number} value
 */
function threeDigits(value) {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return String(Number(value.toFixed(digits)));
}

/** @param {number} value */
function short(value) {
  if (Math.abs(value) < SHORTENED_FROM) return threeDigits(value);
  const [size, name] = MAGNITUDES.find(([from]) => Math.abs(value) >= from) ?? [1, ''];
  return `${threeDigits(value / size)}${name}`;
}

/** @param {number} value */
function octets(value) {
  const [size, name] = OCTETS.find(([from]) => Math.abs(value) >= from) ?? [1, 'B'];
  return `${threeDigits(value / size)} ${name}`;
}

/** @param {number} seconds */
function seconds(seconds) {
  const size = Math.abs(seconds);
  if (size > 0 && size < 0.001) return `${threeDigits(seconds * 1e6)} µs`;
  if (size > 0 && size < 1) return `${threeDigits(seconds * 1000)} ms`;
  if (size < 120) return `${threeDigits(seconds)} s`;
  if (size < 7200) return `${threeDigits(seconds / 60)} min`;
  if (size < 172_800) return `${threeDigits(seconds / 3600)} h`;
  return `${threeDigits(seconds / 86_400)} d`;
}

/**
 * A value with its unit, as short as it can be read: `1.2k`, `3/min`, `12.5 %`, `4.1 ms`.
 *
 * @param {number | null | undefined} value
 * @param {Unit} unit
 */
export function formatValue(value, unit) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  switch (unit) {
    case 'cpm':
      return `${short(value)}/min`;
    case 'percentunit':
      return `${threeDigits(value * 100)} %`;
    case 's':
      return seconds(value);
    case 'µs':
      return value === 0 ? '0 µs' : seconds(value / MICROSECONDS_A_SECOND);
    case 'bytes':
      return octets(value);
    default:
      return short(value);
  }
}

/**
 * As it stands in a table: counts in full.
 *
 * @param {number} value
 * @param {Unit} unit
 */
export const formatCell = (value, unit) =>
  unit === 'short' && Number.isFinite(value)
    ? value.toLocaleString('en-US', { maximumFractionDigits: 2 })
    : formatValue(value, unit);

/** Ranges that are offered, as they stand in an address. */
export const ranges = /** @type {const} */ ([
  ['1h', 'Last hour'],
  ['6h', 'Last 6 hours'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
]);

/** @type {Readonly<Record<string, number>>} */
const SECONDS = { m: 60, h: 3600, d: 86_400, w: 604_800 };
/** Longest range that is understood, seconds: ten years. */
export const RANGE_SECONDS_MAX = 315_360_000;

/**
 * Length of a range as `24h`; undefined for what is none. In seconds.
 *
 * @param {string} text
 */
export function rangeSeconds(text) {
  const [, digits = '', unit = ''] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const seconds = Number(digits) * (SECONDS[unit] ?? Number.NaN);
  return seconds > 0 && seconds <= RANGE_SECONDS_MAX ? seconds : undefined;
}

/**
 * What a dashboard looks at: a stretch that ends now, or one between two times. In seconds since 1970.
 *
 * @param {ReadonlyMap<string, string>} query
 * @param {string} fallback - A range such as `24h`.
 * @param {number} nowMs
 */
export function stretchOf(query, fallback, nowMs) {
  const from = Number(query.get('from') ?? Number.NaN);
  const to = Number(query.get('to') ?? Number.NaN);
  if (from >= 0 && to > from && to - from <= RANGE_SECONDS_MAX) {
    return { from: Math.floor(from), to: Math.ceil(to), isFixed: true };
  }
  const seconds = rangeSeconds(query.get('range') ?? fallback) ?? rangeSeconds(fallback) ?? 86_400;
  const now = Math.floor(nowMs / 1000);
  return { from: now - seconds, to: now, isFixed: false };
}

/**
 * A time from the API, in milliseconds since 1970. One without a zone is UTC; undefined for what is none.
 *
 * @param {unknown} text
 */
export function momentOf(text) {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text)) return undefined;
  const iso = text.replace(' ', 'T');
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** @param {number} ms @param {string} zone @param {Intl.DateTimeFormatOptions} fields */
const inZone = (ms, zone, fields) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: zone, hourCycle: 'h23', ...fields }).format(ms).replace(',', '.');

/** @type {Intl.DateTimeFormatOptions} */
const DAY = { year: 'numeric', month: '2-digit', day: '2-digit' };
/** @type {Intl.DateTimeFormatOptions} */
const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit' };

/** `2026-11-29 14:34:41`; nothing for times that are not set. @param {number} ms @param {string} zone */
export const formatMoment = (ms, zone) => (ms > 0 ? inZone(ms, zone, { ...DAY, ...CLOCK }) : '');

/** `14:34:41`. @param {number} ms @param {string} zone */
export const formatClock = (ms, zone) => inZone(ms, zone, CLOCK);

/** `14:34:41.250`. @param {number} ms @param {string} zone */
export const formatClockMs = (ms, zone) => inZone(ms, zone, { ...CLOCK, fractionalSecondDigits: 3 });

/** @type {readonly (readonly [number, string])[]} */
const PARTS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** A time for people, in its two largest units: `3 h 59 min`. @param {number} ms */
export function formatLasting(ms) {
  const first = PARTS.findIndex(([unit]) => ms >= unit);
  if (first === -1) return '0 s';
  let rest = ms;
  /** @type {string[]} */
  const shown = [];
  for (const [unit, name] of PARTS.slice(first, first + 2)) {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    if (count > 0) shown.push(`${count} ${name}`);
  }
  return shown.join(' ');
}

/** Ends that are this far away are for good, milliseconds: fifty years. */
const FOR_GOOD_MS = 1_577_836_800_000;

/** Until when something holds. @param {number} untilMs @param {number} nowMs */
export function formatUntil(untilMs, nowMs) {
  if (untilMs <= nowMs) return 'over';
  return untilMs - nowMs > FOR_GOOD_MS ? 'for good' : `${formatLasting(untilMs - nowMs)} more`;
}

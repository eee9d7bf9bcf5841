import { assert } from './assert.ts';

const MS_PER_DAY = 86_400_000;
const DAYS_PER_400_YEARS = 146_097;
/** Days from 0000-03-01 to 1970-01-01: years that begin in March have their odd day at the end. */
const DAYS_TO_EPOCH = 719_468;

const dayNames = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'] as const;
const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/** The Gregorian date of a day counted from 1970-01-01. */
function civilDate(dayCount: number): CivilDate {
  const days = dayCount + DAYS_TO_EPOCH;
  const era = Math.floor(days / DAYS_PER_400_YEARS);
  const dayOfEra = days - era * DAYS_PER_400_YEARS;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day };
}

const two = (value: number): string => String(value).padStart(2, '0');

/**
 * A point in time as RFC 5322 section 3.3 writes it, in UTC: `Thu, 01 Jan 1970 00:00:00 +0000`.
 *
 * @param wallMs - Integer milliseconds since 1970-01-01 UTC, not negative; parts of a second are dropped.
 */
export function rfc5322Date(wallMs: number): string {
  assert(Number.isSafeInteger(wallMs) && wallMs >= 0, 'a time is whole milliseconds since 1970');
  const dayCount = Math.floor(wallMs / MS_PER_DAY);
  const { year, month, day } = civilDate(dayCount);
  const second = Math.floor((wallMs % MS_PER_DAY) / 1000);
  const clock = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60].map(two).join(':');
  const date = `${two(day)} ${monthNames[month - 1]} ${String(year).padStart(4, '0')}`;
  return `${dayNames[dayCount % 7]}, ${date} ${clock} +0000`;
}

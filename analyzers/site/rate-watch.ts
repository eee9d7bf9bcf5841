import { z } from 'zod';

const HOURS = 24;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** What a rate is watched for. */
export interface RateShape {
  /** Least rate that is expected, events an hour. */
  readonly leastPerHour: number;
  /** (r - 1) / ln r, where r is how many times the expected rate counts as an attack; for r = 4 it is 2.164. */
  readonly slack: number;
  /** What the sum has to reach, events. */
  readonly threshold: number;
}

/** State of one rate, as it is kept. */
export const rateState = z.object({
  score: z.number(),
  atMs: z.number(),
  hour: z.number(),
  count: z.number(),
  mean: z.number(),
  byHour: z.array(z.number()).length(HOURS),
});
export type RateState = z.infer<typeof rateState>;

export const newRate = (atMs: number): RateState => ({
  score: 0,
  atMs,
  hour: Math.floor(atMs / HOUR_MS),
  count: 0,
  mean: 0,
  byHour: new Array<number>(HOURS).fill(0),
});

/** Weight of the newest day in the mean of an hour of the day, and of the newest hour in the mean of all hours. */
const DAY_WEIGHT = 0.25;
const HOUR_WEIGHT = 1 / 72;
/** An hour teaches no more than so many times what was expected: an attack must not become the habit. */
const TEACHES_MAX = 2;

/**
 * A cumulative sum of events against the rate that is expected at this hour of the day (Lucas' CUSUM for Poisson rates, in
 * continuous time), where what is expected is learnt from the days before.
 *
 * @param weight - What this event adds to the sum; 1: as much as is expected of one.
 */
export function seeEvent(
  state: RateState,
  { leastPerHour, slack, threshold }: RateShape,
  atMs: number,
  weight = 1,
): boolean {
  const expected = expectedPerHour(state, leastPerHour, atMs);
  learn(state, leastPerHour, atMs);
  const passedMs = Math.max(0, atMs - state.atMs);
  state.score = Math.max(0, state.score - (expected * slack * passedMs) / HOUR_MS) + weight;
  state.atMs = Math.max(state.atMs, atMs);
  state.count += weight;
  const isReached = state.score >= threshold;
  // It is armed again at once, and cannot run so far ahead that it never comes back.
  if (isReached) state.score = Math.min(state.score, 2 * threshold);
  return isReached;
}

/** What is expected in an hour. */
export const expectedPerHour = ({ mean, byHour }: RateState, leastPerHour: number, atMs: number): number =>
  Math.max(leastPerHour, mean, 1.5 * (byHour[hourOfDay(atMs)] ?? 0));

const hourOfDay = (atMs: number): number => Math.floor((atMs % DAY_MS) / HOUR_MS);

/** Closes the hours that are over. */
function learn(state: RateState, leastPerHour: number, atMs: number): void {
  const hour = Math.floor(atMs / HOUR_MS);
  const passed = Math.min(hour - state.hour, 30 * HOURS);
  for (let step = 0; step < passed; step += 1) {
    const place = (state.hour + step) % HOURS;
    const most = TEACHES_MAX * expectedPerHour(state, leastPerHour, (state.hour + step) * HOUR_MS);
    const taught = Math.min(step === 0 ? state.count : 0, most);
    state.mean += (taught - state.mean) * HOUR_WEIGHT;
    state.byHour[place] = (state.byHour[place] ?? 0) + (taught - (state.byHour[place] ?? 0)) * DAY_WEIGHT;
  }
  if (hour <= state.hour) return;
  state.hour = hour;
  state.count = 0;
}

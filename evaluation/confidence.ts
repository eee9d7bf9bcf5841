import { Random } from './traffic/random.ts';

/** Resamples of a bootstrap. */
const RESAMPLES = 2000;
/** What an interval leaves out on each side. */
const TAIL = 0.025;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The middle of values, the upper of two; undefined without any. A value that never came counts as infinite. */
export function medianOf(values: readonly number[]): number | undefined {
  return quantileOf(values, 0.5);
}

/** The value below which about a share of them lies (0 to 1); undefined without any. */
export function quantileOf(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** The 95 % percentile bootstrap of a statistic over the seeds (Efron 1979). The same values give the same interval. */
export function bootstrapOf<T>(runs: readonly T[], statistic: (runs: readonly T[]) => number): Interval | undefined {
  if (runs.length === 0) return undefined;
  const random = new Random(runs.length, 2);
  const found = Array.from({ length: RESAMPLES }, () => statistic(runs.map(() => random.pick(runs))));
  const [low, high] = [quantileOf(found, TAIL), quantileOf(found, 1 - TAIL)];
  return low === undefined || high === undefined ? undefined : { low, high };
}

/** The most that a rate may be, with 95 % confidence, when none of so many was hit (Clopper and Pearson, one-sided: about 3 / n). */
export const upperBoundOfNone = (trials: number): number => (trials <= 0 ? 1 : 1 - 0.05 ** (1 / trials));

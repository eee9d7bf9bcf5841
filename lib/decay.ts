/** Scores are integers; this many are one unit (one nat of log-likelihood). */
export const SCORE_ONE = 1024;

/** Steps that a half-life is divided into: a score changes once a step. */
export const STEPS_PER_HALF_LIFE = 256;
const STEP_BITS = 8;
const FRACTION_BITS = 16;
/** After so many half-lives nothing is left of any score. */
const HALF_LIVES_MAX = 31;

/**
 * 2^(-n/256) in units of 2^-16, for n from 0 to 255. Made with whole numbers alone: `Math.pow` and `Math.exp` differ between
 * engines, and a replay elsewhere must come to the same scores.
 */
const factors: readonly number[] = powersOfRoot();

function powersOfRoot(): number[] {
  // The 256th root of one half in 64 fractional bits, by eight square roots.
  let root = 1n << 63n;
  for (let square = 0; square < STEP_BITS; square += 1) root = squareRoot(root << 64n);
  const powers: number[] = [];
  for (let power = 1n << 64n; powers.length < STEPS_PER_HALF_LIFE; power = (power * root) >> 64n) {
    powers.push(Number((power + (1n << 47n)) >> 48n));
  }
  return powers;
}

/** The whole part of the square root, by Newton's method. */
function squareRoot(value: bigint): bigint {
  let guess = 1n << 65n;
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** A half-life as decay needs it: its length in milliseconds is {@link STEPS_PER_HALF_LIFE} times this. */
export type StepMs = number;

/** @param halfLifeMs - Whole milliseconds, a multiple of {@link STEPS_PER_HALF_LIFE}. */
export const stepOf = (halfLifeMs: number): StepMs => halfLifeMs / STEPS_PER_HALF_LIFE;

/** Whole steps that have passed; none where the clock went back. */
export const stepsBetween = (fromMs: number, toMs: number, stepMs: StepMs): number =>
  toMs <= fromMs ? 0 : Math.floor((toMs - fromMs) / stepMs);

/**
 * A score after so many steps: halved every {@link STEPS_PER_HALF_LIFE}, rounded towards zero, whatever its sign.
 *
 * @param score - Within 32 bits.
 */
export function decayed(score: number, steps: number): number {
  if (score === 0 || steps <= 0) return score;
  const halvings = Math.floor(steps / STEPS_PER_HALF_LIFE);
  if (halvings >= HALF_LIVES_MAX) return 0;
  const factor = factors[steps % STEPS_PER_HALF_LIFE] ?? 0;
  // Below 2^53: a score has 32 bits, a factor 17.
  return Math.trunc((score * factor) / 2 ** (FRACTION_BITS + halvings));
}

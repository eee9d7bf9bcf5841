import { medianOf, upperBoundOfNone } from './confidence.ts';
import type { Score } from './score.ts';

/** The scores of one defender, by scenario: one for each seed. */
export type ByScenario = ReadonlyMap<string, readonly Score[]>;

/** A figure and the most that it may be. */
export interface Goal {
  readonly title: string;
  readonly atMost: number;
  readonly unit: string;
  /** The figure; undefined where the run had no such traffic. Infinite: never. */
  readonly measure: (scores: ByScenario) => number | undefined;
}

/** How a goal was met. */
export interface GoalResult {
  readonly title: string;
  readonly unit: string;
  readonly atMost: number;
  readonly measured: number | undefined;
  /** Undefined: not measured in this run. */
  readonly reached: boolean | undefined;
  /** How much too high, in the unit of the goal; 0 for one that is reached. */
  readonly missedBy: number;
}

const worstMedian =
  (ids: readonly string[], of: (score: Score) => number | undefined) =>
  (scores: ByScenario): number | undefined => {
    const medians = ids.flatMap((id) => {
      const runs = scores.get(id) ?? [];
      return medianOf(runs.map((score) => of(score) ?? Number.POSITIVE_INFINITY)) ?? [];
    });
    return medians.length === 0 ? undefined : Math.max(...medians);
  };

const isHonest = (id: string): boolean => id === 'background' || id.startsWith('B');
const honestRuns = (scores: ByScenario, ids?: readonly string[]): readonly Score[] =>
  [...scores].flatMap(([id, runs]) => (isHonest(id) && (ids === undefined || ids.includes(id)) ? runs : []));

const perMillion =
  (of: (score: Score) => number, ids?: readonly string[]) =>
  (scores: ByScenario): number | undefined => {
    const runs = honestRuns(scores, ids);
    const messages = runs.reduce((sum, score) => sum + score.messages, 0);
    return messages === 0 ? undefined : (1e6 * runs.reduce((sum, score) => sum + of(score), 0)) / messages;
  };

const sourcesStopped =
  (ids: readonly string[]) =>
  (scores: ByScenario): number | undefined => {
    const runs = honestRuns(scores, ids);
    return runs.length === 0 ? undefined : runs.reduce((sum, score) => sum + score.sourcesStopped, 0);
  };

/** Servers that bounce forged mail attack nobody: none of them is to be stopped in any run. */
const bouncingStopped = (scores: ByScenario): number | undefined => {
  const runs = ['A19', 'A20', 'A35', 'A36'].flatMap((id) => scores.get(id) ?? []);
  return runs.length === 0 ? undefined : runs.reduce((sum, score) => sum + score.sourcesStopped, 0);
};

const slowed = (score: Score): number | undefined => score.untilSlowed;
const stopped = (score: Score): number | undefined => score.untilStopped;
const told = (score: Score): number | undefined => score.untilAlarm;
const turnedAway = (score: Score): number => score.messagesDeferred + score.messagesRefused;
/** From the start of the session, or at its AUTH. */
const slow = (score: Score): number => score.messagesSlowed + score.messagesHeld;
const notHindered = ({ sessionsAfterAlarm, hinderedAfterAlarm }: Score): number | undefined =>
  sessionsAfterAlarm === 0 ? undefined : 100 * (1 - hinderedAfterAlarm / sessionsAfterAlarm);
const providers = ['B2', 'B3', 'B6'];

/** What Postern is to reach; the order is that of the table. */
export const goals: readonly Goal[] = [
  { title: 'A1, A2 slowed, the later one', atMost: 4, unit: 'events', measure: worstMedian(['A1', 'A2'], slowed) },
  { title: 'A1, A2 stopped, the later one', atMost: 5, unit: 'events', measure: worstMedian(['A1', 'A2'], stopped) },
  { title: 'A4 stopped', atMost: 6, unit: 'events', measure: worstMedian(['A4'], stopped) },
  { title: 'A5 stopped', atMost: 10, unit: 'events', measure: worstMedian(['A5'], stopped) },
  { title: 'A11 stopped', atMost: 5, unit: 'events', measure: worstMedian(['A11'], stopped) },
  { title: 'A13 told', atMost: 6, unit: 'sessions', measure: worstMedian(['A13'], told) },
  { title: 'A14 told', atMost: 6, unit: 'hours', measure: worstMedian(['A14'], (s) => hours(s.secondsUntilAlarm)) },
  {
    title: 'A14, sessions after the alarm not hindered',
    atMost: 20,
    unit: '%',
    measure: worstMedian(['A14'], notHindered),
  },
  { title: 'A16 slowed', atMost: 1, unit: 'events', measure: worstMedian(['A16'], slowed) },
  { title: 'A16 stopped', atMost: 2, unit: 'events', measure: worstMedian(['A16'], stopped) },
  {
    title: 'B9 to B13 stopped',
    atMost: 0,
    unit: 'sources',
    measure: sourcesStopped(['B9', 'B10', 'B11', 'B12', 'B13']),
  },
  {
    title: 'B1, B2, B4, B6 to B8 stopped',
    atMost: 0,
    unit: 'sources',
    measure: sourcesStopped(['B1', 'B2', 'B4', 'B6', 'B7', 'B8']),
  },
  { title: 'legitimate messages turned away', atMost: 1, unit: 'per 10^6', measure: perMillion(turnedAway) },
  {
    title: 'legitimate messages turned away, providers',
    atMost: 0,
    unit: 'per 10^6',
    measure: perMillion(turnedAway, providers),
  },
  { title: 'legitimate messages slowed', atMost: 100, unit: 'per 10^6', measure: perMillion(slow) },
  {
    title: 'A35 (joe-job, tenfold) told',
    atMost: 6,
    unit: 'x 5 min',
    measure: worstMedian(['A35'], (s) => bins(s.secondsUntilAlarm)),
  },
  {
    title: 'A36 (joe-job, sixtyfold) told',
    atMost: 1,
    unit: 'x 5 min',
    measure: worstMedian(['A36'], (s) => bins(s.secondsUntilAlarm)),
  },
  {
    title: 'servers of joe-jobs stopped',
    atMost: 0,
    unit: 'sources',
    measure: bouncingStopped,
  },
];

/** Bins of five minutes, begun ones whole. */
const bins = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : Math.ceil(seconds / 300);
const hours = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : seconds / 3600);

export function goalResults(scores: ByScenario): readonly GoalResult[] {
  return goals.map(({ title, unit, atMost, measure }) => {
    const measured = measure(scores);
    const reached = measured === undefined ? undefined : measured <= atMost;
    return { title, unit, atMost, measured, reached, missedBy: reached === false ? (measured ?? 0) - atMost : 0 };
  });
}

/** The table of goals, and how sure a zero is. */
export function goalsTable(scores: ByScenario): string {
  const rows = goalResults(scores).map(({ title, unit, atMost, measured, reached, missedBy }) => {
    const outcome = reached === undefined ? 'not measured' : reached ? 'reached' : `missed by ${figure(missedBy)}`;
    return `${title.padEnd(46)} ${`${atMost} ${unit}`.padEnd(14)} ${figure(measured).padStart(10)}  ${outcome}`;
  });
  const runs = honestRuns(scores);
  const messages = runs.reduce((sum, score) => sum + score.messages, 0);
  const away = runs.reduce((sum, score) => sum + turnedAway(score), 0);
  const bound =
    away === 0 && messages > 0
      ? [
          `none of ${messages} legitimate messages was turned away: at most ${figure(1e6 * upperBoundOfNone(messages))} per 10^6 (95 %)`,
        ]
      : [];
  return `${[`${'goal'.padEnd(46) + ' at most'.padEnd(16)}  measured`, ...rows, ...bound].join('\n')}\n`;
}

const figure = (value: number | undefined): string =>
  value === undefined ? '-' : value === Number.POSITIVE_INFINITY ? 'never' : String(Number(value.toPrecision(6)));

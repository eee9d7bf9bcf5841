import type { Judged } from './judge.ts';
import type { Paint } from './paint.ts';
import { acts } from './story.ts';
import type { Told } from './tally.ts';
import type { Totals } from './totals.ts';

/** Everything that came out of the story. */
export interface Report {
  readonly judged: readonly Judged[];
  readonly totals: Totals;
  readonly durationMs: number;
}

/** Every line came out as told, and the log holds every session from beginning to end. */
export const isAsTold = ({ judged, totals }: Report): boolean =>
  judged.every(({ asTold }) => asTold) && totals.wholeSessions === totals.sessions;

/** What `--json` prints. */
export function reportJson(report: Report): string {
  const { judged, totals, durationMs } = report;
  const lines = judged.map(({ line, came, asTold, deliveries }) => ({
    ...line,
    came,
    asTold,
    delivered: deliveries.map(({ octets, sha256, isEqual }) => ({ octets, sha256, isEqual })),
  }));
  return JSON.stringify({ asTold: isAsTold(report), lines, totals, durationMs }, undefined, 2);
}

const WHAT_WIDTH = 62;
const HASH_LENGTH = 16;

/** The table for people. */
export function reportText(report: Report, paint: Paint): string {
  return [...lineRows(report, paint), '', ...deliveryRows(report, paint), '', ...totalRows(report, paint)].join('\n');
}

function lineRows({ judged }: Report, paint: Paint): string[] {
  const byAct = Map.groupBy(judged, ({ line }) => line.act);
  return [...byAct].flatMap(([act, lines]) => [
    '',
    paint('strong', acts[act]),
    ...lines.flatMap((one) => rowsOf(one, paint)),
  ]);
}

function rowsOf({ line, came, asTold }: Judged, paint: Paint): string[] {
  const what = line.what.padEnd(WHAT_WIDTH);
  if (asTold) return [`  ${paint('good', '✓')} ${what} ${tallyText(came)}`];
  return [
    `  ${paint('bad', '✗')} ${what} ${paint('bad', tallyText(came))}`,
    `    ${'as told it would have been'.padEnd(WHAT_WIDTH)} ${tallyText(line.told)}`,
  ];
}

function tallyText(tally: Told): string {
  const entries = Object.entries(tally).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const texts = entries.map(([key, count]) => {
    if (count === 1) return key;
    return `${key} ×${typeof count === 'number' ? count : count.join('–')}`;
  });
  return texts.join(', ') || 'nothing';
}

function deliveryRows({ judged }: Report, paint: Paint): string[] {
  const rows = judged.flatMap(({ line, deliveries }) => deliveries.map((delivery) => ({ line, delivery })));
  return [
    paint('strong', 'What the server behind holds'),
    ...rows.map(({ line, delivery }) => {
      const { octets, sha256, isEqual } = delivery;
      const from = `${line.id} (${delivery.source})`.padEnd(42);
      const size = octets.toLocaleString('en').padStart(12);
      const mark = isEqual ? paint('good', 'equal to what was sent') : paint('bad', 'never sent as such');
      return `  ${from} ${size} octets  ${sha256.slice(0, HASH_LENGTH)}…  ${mark}`;
    }),
  ];
}

function totalRows(report: Report, paint: Paint): string[] {
  const { judged, totals, durationMs } = report;
  const told = judged.filter(({ asTold }) => asTold).length;
  const verdicts = Object.entries(totals.verdicts).map(([action, count]) => `${action} ${count}`);
  const areWhole = totals.wholeSessions === totals.sessions;
  return [
    paint('strong', 'What the event log holds'),
    `  ${totals.events} events of ${totals.sessions} sessions; ${totals.commands} commands, a verdict each: ${verdicts.join(', ')}`,
    `  ${paint(areWhole ? 'good' : 'bad', `${totals.wholeSessions} of ${totals.sessions} sessions are whole`)}, from connection to end, without a gap`,
    '',
    paint(
      isAsTold(report) ? 'good' : 'bad',
      `${told} of ${judged.length} lines came out as told, in ${(durationMs / 1000).toFixed(1)} s.`,
    ),
  ];
}

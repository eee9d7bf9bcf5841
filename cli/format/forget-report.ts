import { escapeField } from '../../lib/escape.ts';
import type { Leftover } from '../forget/leftovers.ts';

/** What a part that keeps something of its own did: `none`: there is nothing. `pending`: it does it when it starts next. */
export type PartState = 'done' | 'pending' | 'none';

/** What came of forgetting somebody. It names nobody. */
export interface ForgetReport {
  readonly isDryRun: boolean;
  /** What stands in place of the address; undefined in a dry run. */
  readonly pseudonym: string | undefined;
  /** Records of the log that named the person, by stream. */
  readonly log: Readonly<Record<string, number>>;
  /** Of them, those that left the log before they were changed. */
  readonly gone: number;
  /** Of them, those that may name the person still. */
  readonly unsettled: number;
  /** Nothing of the octets before is left in the files of the log. */
  readonly isScrubbed: boolean;
  /** The act is in the log. */
  readonly isRecorded: boolean;
  readonly analyzers: PartState;
  readonly history: PartState;
  /** Rows of the history that named the person, by table; undefined where they were not counted. */
  readonly rows: Readonly<Record<string, number>> | undefined;
  /** Keyed hashes of the person could be looked for: the secret of the site is known. */
  readonly hashesKnown: boolean;
  readonly left: readonly Leftover[];
}

const shown = (text: string): string => escapeField(text, 400);
const NAME_COLUMNS = 12;

/** It is all done, or will be by itself. */
export const isWhole = ({ unsettled, isScrubbed, isRecorded, isDryRun }: ForgetReport): boolean =>
  isDryRun || (unsettled === 0 && isScrubbed && isRecorded);

/** {@link ForgetReport} for people. */
export function formatForgetReport(report: ForgetReport): string {
  const { pseudonym, isDryRun, left } = report;
  const lines = [
    isDryRun
      ? 'Nothing was changed. These records name the person:'
      : `${shown(pseudonym ?? '')} stands in place of the person now. Nothing leads back.`,
    ...row('log', countsText(report.log)),
    ...(report.gone > 0 ? row('', `${report.gone} of them left the log meanwhile`) : []),
    ...row('analyzers', analyzersText(report)),
    ...row('history', historyText(report)),
    ...faultsOf(report),
    ...left.map(({ place, why }) => `Left as it is: ${shown(place)}: ${shown(why)}.`),
  ];
  return `${lines.join('\n')}\n`;
}

const row = (name: string, text: string): readonly string[] => [`  ${name.padEnd(NAME_COLUMNS)}${text}`];

function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([place, count]) => `${shown(place)} ${count}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function analyzersText({ analyzers, isDryRun }: ForgetReport): string {
  if (analyzers === 'none') return 'they keep nothing';
  if (isDryRun) return 'accounts that they know are not counted';
  return analyzers === 'done' ? 'done' : 'they do not run: done when they start next';
}

function historyText({ history, rows, isDryRun }: ForgetReport): string {
  if (history === 'none') return 'none is kept';
  if (rows !== undefined) return countsText(rows);
  return isDryRun ? 'not counted: the store does not run' : 'the store does not run, or is busy: done when it can';
}

function faultsOf({ unsettled, isScrubbed, isRecorded, hashesKnown, isDryRun }: ForgetReport): readonly string[] {
  const faults: string[] = [];
  if (!hashesKnown)
    faults.push('The secret of the site is not known here: keyed hashes of the person were not looked for.');
  if (isDryRun) return faults;
  if (unsettled > 0) faults.push(`${unsettled} records of the log changed each time they were read: do it again.`);
  if (!isScrubbed)
    faults.push('Files of the log are read all the time: octets from before are left in them. Do it again.');
  if (!isRecorded) faults.push('The log did not take the event that says who did it.');
  return faults;
}

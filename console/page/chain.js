/** @import { Contribution, DecisionMade } from '../../events/decision.ts' */
/** @import { Why, WhyDecision } from '../../cli/format/why.ts' */
import { printable } from './text.js';
import { formatMoment, formatUntil } from './times.js';
import { tailLine } from './transcript.js';

/** A point of a score in the log's whole numbers. */
const SCORE_ONE = 1024;

/** @param {number} score */
export const points = (score) => (score / SCORE_ONE).toFixed(1);

/** @param {WhyDecision} each @param {number} nowMs */
export const isInForce = ({ decision, revokedBy, replacedBy }, nowMs) =>
  revokedBy === undefined && replacedBy === undefined && nowMs < decision.until;

/** What became of a decision. @param {WhyDecision} each @param {number} nowMs */
export function stateOf({ decision, isObserved, revokedBy, replacedBy }, nowMs) {
  const state =
    revokedBy === undefined
      ? replacedBy === undefined
        ? formatUntil(decision.until, nowMs)
        : `replaced by ${replacedBy}`
      : `taken back by ${revokedBy}`;
  return printable(isObserved === true ? `${state}; observed only, nothing is refused` : state);
}

/** Who decided. @param {Pick<DecisionMade, 'origin' | 'by' | 'scenario' | 'scenarioVersion'>} decision */
export const makerOf = ({ origin, by = 'an operator', scenario, scenarioVersion }) =>
  printable(
    origin === 'operator' ? by : `${scenario}${scenarioVersion === undefined ? '' : ` version ${scenarioVersion}`}`,
  );

/**
 * @typedef {object} Entry - One line of a ledger.
 * @property {number} weight - 1024 a unit; negative where it speaks for the source.
 * @property {string} what
 * @property {number} at
 * @property {string} event - The event behind it, as far as it is kept.
 * @property {string} [sid]
 */

/** @param {Contribution} contribution @param {Pick<Why, 'evidence'>} why @returns {Entry} */
export function entryOf({ sid, seq, at, weight, what }, { evidence }) {
  const event = (evidence[sid ?? ''] ?? []).find((each) => 'seq' in each && each.seq === seq);
  return {
    weight,
    what: printable(what),
    at,
    event: event === undefined ? 'not kept any more' : tailLine(event).text,
    ...(sid === undefined ? {} : { sid }),
  };
}

/** What an answer does not reach back to; undefined where nothing is missing. @param {Why['coverage']} coverage @param {string} zone */
export const coverageOf = ({ fromMs, note }, zone) =>
  note === undefined ? undefined : `Covered from ${formatMoment(fromMs, zone)} on. ${printable(note)}`;

/** The command that takes a decision back. @param {Pick<DecisionMade, 'action' | 'value'>} decision */
export const undoCommand = ({ action, value }) =>
  printable(`postern ${action === 'allow' ? 'allow --off' : 'unblock'} ${value}`);

/** Is it about an address or a range, which are what the console acts on? @param {{ scope: string }} decision */
export const isAboutSource = ({ scope }) => scope === 'ip' || scope === 'range';

/**
 * The act that takes a decision back. What is about an account, a domain or the site is taken back on the command line.
 *
 * @param {Pick<DecisionMade, 'scope' | 'action' | 'value'>} decision
 * @returns {import('./act-dialog.js').Act & { readonly value: string } | undefined}
 */
export const undoingAct = ({ scope, action, value }) =>
  isAboutSource({ scope }) ? { act: action === 'allow' ? 'disallow' : 'unblock', value } : undefined;

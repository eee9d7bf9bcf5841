/** Decisions that the server gives, at most. */
export const DECISIONS_MAX = 1000;

/**
 * A decision in force, as the server lists it.
 *
 * @typedef {Pick<import('../../events/decision.ts').DecisionMade,
 *   'id' | 'scope' | 'value' | 'roles' | 'action' | 'level' | 'scenario' | 'origin' | 'at' | 'until' | 'reason' | 'by'> &
 *   { readonly observed: boolean | null }} Decision
 */

/**
 * Those that have the text anywhere that people see.
 *
 * @param {readonly Decision[]} decisions
 * @param {string} text
 * @param {boolean} isFoundByServer - It found ranges around an address too: they stay.
 */
export function matching(decisions, text, isFoundByServer) {
  const wanted = text.toLowerCase();
  return decisions.filter(
    ({ value, action, scenario, reason, by = '', id, scope }) =>
      (isFoundByServer && scope === 'range') ||
      [value, action, scenario, reason, by, id].some((each) => each.toLowerCase().includes(wanted)),
  );
}

import type { Contribution, DecisionMade } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { escapeField } from '../../lib/escape.ts';
import type { Coverage } from '../store/coverage.ts';
import type { ModesInUse, Observed } from '../watch/modes-in-use.ts';
import { coverageNote } from './coverage.ts';
import { lastingText } from './decision-line.ts';
import { formatEvent } from './event-line.ts';
import { modesNote } from './modes-note.ts';

/** A decision, and what became of it. */
export interface WhyDecision {
  readonly decision: DecisionMade;
  readonly isObserved: Observed;
  /** Who took it back, and why. */
  readonly revokedBy?: string;
  /** Id of the one that took its place. */
  readonly replacedBy?: string;
}

/** Everything that is known about a refusal or a source. */
export interface Why {
  /** What was asked about. */
  readonly subject: string;
  readonly modes: ModesInUse['source'];
  readonly ip?: string;
  readonly decisions: readonly WhyDecision[];
  /** Events that the decisions rest on, by session. */
  readonly evidence: Readonly<Record<string, readonly MailEvent[]>>;
  /** The session that was asked about, or the last ones of the source. */
  readonly sessions: readonly (readonly MailEvent[])[];
  readonly coverage: Coverage;
}

const shown = (text: string): string => escapeField(text, 400);
const SCORE_ONE = 1024;
const points = (score: number): string => (score / SCORE_ONE).toFixed(1);
const time = (atMs: number): string => new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');

/** The chain behind a decision or a refusal, for people: what, until when, why, who did what, and what undoes it. */
export function formatWhy(why: Why, nowMs: number, colour: boolean): string {
  const lines: string[] = [];
  if (why.decisions.length === 0) {
    lines.push(`No decision is known about ${shown(why.ip ?? why.subject)}.`);
  }
  const isAutomatic = why.decisions.some(({ decision }) => decision.origin === 'analyzer');
  if (isAutomatic && why.modes !== 'configuration') lines.push(modesNote(why.modes));
  for (const each of why.decisions) lines.push(...decisionLines(each, why, nowMs), '');
  for (const session of why.sessions) {
    lines.push('Session:', ...session.map((event) => `  ${formatEvent(event, colour)}`), ...refusalLines(session), '');
  }
  return `${lines.join('\n').trimEnd()}\n${coverageNote(why.coverage)}`;
}

function decisionLines(each: WhyDecision, why: Why, nowMs: number): readonly string[] {
  const { decision, isObserved } = each;
  const { value, action, ledger = [], counter = [], forgotten = false } = decision;
  const isInForce = each.revokedBy === undefined && each.replacedBy === undefined && nowMs < decision.until;
  return [
    `${shown(value)}: ${action}${observedText(isObserved)}, ${stateText(each, nowMs)}`,
    ...accountLines(decision),
    ...ledger.map((entry) => `  ${contributionText(entry, why)}`),
    ...(forgotten ? ['  and more that is not known any more'] : []),
    ...(counter.length > 0 ? ['  What speaks for it:'] : []),
    ...counter.map((entry) => `  ${contributionText(entry, why)}`),
    ...(isInForce ? [`  Undo: postern ${action === 'allow' ? 'allow --off' : 'unblock'} ${shown(value)}`] : []),
  ];
}

const observedText = (isObserved: Observed): string =>
  isObserved === null ? ' (whether it acts is not known)' : isObserved ? ' (observed only: nothing is refused)' : '';

function stateText({ decision, revokedBy, replacedBy }: WhyDecision, nowMs: number): string {
  if (revokedBy !== undefined) return `taken back by ${shown(revokedBy)}`;
  return replacedBy === undefined ? lastingText(decision.until, nowMs) : `replaced by ${shown(replacedBy)}`;
}

/** Who decided, when, and why. */
function accountLines(decision: DecisionMade): readonly string[] {
  const { origin, scenario, scenarioVersion = 1, by = 'an operator', reason, at, roles, id, standing, held } = decision;
  const maker = origin === 'operator' ? shown(by) : `${shown(scenario)} version ${scenarioVersion}`;
  const { score, threshold } = decision;
  const hasScore = score !== undefined && threshold !== undefined;
  return [
    `  decided ${time(at)} UTC by ${maker}, for ${roles.join(', ')}; id ${shown(id)}`,
    `  because ${decision.scope === 'ip' && origin === 'analyzer' ? 'it ' : ''}${shown(reason)}`,
    ...(held === undefined ? [] : [`  milder than its score asks for: ${shown(held)}`]),
    ...(hasScore
      ? [`  score ${points(score)}, threshold ${points(threshold)}; standing ${shown(standing ?? 'stranger')}`]
      : []),
    ...Object.entries(decision.facts ?? {}).map(([name, number]) => `  ${shown(name)}: ${number}`),
  ];
}

/** One contribution: its weight, what it was, and the event behind it as far as it is kept. */
function contributionText({ sid, seq, at, weight, what }: Contribution, { evidence }: Why): string {
  const event = evidence[sid ?? '']?.find((each) => 'seq' in each && each.seq === seq);
  const sign = weight < 0 ? '-' : '+';
  const told = event === undefined ? `${time(at)} (the event is not kept any more)` : formatEvent(event, false);
  return `${sign}${points(Math.abs(weight))} ${shown(what)}: ${told}`;
}

/** What the gate itself refused in a session, whoever decided nothing. */
function refusalLines(session: readonly MailEvent[]): readonly string[] {
  const rules = new Set(
    session.flatMap((event) =>
      event.type === 'command' && event.verdict.action !== 'accept' && event.verdict.rule !== undefined
        ? [event.verdict.rule]
        : [],
    ),
  );
  return [...rules].map(
    (rule) =>
      `  Rule ${shown(rule)} objected: docs/rules.md says when, policy.modes turns it off where that is possible.`,
  );
}

import type { DecisionEvent } from '../../events/decision.ts';
import { canonicalAddress, sourceKey } from '../../lib/ip.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { Parameters } from '../../store/database.ts';
import { decisionsOfRows } from '../../store/decision-rows.ts';
import type { History, HistoryFault, Table } from '../../store/history.ts';
import { beforeLogParameters, type LogStart } from '../../store/log-start.ts';
import { DECISIONS_PAGE, decisionsQuery, heldQuery, rulesQuery, totalsQuery } from '../../store/report-queries.ts';
import { Progress } from '../io/progress.ts';
import { type HeldSums, SOURCES_MAX, type Sums } from './report.ts';

const DAY_MS = 86_400_000;
/** Steps that a period is asked in, at most: one step has to end within the time that a query has. */
export const STEPS_MAX = 45;
/** The engine's clocks end in 2106. */
const END_MS = 4_294_967_295_000;

/** What is asked for. */
export interface PastPeriod {
  readonly sinceMs: number;
  readonly nowMs: number;
  /** Where each partition of the log begins: what is in it is not asked for. */
  readonly starts: readonly LogStart[];
}

/** Decisions of one partition that count since then and are not in the log, in their order. */
export async function* decisionsBefore(
  history: History,
  { sinceMs, starts }: Omit<PastPeriod, 'nowMs'>,
  partition: number,
): AsyncGenerator<Result<readonly DecisionEvent[], HistoryFault>> {
  let behind: Parameters = { offset: -1, type: '', id: '' };
  for (;;) {
    const parameters = { ...beforeLogParameters(starts), since: sinceMs, partition, ...behind };
    const page = await history.ask(decisionsQuery, parameters);
    yield page.ok ? ok(decisionsOfRows(page.value)) : page;
    if (!page.ok || page.value.rows.length < DECISIONS_PAGE) return;
    const last = (name: string): string => String(page.value.rows.at(-1)?.[columnOf(page.value, name)]);
    behind = { offset: Number(last('logOffset')), type: last('type'), id: last('id') };
  }
}

/** The sums of what is not in the log, step by step. */
export async function* sumsBefore(history: History, period: PastPeriod): AsyncGenerator<Result<Sums, HistoryFault>> {
  using progress = new Progress('reading the history');
  const steps = stepsOf(period);
  progress.expect(steps.length);
  for (const { from, to } of steps) {
    const sums = await sumsOf(history, { ...beforeLogParameters(period.starts), since: period.sinceMs, from, to });
    yield sums;
    if (!sums.ok) return;
    progress.advance(1);
  }
}

interface Step {
  readonly from: number;
  readonly to: number;
}

/** Whole days, a few at a time; the last step takes in what is of tomorrow by clocks that are wrong. */
export function stepsOf({ sinceMs, nowMs }: Omit<PastPeriod, 'starts'>): readonly Step[] {
  const dayCount = Math.ceil((nowMs - sinceMs) / DAY_MS / STEPS_MAX);
  const steps: Step[] = [];
  for (let from = sinceMs; from < nowMs; ) {
    const to = (Math.floor(from / DAY_MS) + Math.max(1, dayCount)) * DAY_MS;
    steps.push({ from, to });
    from = to;
  }
  return [...steps, { from: steps.at(-1)?.to ?? sinceMs, to: END_MS }];
}

async function sumsOf(history: History, parameters: Parameters): Promise<Result<Sums, HistoryFault>> {
  const totals = await history.ask(totalsQuery, parameters);
  if (!totals.ok) return totals;
  const [sessions = 0, acceptedMail = 0, latestMs = 0] = (totals.value.rows[0] ?? []).map(Number);
  if (latestMs === 0) return ok({ sessions, acceptedMail, latestMs, rules: [], held: [] });
  const rules = await history.ask(rulesQuery, parameters);
  if (!rules.ok) return rules;
  const held = await history.ask(heldQuery(SOURCES_MAX), parameters);
  if (!held.ok) return held;
  return ok({
    sessions,
    acceptedMail,
    latestMs,
    rules: rules.value.rows.map(([rule, refused, observed]) => ({
      rule: String(rule),
      refused: Number(refused),
      observed: Number(observed),
    })),
    held: held.value.rows.map(heldOf),
  });
}

const heldOf = ([scenario, sessions, acceptedMail, sources]: readonly unknown[]): HeldSums => ({
  scenario: String(scenario),
  sessions: Number(sessions),
  acceptedMail: Number(acceptedMail),
  sources: (Array.isArray(sources) ? sources : []).map(([address, count]: readonly unknown[]) => ({
    source: sourceKey(canonicalAddress(String(address)) ?? String(address)),
    acceptedMail: Number(count),
  })),
});

const columnOf = ({ columns }: Table, wanted: string): number => columns.findIndex(({ name }) => name === wanted);

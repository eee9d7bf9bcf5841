import { decodeDecision, decodeEvent } from '../../events/codec.ts';
import type { DecisionEvent } from '../../events/decision.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { EventLog } from '../../log/event-log.ts';
import type { History, HistoryFault } from '../../store/history.ts';
import type { LogStart } from '../../store/log-start.ts';
import { pagesOf, partitionsIn } from '../io/log-pages.ts';
import { Progress } from '../io/progress.ts';
import { beginningOf, type Coverage, coveredByBoth, coveredByLog, type LogReach, reachOf } from '../store/coverage.ts';
import type { ModesInUse } from '../watch/modes-in-use.ts';
import { decisionsBefore, sumsBefore } from './history-sums.ts';
import { Report, type Summary } from './report.ts';

/** The log is in the order of time, but for so much: events wait in the gate while the log is away. Milliseconds. */
const DISORDER_MS = 600_000;
/** No decision of an analyzer lasts longer: a week, and an eighth of it. Milliseconds. */
const DECISION_MS_MAX = 8 * 86_400_000;

/** What `postern report` says. */
export interface CoveredSummary extends Summary {
  readonly coverage: Coverage;
}

/** What a report is about. */
export interface ReportQuestion {
  readonly sinceMs: number;
  readonly nowMs: number;
  readonly modes: ModesInUse;
}

/**
 * Adds up what happened since a time: from the log, and from the history where the log does not reach back so far. Where the history
 * cannot be asked the log answers alone.
 */
export async function gatherReport(log: EventLog, history: History, question: ReportQuestion): Promise<CoveredSummary> {
  const { sinceMs, nowMs } = question;
  const reach = await reachOf(log, 'postern.events');
  if (reachesBack(reach, sinceMs - DISORDER_MS) && (await hasDecisionsSince(log, sinceMs)))
    return { ...(await summaryOfLog(log, question)), coverage: { fromMs: sinceMs, source: 'log' } };
  const both = await summaryOfBoth(log, history, question);
  if (!both.ok) {
    const coverage = coveredByLog(reach, both.error, nowMs);
    return { ...(await summaryOfLog(log, question)), coverage: since(coverage, sinceMs) };
  }
  const coverage = since(coveredByBoth(reach, both.value.beginningMs, nowMs), sinceMs);
  const isMissing = reach.isTrimmed && coverage.fromMs > sinceMs;
  return {
    ...both.value.summary,
    coverage: isMissing ? { ...coverage, note: 'Nothing older is kept.' } : coverage,
  };
}

const reachesBack = ({ fromMs }: LogReach, toMs: number): boolean => fromMs !== undefined && fromMs <= toMs;

/** Those that were made before and held longer count as well. */
async function hasDecisionsSince(log: EventLog, sinceMs: number): Promise<boolean> {
  const reach = await reachOf(log, 'postern.decisions');
  return !reach.isTrimmed || reachesBack(reach, sinceMs - DECISION_MS_MAX);
}

const since = (coverage: Coverage, sinceMs: number): Coverage => ({
  ...coverage,
  fromMs: Math.max(sinceMs, coverage.fromMs),
});

async function summaryOfLog(log: EventLog, { sinceMs, nowMs, modes }: ReportQuestion): Promise<Summary> {
  const report = new Report(sinceMs, modes);
  for (const partition of partitionsIn(log)) {
    const { decisions } = await decisionsOf(log, partition, nowMs);
    for (const decision of decisions) report.addDecision(decision);
  }
  await addEvents(log, report, nowMs);
  return report.summary();
}

interface Both {
  readonly summary: Summary;
  readonly beginningMs: number | undefined;
}

/** Decisions first, those of the history before those of the log; then the log's events, which say what is left for the history. */
async function summaryOfBoth(
  log: EventLog,
  history: History,
  { sinceMs, nowMs, modes }: ReportQuestion,
): Promise<Result<Both, HistoryFault>> {
  const beginning = await beginningOf(history);
  if (!beginning.ok) return beginning;
  const report = new Report(sinceMs, modes);
  for (const partition of partitionsIn(log)) {
    const { decisions, start } = await decisionsOf(log, partition, nowMs);
    const starts = partitionsIn(log).map((each) => (each === partition ? start : nothingBefore));
    for await (const page of decisionsBefore(history, { sinceMs, starts }, partition)) {
      if (!page.ok) return page;
      for (const decision of page.value) report.addDecision(decision);
    }
    for (const decision of decisions) report.addDecision(decision);
  }
  const starts = await addEvents(log, report, nowMs);
  for await (const sums of sumsBefore(history, { sinceMs, nowMs, starts })) {
    if (!sums.ok) return sums;
    report.addSums(sums.value);
  }
  return ok({ summary: report.summary(), beginningMs: beginning.value });
}

const nothingBefore: LogStart = { first: 0, earliestMs: 0 };

/** Decisions of one partition of the log, and where it begins. */
async function decisionsOf(
  log: EventLog,
  partition: number,
  nowMs: number,
): Promise<{ readonly decisions: readonly DecisionEvent[]; readonly start: LogStart }> {
  using progress = new Progress('reading the decisions');
  const decisions: DecisionEvent[] = [];
  const start = await readAll({ log, stream: 'postern.decisions', partition, nowMs, progress }, (payload) => {
    const decision = decodeDecision(payload);
    if (!decision.ok) return undefined;
    decisions.push(decision.value);
    return decision.value.at;
  });
  return { decisions, start };
}

/** @returns Where each partition of the log begins. */
async function addEvents(log: EventLog, report: Report, nowMs: number): Promise<readonly LogStart[]> {
  using progress = new Progress('reading the events');
  const starts: LogStart[] = [];
  for (const partition of partitionsIn(log)) {
    const place = { log, stream: 'postern.events', partition, nowMs, progress } as const;
    starts.push(
      await readAll(place, (payload) => {
        const event = decodeEvent(payload);
        if (!event.ok) return undefined;
        // A control event is in every partition, and counts in the first.
        if (partition === 0 || 'ip' in event.value) report.addEvent(event.value);
        return event.value.at;
      }),
    );
  }
  return starts;
}

interface Reading {
  readonly log: EventLog;
  readonly stream: 'postern.events' | 'postern.decisions';
  readonly partition: number;
  readonly nowMs: number;
  readonly progress: Progress;
}

/** Reads one partition. @param see - Takes a line; its time, if it could be read. */
async function readAll(
  { log, stream, partition, nowMs, progress }: Reading,
  see: (payload: string) => number | undefined,
): Promise<LogStart> {
  const { next } = await log.bounds(stream, partition);
  let first: number | undefined;
  // Of a log that was lost everything is older than now; what comes into this one from now on is not counted.
  let earliestMs = nowMs;
  for await (const records of pagesOf(log, stream, partition, progress)) {
    first ??= records[0]?.offset;
    for (const { payload } of records) earliestMs = Math.min(earliestMs, see(payload) ?? earliestMs);
  }
  return { first: first ?? next, earliestMs };
}

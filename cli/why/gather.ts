import { decodeEvent } from '../../events/codec.ts';
import { type DecisionEvent, decisionKey } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import { haveCommon, networkKey, parseAddress, parsePrefix, sourceKey } from '../../lib/ip.ts';
import type { EventLog } from '../../log/event-log.ts';
import { partitionOf } from '../../log/partition.ts';
import { mergedEvents } from '../../store/event-rows.ts';
import type { History } from '../../store/history.ts';
import type { Why, WhyDecision } from '../format/why.ts';
import { pagesOf, partitionsIn } from '../io/log-pages.ts';
import { Progress } from '../io/progress.ts';
import { decisionsIn } from '../io/read-decisions.ts';
import { type Coverage, coveredByBoth, coveredByLog, reachOf } from '../store/coverage.ts';
import type { ModesInUse } from '../watch/modes-in-use.ts';
import { Recollection } from './recollection.ts';
import type { Subject } from './subject.ts';

/** Sessions of a source that are shown, at most: the last ones. */
export const SESSIONS_SHOWN_MAX = 5;
/** Events kept of one session, at most: the first ones. */
export const EVENTS_OF_SESSION_MAX = 500;
/** Sessions with evidence that are looked for in the history, at most: those of the last decisions. */
export const EVIDENCE_SESSIONS_MAX = 100;

/** Where it is looked for. */
interface Sources {
  readonly log: EventLog;
  readonly past: Recollection;
}

/** Gathers what is known about a refusal, a source or a decision: from the log, and from the history what the log has no more. */
export async function gatherWhy(
  { log, history }: { readonly log: EventLog; readonly history: History },
  subject: Subject,
  { source: modes, isObserved }: ModesInUse,
  nowMs: number,
): Promise<Why> {
  const sources: Sources = { log, past: new Recollection(history) };
  const asked = subject.kind === 'session' ? await sessionOf(sources, subject.sid) : [];
  const source = subject.kind === 'source' ? subject.value : ipOf(asked);
  const decisions = await decisionsAbout(sources, subject, source, isObserved);
  const ip = source ?? decisions[0]?.decision.value;
  const evidence = await evidenceOf(sources, decisions, ip);
  const sessions = asked.length > 0 ? [asked] : ip === undefined ? [] : await lastSessions(sources, ip);
  return {
    subject: nameOf(subject),
    modes,
    ...(ip === undefined ? {} : { ip }),
    decisions,
    evidence: Object.fromEntries(evidence),
    sessions,
    coverage: await coverageOf(sources, nowMs),
  };
}

async function coverageOf({ log, past }: Sources, nowMs: number): Promise<Coverage> {
  const reach = await reachOf(log, 'postern.events');
  const beginningMs = await past.beginningMs();
  return past.fault === undefined ? coveredByBoth(reach, beginningMs, nowMs) : coveredByLog(reach, past.fault, nowMs);
}

const nameOf = (subject: Subject): string =>
  subject.kind === 'source' ? subject.value : subject.kind === 'session' ? subject.sid : subject.id;

const sessionOf = async (sources: Sources, sid: string): Promise<readonly MailEvent[]> =>
  (await eventsOf(sources, [sid], undefined)).get(sid) ?? [];

async function decisionsAbout(
  sources: Sources,
  subject: Subject,
  source: string | undefined,
  isObserved: ModesInUse['isObserved'],
): Promise<readonly WhyDecision[]> {
  const made: WhyDecision[] = [];
  const revokedBy = new Map<string, string>();
  for (const decision of await linesAbout(sources, subject, source)) {
    if (decision.type === 'decision-made') made.push({ decision, isObserved: isObserved(decision) });
    else revokedBy.set(decision.id, `${decision.by}: ${decision.reason}`);
  }
  const last = new Map(made.map(({ decision }) => [decisionKey(decision), decision.id]));
  return made
    .map((each) => {
      const { id } = each.decision;
      const by = revokedBy.get(id);
      const replacedBy = last.get(decisionKey(each.decision));
      if (by !== undefined) return { ...each, revokedBy: by };
      return replacedBy === undefined || replacedBy === id ? each : { ...each, replacedBy };
    })
    .sort(({ decision: a }, { decision: b }) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** Decisions and what took them back, each key in its order: what the log has no more is older than what it has. */
async function linesAbout(
  { log, past }: Sources,
  subject: Subject,
  source: string | undefined,
): Promise<readonly DecisionEvent[]> {
  const isMeant = ({ id, value }: DecisionEvent): boolean =>
    subject.kind === 'decision' ? id === subject.id : source !== undefined && isAround(value, source);
  const logged: DecisionEvent[] = [];
  for await (const decision of decisionsIn(log)) if (isMeant(decision)) logged.push(decision);
  const range = source === undefined ? undefined : parsePrefix(source);
  const kept =
    subject.kind === 'decision'
      ? await past.decision(subject.id)
      : range === undefined
        ? []
        : await past.decisionsAbout(range);
  const known = new Set(logged.map(lineOf));
  return [...kept.filter((decision) => !known.has(lineOf(decision))), ...logged];
}

/** Tells a line of the stream from all others. */
const lineOf = ({ type, id, at }: DecisionEvent): string => `${type} ${id} ${at}`;

async function evidenceOf(
  sources: Sources,
  decisions: readonly WhyDecision[],
  ip: string | undefined,
): Promise<ReadonlyMap<string, readonly MailEvent[]>> {
  const contributions = decisions.flatMap(({ decision }) => [...(decision.ledger ?? []), ...(decision.counter ?? [])]);
  return eventsOf(sources, [...new Set(contributions.flatMap(({ sid }) => sid ?? []))], ip);
}

const ipOf = (events: readonly MailEvent[]): string | undefined =>
  events.map((event) => ('ip' in event ? event.ip : undefined)).find((ip) => ip !== undefined);

/** The decision is about the address, or about a range around it, or about a part of the range that was asked for. */
function isAround(value: string, ip: string): boolean {
  const one = parsePrefix(value);
  const other = parsePrefix(ip);
  return one === undefined || other === undefined ? value === ip : haveCommon(one, other);
}

/**
 * Events of these sessions, by session. `ip`: of all of them, if it is known: then one partition has them. The history is asked for
 * sessions whose beginning the log does not have.
 */
async function eventsOf(
  { log, past }: Sources,
  sids: readonly string[],
  ip: string | undefined,
): Promise<Map<string, readonly MailEvent[]>> {
  if (sids.length === 0) return new Map();
  const found = await loggedEventsOf(log, new Set(sids), ip);
  const lacking = sids.filter((sid) => !hasBeginning(found.get(sid) ?? [])).slice(-EVIDENCE_SESSIONS_MAX);
  for (const sid of lacking) {
    const events = mergedEvents(await past.session(sid), found.get(sid) ?? []);
    if (events.length > 0) found.set(sid, events.slice(0, EVENTS_OF_SESSION_MAX));
  }
  return found;
}

const hasBeginning = (events: readonly MailEvent[]): boolean =>
  events.some((event) => 'seq' in event && event.seq === 0);

async function loggedEventsOf(
  log: EventLog,
  sids: ReadonlySet<string>,
  ip: string | undefined,
): Promise<Map<string, readonly MailEvent[]>> {
  const found = new Map<string, MailEvent[]>();
  await scan(log, ip, (payload) => {
    const sid = sidIn(payload);
    if (sid === undefined || !sids.has(sid)) return;
    const event = decodeEvent(payload);
    const events = found.get(sid) ?? [];
    if (event.ok && events.length < EVENTS_OF_SESSION_MAX) events.push(event.value);
    found.set(sid, events);
  });
  return new Map<string, readonly MailEvent[]>(found);
}

/** The last sessions of a source, the newest last. */
async function lastSessions(sources: Sources, ip: string): Promise<readonly (readonly MailEvent[])[]> {
  const logged = await lastLoggedSessions(sources.log, ip);
  const missing = SESSIONS_SHOWN_MAX - logged.size;
  const range = parsePrefix(sourceKey(ip.split('/')[0] ?? ip));
  if (missing === 0 || range === undefined) return [...logged.values()];
  const older = await sources.past.lastSessions(range, [...logged.keys()], missing);
  const events = await eventsOf(sources, older, ip);
  return [...older.flatMap((sid) => [events.get(sid) ?? []]), ...logged.values()].filter(({ length }) => length > 0);
}

async function lastLoggedSessions(log: EventLog, ip: string): Promise<ReadonlyMap<string, readonly MailEvent[]>> {
  const source = sourceKey(ip.split('/')[0] ?? ip);
  const sessions = new Map<string, MailEvent[]>();
  await scan(log, ip, (payload) => {
    const sid = sidIn(payload);
    if (sid === undefined) return;
    const known = sessions.get(sid);
    if (known === undefined && !payload.includes('"type":"session-opened"')) return;
    const event = decodeEvent(payload);
    if (!event.ok || !('ip' in event.value) || sourceKey(event.value.ip) !== source) return;
    if (known !== undefined) {
      if (known.length < EVENTS_OF_SESSION_MAX) known.push(event.value);
      return;
    }
    sessions.set(sid, [event.value]);
    if (sessions.size <= SESSIONS_SHOWN_MAX) return;
    for (const oldest of sessions.keys()) {
      sessions.delete(oldest);
      return;
    }
  });
  return sessions;
}

async function scan(log: EventLog, ip: string | undefined, see: (payload: string) => void): Promise<void> {
  using progress = new Progress('reading the events');
  const isOne = ip !== undefined && parseAddress(ip.split('/')[0] ?? '') !== undefined;
  const partitions = isOne ? [partitionOf(networkKey(ip.split('/')[0] ?? ip), log.partitionCount)] : partitionsIn(log);
  for (const partition of partitions) {
    for await (const records of pagesOf(log, 'postern.events', partition, progress)) {
      for (const { payload } of records) see(payload);
    }
  }
}

/** The session of a line, without reading the rest of it. */
const sidIn = (payload: string): string | undefined => /"sid":"([0-9a-f-]{36})"/.exec(payload)?.[1];

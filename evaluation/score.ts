import type { MailEvent } from '../events/event.ts';
import { sourceKey } from '../lib/ip.ts';
import { type Defender, type Met, passed } from './defenders/defender.ts';
import type { Planned, TrafficScenario } from './traffic/actor.ts';
import { played } from './traffic/merge.ts';
import { sessionsOf } from './traffic/traffic.ts';
import type { World } from './traffic/world.ts';

/** What became of legitimate messages. */
export interface MessageCounts {
  messages: number;
  /** In sessions that were slow from their start. */
  messagesSlowed: number;
  /** In sessions whose AUTH, with the right password, had to wait. */
  messagesHeld: number;
  messagesDeferred: number;
  messagesRefused: number;
}

/** What became of the traffic of one scenario under one defender; legitimate messages from the first attack on. */
export interface Score extends MessageCounts {
  readonly scenario: string;
  sessions: number;
  /** Sessions that were deferred or refused at their start. */
  stopped: number;
  refused: number;
  slowed: number;
  readonly sources: number;
  /** Sources that were deferred or refused at least once. */
  readonly sourcesStopped: number;
  /** Offences of the first source until it was slowed down, and until it was stopped; undefined: never. */
  readonly untilSlowed: number | undefined;
  readonly untilStopped: number | undefined;
  /** Sessions of the whole scenario until a site-wide alarm; undefined: none came. */
  readonly untilAlarm: number | undefined;
  /** The same in seconds: from the first offence of the first source, and from the first session to the alarm. */
  readonly secondsUntilSlowed: number | undefined;
  readonly secondsUntilStopped: number | undefined;
  readonly secondsUntilAlarm: number | undefined;
  /** What got through all the same: passwords tried, and forward-paths answered (whether they exist, or are relayed). */
  answersGiven: number;
  /** Sources that were slowed, deferred or refused at least once. */
  readonly sourcesDecided: number;
  /** Sessions that came after the alarm, and those of them that were slowed, stopped, or had a command held or deferred. */
  sessionsAfterAlarm: number;
  hinderedAfterAlarm: number;
  /** Of the time before, in which a new installation gets to know everybody. */
  readonly warmUp: MessageCounts;
}

type Settled = 'sources' | 'sourcesStopped' | 'sourcesDecided';

type Open<T> = { -readonly [K in keyof T]: T[K] };

interface Tally extends Open<Omit<Score, Settled>> {
  readonly seen: Set<string>;
  readonly stoppedSources: Set<string>;
  readonly decidedSources: Set<string>;
  firstSource: string | undefined;
  readonly begunMs: number;
  /** When the warm-up is over, milliseconds. */
  readonly testMs: number;
  offendedMs: number | undefined;
  offences: number;
  alarmsBefore: number;
}

/** Plays the traffic of scenarios against a defender, who keeps out whom he keeps out, and adds up what came of it. */
export function scoresOf(
  world: World,
  scenarios: readonly TrafficScenario[],
  defender: Defender,
  seed: number,
): { readonly scores: readonly Score[]; readonly eventCount: number } {
  const tallies = new Map<string, Tally>();
  let eventCount = 0;
  const hindrance = new Hindrance();
  const opens = (planned: Planned): boolean =>
    open(tallyOf(tallies, planned, defender, world), planned, defender, hindrance);
  for (const [planned, wanted] of played(sessionsOf(world, scenarios, seed), opens)) {
    if (isCut(planned, wanted, defender) || hindrance.isOver(planned, wanted)) continue;
    eventCount += 1;
    const tally = tallyOf(tallies, planned, defender, world);
    const met = defender.meet?.(wanted) ?? passed(wanted);
    const { event } = met;
    if (met.how !== 'passed') hindrance.touches(tally, planned, wanted, met.how);
    const isFirstSource = sourceKey(planned.ip) === tally.firstSource;
    if (isFirstSource && offends(event)) {
      tally.offences += 1;
      tally.offendedMs ??= event.at;
    }
    if (met.how !== 'deferred' && givesAnswer(event)) tally.answersGiven += 1;
    defender.see(event);
    noteReaction(tally, planned, event, defender, isFirstSource);
    if (tally.untilAlarm === undefined && alarmsOf(defender, tally.scenario) > tally.alarmsBefore) {
      tally.untilAlarm = tally.sessions;
      tally.secondsUntilAlarm = (event.at - tally.begunMs) / 1000;
    }
  }
  const scores = [...tallies.values()].map(({ seen, stoppedSources, decidedSources, testMs: _testMs, ...rest }) => ({
    ...rest,
    sourcesDecided: decidedSources.size,
    sources: seen.size,
    sourcesStopped: stoppedSources.size,
  }));
  return { scores, eventCount };
}

const noMessages: MessageCounts = {
  messages: 0,
  messagesSlowed: 0,
  messagesHeld: 0,
  messagesDeferred: 0,
  messagesRefused: 0,
};

function tallyOf(tallies: Map<string, Tally>, { label, atMs }: Planned, defender: Defender, { span }: World): Tally {
  const known = tallies.get(label.scenario);
  if (known !== undefined) return known;
  const begun: Tally = {
    ...noMessages,
    warmUp: { ...noMessages },
    scenario: label.scenario,
    sessions: 0,
    stopped: 0,
    refused: 0,
    slowed: 0,
    sessionsAfterAlarm: 0,
    hinderedAfterAlarm: 0,
    answersGiven: 0,
    begunMs: atMs,
    testMs: span.attacksMs,
    offendedMs: undefined,
    decidedSources: new Set(),
    secondsUntilSlowed: undefined,
    secondsUntilStopped: undefined,
    secondsUntilAlarm: undefined,
    seen: new Set(),
    stoppedSources: new Set(),
    firstSource: undefined,
    offences: 0,
    untilSlowed: undefined,
    untilStopped: undefined,
    untilAlarm: undefined,
    alarmsBefore: alarmsOf(defender, label.scenario),
  };
  tallies.set(label.scenario, begun);
  return begun;
}

const countsFor = (tally: Tally, { atMs }: Planned): MessageCounts => (atMs < tally.testMs ? tally.warmUp : tally);

/** Which alarms are about which attack. */
const alarmsAbout: Readonly<Record<string, string>> = {
  A7: 'recipient-harvest',
  A13: 'auth-guessing',
  A14: 'auth-guessing',
  A15: 'auth-guessing',
  A18: 'range-campaign',
  A19: 'bounce-flood',
  A20: 'bounce-flood',
  A22: 'held-session-release',
  A24: 'connection-flood',
  A25: 'slow-session',
  A28: 'range-campaign',
  A29: 'range-campaign',
  A34: 'recipient-harvest',
  A35: 'bounce-flood',
  A36: 'bounce-flood',
};

const alarmsOf = ({ alarms }: Defender, scenario: string): number => alarms.get(alarmsAbout[scenario] ?? '') ?? 0;

/** A session begins: does the defender let it in? */
function open(tally: Tally, planned: Planned, defender: Defender, hindrance: Hindrance): boolean {
  const source = sourceKey(planned.ip);
  const verdict = defender.verdict(planned.ip, roleOf(planned), planned.atMs);
  tally.firstSource ??= source;
  tally.sessions += 1;
  tally.seen.add(source);
  const counts = countsFor(tally, planned);
  counts.messages += planned.messageCount;
  hindrance.begins(tally, planned);
  if (verdict !== 'pass') {
    tally.decidedSources.add(source);
    hindrance.hinders(tally, planned);
  }
  if (verdict === 'slow') {
    tally.slowed += 1;
    counts.messagesSlowed += planned.messageCount;
  }
  if (verdict !== 'defer' && verdict !== 'refuse') return true;
  tally.stopped += 1;
  tally.stoppedSources.add(source);
  if (verdict === 'refuse') {
    tally.refused += 1;
    counts.messagesRefused += planned.messageCount;
  } else counts.messagesDeferred += planned.messageCount;
  return false;
}

/** Scenarios of users come in by the port for users. */
const submissions: ReadonlySet<string> = new Set([
  ...['A10', 'A11', 'A12', 'A13', 'A14', 'A15'],
  ...['B9', 'B10', 'B11', 'B13', 'B26'],
]);
const roleOf = ({ label }: Planned) => (submissions.has(label.scenario) ? 'submission' : 'mx');

/** What the gate does to sessions, from their start or to single commands of them. */
class Hindrance {
  /** Came after the alarm about their scenario, and nobody minded so far. */
  private readonly unhindered = new WeakSet<Planned>();
  private readonly over = new WeakSet<Planned>();

  begins(tally: Tally, planned: Planned): void {
    if (tally.untilAlarm === undefined) return;
    tally.sessionsAfterAlarm += 1;
    this.unhindered.add(planned);
  }

  hinders(tally: Tally, planned: Planned): void {
    if (this.unhindered.delete(planned)) tally.hinderedAfterAlarm += 1;
  }

  /** Whoever could not authenticate leaves: what he would have done after it is not there. */
  isOver(planned: Planned, wanted: MailEvent): boolean {
    return this.over.has(planned) && wanted.type !== 'session-closed' && !isAuth(wanted);
  }

  /** A command was held or deferred. */
  touches(tally: Tally, planned: Planned, wanted: MailEvent, how: Met['how']): void {
    this.hinders(tally, planned);
    if (wanted.type !== 'auth-attempt') return;
    if (how === 'deferred') this.over.add(planned);
    // A wrong password brings no mail, however it is answered.
    if (wanted.outcome !== 'accepted') return;
    const counts = countsFor(tally, planned);
    if (how === 'deferred') counts.messagesDeferred += planned.messageCount;
    else counts.messagesHeld += planned.messageCount;
  }
}

const isAuth = (event: MailEvent): boolean => event.type === 'command' && event.verb === 'AUTH';

/** The source was stopped while the session lived: what comes after is not there any more, but for the end of it. */
function isCut(planned: Planned, event: MailEvent, defender: Defender): boolean {
  if (event.type === 'session-closed' || event.type === 'mail') return false;
  const verdict = defender.verdict(planned.ip, roleOf(planned), event.at);
  return verdict === 'defer' || verdict === 'refuse';
}

function noteReaction(tally: Tally, planned: Planned, event: MailEvent, defender: Defender, isFirst: boolean): void {
  const verdict = defender.verdict(planned.ip, roleOf(planned), event.at + 1);
  if (verdict === 'pass') return;
  tally.decidedSources.add(sourceKey(planned.ip));
  if (!isFirst) return;
  const seconds = (event.at - (tally.offendedMs ?? event.at)) / 1000;
  tally.untilSlowed ??= tally.offences;
  tally.secondsUntilSlowed ??= seconds;
  if (verdict === 'slow') return;
  tally.untilStopped ??= tally.offences;
  tally.secondsUntilStopped ??= seconds;
}

const givesAnswer = (event: MailEvent): boolean =>
  event.type === 'auth-attempt' || (event.type === 'command' && event.verb === 'RCPT' && event.reply !== undefined);

/** Something that an attacker does and an honest client seldom. */
const offends = (event: MailEvent): boolean =>
  (event.type === 'command' && event.verb !== 'AUTH' && (event.reply?.code ?? 0) >= 500) ||
  (event.type === 'auth-attempt' && event.outcome !== 'accepted') ||
  (event.type === 'command' && (event.verb === 'VRFY' || event.verb === 'EXPN' || event.verb === 'NOOP')) ||
  event.type === 'anomaly' ||
  event.type === 'session-progress' ||
  (event.type === 'session-closed' && event.commandCount === 0);

import type { EventByType, MailEvent } from '../../events/event.ts';
import type { Sent } from './actor.ts';
import type { Delivery } from './mail-store.ts';
import type { StoryLine } from './story.ts';
import type { Tally, Told } from './tally.ts';

/** What there is to judge of one source. */
export interface Traces {
  readonly events: readonly MailEvent[];
  readonly deliveries: readonly Delivery[];
  readonly sent: readonly Sent[];
  /** Its mail passed the gate, so the log knows of it. */
  readonly throughGate: boolean;
  /** What went wrong with the actor itself. */
  readonly faults: readonly string[];
}

export interface Judged {
  readonly line: StoryLine;
  readonly came: Tally;
  readonly asTold: boolean;
  readonly deliveries: readonly JudgedDelivery[];
}

/** One message that the server behind holds. */
export interface JudgedDelivery extends Delivery {
  /** To the octet what was sent. */
  readonly isEqual: boolean;
}

/** Compares one line of the story with what came out of it. */
export function judge(line: StoryLine, traces: Traces): Judged {
  const deliveries = traces.deliveries.map((delivery) => ({ ...delivery, isEqual: isSent(delivery, traces.sent) }));
  const came = tallyOf(traces, deliveries);
  return { line, came, asTold: isAsTold(line.told, came), deliveries };
}

const isSent = ({ octets, sha256 }: Sent, sent: readonly Sent[]): boolean =>
  sent.some((each) => each.octets === octets && each.sha256 === sha256);

function isAsTold(told: Told, came: Tally): boolean {
  const keys = new Set([...Object.keys(told), ...Object.keys(came)]);
  return [...keys].every((key) => {
    const expected = told[key] ?? 0;
    const [least, most] = typeof expected === 'number' ? [expected, expected] : expected;
    const count = came[key] ?? 0;
    return count >= least && count <= most;
  });
}

function tallyOf(traces: Traces, deliveries: readonly JudgedDelivery[]): Tally {
  const { events, throughGate, faults } = traces;
  const counts = new Map<string, number>();
  const note = (key: string, count = 1): void => {
    if (count > 0) counts.set(key, (counts.get(key) ?? 0) + count);
  };
  for (const event of events) {
    const key = keyOf(event);
    if (key !== undefined) note(key, event.type === 'refusals' ? event.count : 1);
  }
  const equal = deliveries.filter(({ isEqual }) => isEqual);
  note('delivered', equal.length);
  note('never sent as such', deliveries.length - equal.length);
  if (throughGate) note('not in the log as delivered', unlogged(events, deliveries));
  for (const fault of faults) note(`actor failed: ${fault}`);
  return Object.fromEntries(counts);
}

/** How many messages the server behind and the log do not agree on. */
function unlogged(events: readonly MailEvent[], deliveries: readonly Delivery[]): number {
  const logged = events.filter((event) => event.type === 'mail').filter(({ outcome }) => outcome === 'accepted');
  const missing = deliveries.filter(
    ({ octets, sha256 }) => !logged.some((mail) => mail.octets === octets && mail.bodySha256 === sha256),
  );
  return Math.max(missing.length, Math.abs(logged.length - deliveries.length));
}

function keyOf(event: MailEvent): string | undefined {
  switch (event.type) {
    case 'command':
      return keyOfCommand(event);
    case 'session-closed':
      return event.rule === undefined ? undefined : `ended ${event.rule}`;
    case 'refusals':
      return `turned away ${event.rule}`;
    case 'auth-attempt':
      return `auth ${event.outcome}`;
    case 'tls-started':
      return event.leg === 'client' ? 'tls' : undefined;
    case 'tls-failed':
      return 'tls failed';
    case 'upstream-failed':
      return 'upstream failed';
    case 'anomaly':
      return `anomaly ${event.kind}`;
    default:
      return undefined;
  }
}

const pastTense = { refuse: 'refused', defer: 'deferred', slow: 'slowed' } as const;

function keyOfCommand({ verb, verdict, reply }: EventByType<'command'>): string | undefined {
  // What closed the session stands in its end.
  if (verdict.action === 'close') return undefined;
  if (verdict.action !== 'accept') return `${pastTense[verdict.action]} ${verdict.rule ?? 'no rule'}`;
  if (reply === undefined) return `unanswered ${verb}`;
  if (reply.code < 400) return undefined;
  return ['server', reply.code, reply.enhanced].filter((part) => part !== undefined).join(' ');
}

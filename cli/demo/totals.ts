import type { MailEvent, VerdictAction } from '../../events/event.ts';

type SessionEvent = Extract<MailEvent, { sid: string }>;

/** What the log holds after the story. */
export interface Totals {
  readonly events: number;
  readonly sessions: number;
  /** Sessions that the log holds from beginning to end, without a gap. */
  readonly wholeSessions: number;
  readonly commands: number;
  /** Verdicts on commands, by action. */
  readonly verdicts: Readonly<Partial<Record<VerdictAction, number>>>;
  /** Mail transactions that ended with a message in the server behind. */
  readonly mailAccepted: number;
}

/** Counts what the log holds. `events`: in the order of the log, at least within each session. */
export function totalsOf(events: readonly MailEvent[]): Totals {
  const sessions = Map.groupBy(events.filter(isOfSession), ({ sid }) => sid);
  const commands = events.filter((event) => event.type === 'command');
  const verdicts: Partial<Record<VerdictAction, number>> = {};
  for (const { verdict } of commands) verdicts[verdict.action] = (verdicts[verdict.action] ?? 0) + 1;
  return {
    events: events.length,
    sessions: sessions.size,
    wholeSessions: [...sessions.values()].filter(isWhole).length,
    commands: commands.length,
    verdicts,
    mailAccepted: events.filter((event) => event.type === 'mail' && event.outcome === 'accepted').length,
  };
}

const isOfSession = (event: MailEvent): event is SessionEvent => 'sid' in event;

/** From `session-opened` to `session-closed`, every event once and in its order, and as many commands as were counted. */
function isWhole(events: readonly SessionEvent[]): boolean {
  const last = events.at(-1);
  if (events[0]?.type !== 'session-opened' || last?.type !== 'session-closed') return false;
  const commandCount = events.filter(({ type }) => type === 'command').length;
  return events.every(({ seq }, index) => seq === index) && last.commandCount === commandCount;
}

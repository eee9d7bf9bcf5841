import type { EventByType, EventType, MailEvent } from './event.ts';

/** What is dropped first when a queue or the disk is nearly full, from the first to the last. */
export const priorities = ['low', 'normal', 'high'] as const;
export type Priority = (typeof priorities)[number];

/** Accepted commands with these verbs are of no mail transaction and no authentication. */
const outsideTransaction: ReadonlySet<string> = new Set(['EHLO', 'HELO', 'NOOP', 'RSET', 'QUIT', 'HELP', 'STARTTLS']);

/** The priority of every event but `command`: what a detector or a person can spare least is `high`. */
export const typePriorities: Readonly<Record<Exclude<EventType, 'command'>, Priority>> = {
  'session-progress': 'low',
  'session-opened': 'normal',
  'tls-started': 'normal',
  'auth-attempt': 'high',
  'tls-failed': 'high',
  'upstream-failed': 'high',
  mail: 'high',
  anomaly: 'high',
  'session-closed': 'high',
  refusals: 'high',
  'gate-started': 'high',
  'gate-stopped': 'high',
  'config-changed': 'high',
  'operator-acted': 'high',
  'breaker-changed': 'high',
  'log-gap': 'high',
};

/**
 * Low: an accepted command outside a mail transaction, and progress. Normal: other accepted commands, and what else went
 * well. High: everything else.
 */
export const priorityOf = (event: MailEvent): Priority =>
  event.type === 'command' ? commandPriority(event) : typePriorities[event.type];

function commandPriority({ verb, verdict, observed, reply }: EventByType<'command'>): Priority {
  const wentWell = verdict.action === 'accept' && observed === undefined && reply !== undefined && reply.code < 400;
  if (!wentWell) return 'high';
  return outsideTransaction.has(verb) ? 'low' : 'normal';
}

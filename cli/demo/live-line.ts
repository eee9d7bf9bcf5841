import type { EventByType, MailEvent } from '../../events/event.ts';
import type { Paint, Tone } from './paint.ts';

const SOURCE_WIDTH = 16;
const LISTENER_WIDTH = 12;
const WHAT_WIDTH = 62;
/** How often one and the same text is shown in one act; the rest is counted. */
export const SHOWN_MAX = 3;

interface Told {
  readonly what: string;
  readonly outcome: string;
  readonly tone: Tone;
}

/**
 * One event of the log as one line of the story; undefined for events that say little by themselves. Unlike the lines of
 * `postern tail` it has no time, reference or duration, so that what is alike reads alike and can be counted. What came from
 * the network is escaped in the event already.
 */
export function liveLine(event: MailEvent, paint: Paint): string | undefined {
  const told = tell(event);
  if (told === undefined) return undefined;
  const [ip, listener] = 'ip' in event ? [event.ip, event.listener] : [event.gate, ''];
  const who = `${ip.padEnd(SOURCE_WIDTH)} ${listener.padEnd(LISTENER_WIDTH)}`;
  return `  ${paint('quiet', who)} ${cut(told.what).padEnd(WHAT_WIDTH)} ${paint(told.tone, told.outcome)}`.trimEnd();
}

const cut = (text: string): string => (text.length <= WHAT_WIDTH ? text : `${text.slice(0, WHAT_WIDTH - 1)}…`);

function tell(event: MailEvent): Told | undefined {
  switch (event.type) {
    case 'command':
      return { what: commandText(event), ...answerText(event) };
    case 'tls-started':
      return event.leg === 'client'
        ? { what: `${event.version} ${event.cipher}`, outcome: 'encrypted', tone: 'good' }
        : undefined;
    case 'mail':
      return tellMail(event);
    case 'anomaly':
      return {
        what: `anomaly: ${[event.kind, event.note].filter(Boolean).join(', ')}`,
        outcome: event.severity,
        tone: 'odd',
      };
    case 'session-closed':
      return event.rule === undefined ? undefined : { what: 'session ended', outcome: `by ${event.rule}`, tone: 'odd' };
    case 'refusals':
      return { what: `${event.count} connections turned away`, outcome: `by ${event.rule}`, tone: 'odd' };
    case 'upstream-failed':
      return { what: 'the server behind cannot be used', outcome: event.reason, tone: 'bad' };
    case 'gate-started':
      return { what: 'gate started', outcome: '', tone: 'good' };
    case 'log-gap':
      return { what: 'events were dropped', outcome: event.reason, tone: 'bad' };
    default:
      return undefined;
  }
}

function commandText(event: EventByType<'command'>): string {
  const { verb, heloName, reversePath, forwardPath, mechanism, octets, argument, parameters = [] } = event;
  const paths = [reversePath, forwardPath].filter((path) => path !== undefined).map((path) => `<${path}>`);
  const words = parameters.map(([keyword, value]) => (value === undefined ? keyword : `${keyword}=${value}`));
  const size = octets === undefined ? undefined : `${octets} octets`;
  const parts = [verb, heloName, mechanism, ...paths, ...words, argument, size];
  return parts.filter((part) => part !== undefined).join(' ');
}

function answerText({ verdict, reply }: EventByType<'command'>): Omit<Told, 'what'> {
  const code = reply === undefined ? 'no reply' : [reply.code, reply.enhanced].filter(Boolean).join(' ');
  if (verdict.action !== 'accept') return { outcome: `${code} by ${verdict.rule ?? verdict.action}`, tone: 'bad' };
  if (reply !== undefined && reply.code >= 400) return { outcome: `${code} by the server behind`, tone: 'bad' };
  return { outcome: code, tone: reply === undefined ? 'odd' : 'good' };
}

function tellMail({ outcome, octets, acceptedCount, bodySha256 }: EventByType<'mail'>): Told {
  if (outcome !== 'accepted') return { what: 'mail transaction', outcome, tone: 'quiet' };
  const what = `mail of ${octets} octets for ${acceptedCount}, sha256 ${bodySha256?.slice(0, 12) ?? 'unknown'}`;
  return { what, outcome: 'delivered', tone: 'good' };
}

/** Counts texts, so that a flood does not flood the terminal. */
export class Repeats {
  readonly #counts = new Map<string, number>();

  /** Is this text to be shown? */
  shows(text: string): boolean {
    const count = (this.#counts.get(text) ?? 0) + 1;
    this.#counts.set(text, count);
    return count <= SHOWN_MAX;
  }

  /** Texts that came more often than they were shown, and how much more often; counting begins anew. */
  takeRest(): readonly { readonly text: string; readonly more: number }[] {
    const rest = [...this.#counts].map(([text, count]) => ({ text, more: count - SHOWN_MAX }));
    this.#counts.clear();
    return rest.filter(({ more }) => more > 0);
  }
}

import type { MailEvent } from '../events/event.ts';
import type { Parameters } from './route.ts';

/** Streams of events at once, of all browsers. */
export const STREAMS_MAX = 50;
/** Octets that wait for a browser that does not read; then it is dropped, and may come again. */
export const WAITING_OCTETS_MAX = 1_048_576;
/** How often something is said where nothing happens, so that nobody in between ends the connection, milliseconds. */
export const KEEP_ALIVE_MS = 15_000;

/** What a stream shows; what is absent does not matter. */
export interface EventChoice {
  readonly ip?: string;
  readonly rule?: string;
  readonly type?: string;
  /** Part of any text or number in the event, in small letters. */
  readonly text?: string;
}

/** Reads the parameters of a stream; an empty one is none. */
export function choiceOf(parameters: Parameters): EventChoice {
  const given = (['ip', 'rule', 'type', 'text'] as const).map(
    (name) => [name, (parameters.get(name) ?? '').trim()] as const,
  );
  const choice: EventChoice = Object.fromEntries(given.filter(([, value]) => value !== ''));
  return choice.text === undefined ? choice : { ...choice, text: choice.text.toLowerCase() };
}

/** Does any value in the event have the text in it? @param text - In small letters. */
export const mentions = (event: MailEvent, text: string): boolean => isIn(event, text);

function isIn(value: unknown, text: string): boolean {
  if (typeof value === 'string' || typeof value === 'number') return String(value).toLowerCase().includes(text);
  return typeof value === 'object' && value !== null && Object.values(value).some((each) => isIn(each, text));
}

/** One event of the stream (WHATWG HTML, server-sent events). @param payload - Its line in the log: it has no line ends. */
export const streamEvent = (partition: number, offset: number, payload: string): string =>
  `id: ${partition}/${offset}\ndata: ${payload}\n\n`;

/** What no browser shows. */
export const streamComment = (text: string): string => `: ${text}\n\n`;

export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'X-Accel-Buffering': 'no',
};

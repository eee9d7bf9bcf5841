import type { EventLog } from './event-log.ts';

/** What a recorder needs of a log: a client of the log process, or a log in this process. */
export interface Appender extends Pick<EventLog, 'append'> {
  /** The log can be reached now. An append while it cannot waits until it can, or until the appender is closed. */
  readonly connected: boolean;
}

import type { MailEvent } from '../events/event.ts';
import type { Result } from '../lib/result.ts';
import type { History } from '../store/history.ts';
import type { Act } from './act.ts';
import type { Refusal } from './answer.ts';
import type { ListedDecision } from './blocklist-list.ts';
import type { EventChoice } from './event-stream.ts';
import type { ListedSetting } from './settings-list.ts';

/** What the console is about, for its title. */
export interface Subject {
  readonly site: string;
  readonly gate: string;
  readonly version: string;
}

/** What the console asks of the product. */
export interface ConsolePorts {
  readonly subject: Subject;
  readonly history: History;
  /** The events of a session as the log has them, in their order. */
  sessionInLog(sid: string): Promise<Result<readonly object[], Refusal>>;
  blocklist(ip: string): Promise<Result<readonly ListedDecision[], Refusal>>;
  why(subject: string): Promise<Result<object, Refusal>>;
  /** @returns What was done, in words. */
  act(act: Act): Promise<Result<string, Refusal>>;
  settings(): readonly ListedSetting[];
  /** @returns Which events a stream shows, or what is wrong with what was chosen. */
  filterOf(choice: EventChoice): Result<(event: MailEvent) => boolean, string>;
}

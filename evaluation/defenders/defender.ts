import type { MailEvent, Role } from '../../events/event.ts';

/** What a defender does to a source. */
export type Verdict = 'pass' | 'slow' | 'defer' | 'refuse';

/** What became of something that a client did: as it wanted, after a wait, or the gate said to come again later. */
export interface Met {
  readonly event: MailEvent;
  readonly how: 'passed' | 'held' | 'deferred';
}

export const passed = (event: MailEvent): Met => ({ event, how: 'passed' });

/** Somebody who reads the events and keeps sources out: Postern, or what it is measured against. */
export interface Defender {
  readonly name: string;
  see(event: MailEvent): void;
  verdict(ip: string, role: Role, atMs: number): Verdict;
  /** What is done to a single command of a session that is in; without it nothing. */
  meet?(event: MailEvent): Met;
  /** Site-wide alarms so far, by scenario. */
  readonly alarms: ReadonlyMap<string, number>;
}

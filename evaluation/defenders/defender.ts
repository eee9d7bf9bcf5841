import type { MailEvent, Role } from '../../events/event.ts';

/** What a defender does to a source. */
export type Verdict = 'pass' | 'slow' | 'defer' | 'refuse';

/** Somebody who reads the events and keeps sources out: Postern, or what it is measured against. */
export interface Defender {
  readonly name: string;
  see(event: MailEvent): void;
  verdict(ip: string, role: Role, atMs: number): Verdict;
  /** Site-wide alarms so far, by scenario. */
  readonly alarms: ReadonlyMap<string, number>;
}

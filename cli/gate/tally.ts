import type { EventByType, MailEvent } from '../../events/event.ts';

/** Numbers by a few labels: the key is the values of the labels with {@link LABEL_SEPARATOR} between them. */
export type Counts = ReadonlyMap<string, number>;
export const LABEL_SEPARATOR = '\n';

/** Combinations of labels counted apart in one table; a further one is not counted. All of them come from fixed sets. */
export const COMBINATIONS_MAX = 10_000;

function add(counts: Map<string, number>, key: string, by = 1): void {
  const count = counts.get(key);
  if (count !== undefined || counts.size < COMBINATIONS_MAX) counts.set(key, (count ?? 0) + by);
}

/** Counts events for metrics. It sees every event on its way, so it does little for each. */
export class Tally {
  /** listener, verb, action, rule. */
  readonly commands = new Map<string, number>();
  /** listener, rule, action: what rules that only observe would have done. */
  readonly observed = new Map<string, number>();
  /** listener, rule, action: connections that never became sessions. */
  readonly refusals = new Map<string, number>();
  /** listener, outcome. */
  readonly sessions = new Map<string, number>();
  /** listener, outcome. */
  readonly mails = new Map<string, number>();
  /** listener, outcome. */
  readonly authAttempts = new Map<string, number>();
  /** listener, stage. */
  readonly upstreamFailures = new Map<string, number>();
  /** listener, kind. */
  readonly anomalies = new Map<string, number>();

  see(event: MailEvent): void {
    switch (event.type) {
      case 'command':
        return this.seeCommand(event);
      case 'session-opened':
        for (const { rule, action } of event.observed ?? []) this.addObserved(event.listener, rule, action);
        return;
      case 'session-closed':
        return add(this.sessions, `${event.listener}\n${event.outcome}`);
      case 'mail':
        return add(this.mails, `${event.listener}\n${event.outcome}`);
      case 'auth-attempt':
        return add(this.authAttempts, `${event.listener}\n${event.outcome}`);
      case 'upstream-failed':
        return add(this.upstreamFailures, `${event.listener}\n${event.stage}`);
      case 'anomaly':
        return add(this.anomalies, `${event.listener}\n${event.kind}`);
      case 'refusals':
        return add(this.refusals, `${event.listener}\n${event.rule}\n${event.action}`, event.count);
      default:
    }
  }

  private seeCommand({ listener, verb, verdict, observed }: EventByType<'command'>): void {
    add(this.commands, `${listener}\n${verb}\n${verdict.action}\n${verdict.rule ?? ''}`);
    if (observed !== undefined) for (const { rule, action } of observed) this.addObserved(listener, rule, action);
  }

  private addObserved(listener: string, rule: string, action: string): void {
    add(this.observed, `${listener}\n${rule}\n${action}`);
  }
}

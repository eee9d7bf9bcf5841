import type { Blocklist } from '../../blocklist/blocklist.ts';
import type { BlocklistEntry } from '../../blocklist/entry.ts';
import { insideOf } from '../../blocklist/inside.ts';
import { FOREVER_MS, operatorDecision, revocationOf, type Target, targetOf } from '../../blocklist/operator.ts';
import type { DecisionEvent } from '../../events/decision.ts';
import { EVENT_VERSION, FIELD_LENGTH_MAX, type MailEvent } from '../../events/event.ts';
import { escapeField } from '../../lib/escape.ts';
import { type PrefixSet, parseAddress } from '../../lib/ip.ts';
import { type ActAnswer, type ActRequest, DECISIONS_SHOWN_MAX } from './management.ts';

/** Decisions that one act may end, at most; who wants to end more says which. */
export const REVOCATIONS_MAX = 10_000;

/** The decisions in force, where they can be changed. */
interface ChangeableDecisions {
  readonly blocklist: Pick<Blocklist, 'around' | 'entries'>;
  /** Puts decisions in force. @returns False where the log does not have them yet. */
  publish(decisions: readonly DecisionEvent[]): Promise<boolean>;
}

export interface OperatorActsOptions {
  readonly decisions: ChangeableDecisions;
  readonly site: string;
  readonly gate: string;
  readonly never: () => PrefixSet;
  record(event: MailEvent): void;
}

/** What operators do about sources: in force at once, in the log for everybody else, and an event for whoever asks later. */
export class OperatorActs {
  private readonly options: OperatorActsOptions;

  constructor(options: OperatorActsOptions) {
    this.options = options;
  }

  async act(request: ActRequest, nowMs: number): Promise<ActAnswer> {
    const target = targetOf(request.value);
    if (!target.ok) return { ok: false, reason: target.error };
    const { site, decisions } = this.options;
    const shown = (text: string): string => escapeField(text, FIELD_LENGTH_MAX);
    const act = { site, atMs: nowMs, by: shown(request.by), reason: shown(request.reason) };
    const untilMs = 'forMs' in request && request.forMs !== undefined ? nowMs + request.forMs : FOREVER_MS;
    const made: DecisionEvent[] = [];
    let ended: readonly BlocklistEntry[] = [];
    switch (request.verb) {
      case 'block':
        if (this.isNeverListed(target.value)) {
          return { ok: false, reason: `${target.value.value} is on the never-list: no decision may touch it` };
        }
        made.push(operatorDecision(target.value, request.action, untilMs, act));
        ended = this.within(target.value, nowMs).filter(
          ({ value, action }) => action === 'allow' && value === target.value.value,
        );
        break;
      case 'allow':
        made.push(operatorDecision(target.value, 'allow', untilMs, act));
        ended = this.within(target.value, nowMs).filter(({ action }) => action !== 'allow');
        break;
      case 'unblock':
        ended = this.within(target.value, nowMs).filter(({ action }) => action !== 'allow');
        break;
      case 'disallow':
        ended = this.within(target.value, nowMs).filter(({ action }) => action === 'allow');
    }
    if (ended.length > REVOCATIONS_MAX) {
      return { ok: false, reason: `${target.value.value} holds ${ended.length} decisions: name smaller ranges` };
    }
    this.tell(request.verb, target.value, ended, act);
    const isInLog = await decisions.publish([...ended.map((entry) => revocationOf(entry, act)), ...made]);
    return this.answer(target.value, made, ended, isInLog, nowMs);
  }

  private answer(
    { value }: Target,
    made: readonly DecisionEvent[],
    ended: readonly BlocklistEntry[],
    isInLog: boolean,
    nowMs: number,
  ): ActAnswer {
    const { gate, decisions } = this.options;
    const entries = decisions.blocklist.around(value.split('/')[0] ?? value).filter(({ untilMs }) => nowMs < untilMs);
    const ids = new Set(made.map(({ id }) => id));
    return {
      ok: true,
      gate,
      value,
      made: entries.filter(({ id }) => ids.has(id)).map(nameOf),
      revoked: ended.slice(0, DECISIONS_SHOWN_MAX).map(nameOf),
      revokedCount: ended.length,
      heldBy: entries.filter(({ id, action }) => !ids.has(id) && action !== 'allow').map(nameOf),
      isInLog,
    };
  }

  /** One event for the act, and one for each source that starts at zero. */
  private tell(
    verb: ActRequest['verb'],
    { value }: Target,
    ended: readonly BlocklistEntry[],
    { by, reason, atMs }: { readonly by: string; readonly reason: string; readonly atMs: number },
  ): void {
    const { site, gate, record } = this.options;
    const values = verb === 'block' ? [value] : [...new Set([value, ...ended.map((entry) => entry.value)])];
    for (const each of values) {
      record({ v: EVENT_VERSION, type: 'operator-acted', at: atMs, site, gate, act: verb, value: each, by, reason });
    }
  }

  private isNeverListed({ prefix }: Target): boolean {
    const first = parseAddress(prefix.text.split('/')[0] ?? '');
    return first !== undefined && this.options.never().contains(first);
  }

  /** Entries in force about the target itself, or about a part of it. */
  private within({ scope, value, prefix }: Target, nowMs: number): readonly BlocklistEntry[] {
    const { blocklist } = this.options.decisions;
    if (scope === 'ip') {
      const around = blocklist.around(value.split('/')[0] ?? value);
      return around.filter((entry) => entry.value === value && nowMs < entry.untilMs);
    }
    const isInside = insideOf(prefix);
    return [...blocklist.entries(nowMs).filter((entry) => isInside(entry.value))];
  }
}

const nameOf = ({ id, value, action, scenario, untilMs }: BlocklistEntry) => ({
  id,
  value,
  action,
  scenario,
  until: untilMs,
});

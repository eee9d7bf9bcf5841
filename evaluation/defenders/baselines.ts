import { recipientAnswer } from '../../analyzers/recipient-answer.ts';
import type { EventByType, MailEvent, Role } from '../../events/event.ts';
import { sourceKey } from '../../lib/ip.ts';
import type { Defender, Verdict } from './defender.ts';
import { fail2banAggressive, fail2banDefault } from './fail2ban.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What a line of a mail log says to a program that counts failures. */
type Failure = 'recipient' | 'relay' | 'authentication' | 'protocol';

function failureOf(event: MailEvent): Failure | undefined {
  if (event.type === 'auth-attempt') return event.outcome === 'refused' ? 'authentication' : undefined;
  if (event.type === 'anomaly') return 'protocol';
  if (event.type !== 'command' || event.verb !== 'RCPT') return undefined;
  return isRelay(event) ? 'relay' : recipientAnswer(event) === 'unknown' ? 'recipient' : undefined;
}

const isRelay = ({ verdict }: EventByType<'command'>): boolean => verdict.rule?.startsWith('relay.') === true;

/** So many failures within a time, and a ban. */
interface Rule {
  readonly counts: readonly Failure[];
  /** Failures that are allowed; one more bans. */
  readonly allowed: number;
  /** `window`: counted back from now. `leak`: one is forgiven after each such time. */
  readonly kind: 'window' | 'leak';
  readonly perMs: number;
  readonly banMs: number;
  /** The source is deferred, not refused. */
  readonly defers?: boolean;
}

class RuleState {
  readonly rule: Rule;
  private readonly failures = new Map<string, number[]>();
  private readonly levels = new Map<string, { level: number; atMs: number }>();
  readonly bans = new Map<string, number>();

  constructor(rule: Rule) {
    this.rule = rule;
  }

  fail(source: string, atMs: number): void {
    const { allowed, perMs, kind } = this.rule;
    if (kind === 'leak') {
      const state = this.levels.get(source) ?? { level: 0, atMs };
      state.level = Math.max(0, state.level - (atMs - state.atMs) / perMs) + 1;
      state.atMs = atMs;
      this.levels.set(source, state);
      if (state.level > allowed) this.ban(source, atMs);
      return;
    }
    const times = (this.failures.get(source) ?? []).filter((time) => atMs - time < perMs);
    times.push(atMs);
    this.failures.set(source, times);
    if (times.length >= allowed) this.ban(source, atMs);
  }

  private ban(source: string, atMs: number): void {
    this.bans.set(source, atMs + this.rule.banMs);
    this.failures.delete(source);
    this.levels.delete(source);
  }
}

function byRules(name: string, rules: readonly Rule[]): Defender {
  const states = rules.map((rule) => new RuleState(rule));
  return {
    name,
    alarms: new Map(),
    see(event) {
      const failure = failureOf(event);
      if (failure === undefined || !('ip' in event)) return;
      for (const state of states) if (state.rule.counts.includes(failure)) state.fail(sourceKey(event.ip), event.at);
    },
    verdict(ip: string, _role: Role, atMs: number): Verdict {
      const source = sourceKey(ip);
      let worst: Verdict = 'pass';
      for (const { bans, rule } of states) {
        if (atMs >= (bans.get(source) ?? 0)) continue;
        if (rule.defers !== true) return 'refuse';
        worst = 'defer';
      }
      return worst;
    },
  };
}

const everything = ['recipient', 'relay', 'authentication', 'protocol'] as const;

/** What Postern is measured against, as each comes out of its box; sources of the numbers: their documentation. */
export const baselines: readonly (() => Defender)[] = [
  () => fail2banDefault(),
  fail2banAggressive,
  () =>
    byRules('CrowdSec', [
      { counts: ['recipient', 'protocol'], allowed: 5, kind: 'leak', perMs: 10_000, banMs: 4 * HOUR_MS },
      { counts: ['relay'], allowed: 1, kind: 'leak', perMs: 10 * MINUTE_MS, banMs: 4 * HOUR_MS },
      { counts: ['authentication'], allowed: 3, kind: 'leak', perMs: 6 * MINUTE_MS, banMs: 4 * HOUR_MS },
      { counts: ['authentication'], allowed: 3, kind: 'leak', perMs: HOUR_MS, banMs: 4 * HOUR_MS },
    ]),
  () =>
    byRules('Cisco 25/h', [
      { counts: ['recipient'], allowed: 26, kind: 'window', perMs: HOUR_MS, banMs: HOUR_MS, defers: true },
    ]),
  () =>
    byRules('Exchange caps', [
      { counts: everything, allowed: 5, kind: 'window', perMs: 10 * MINUTE_MS, banMs: 5 * MINUTE_MS, defers: true },
    ]),
];

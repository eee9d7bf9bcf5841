import { PrefixTable } from '../../blocklist/prefix-table.ts';
import { type DecisionEvent, type DecisionMade, decisionKey } from '../../events/decision.ts';
import type { EventByType, MailEvent } from '../../events/event.ts';
import { parsePrefix, sourceKey } from '../../lib/ip.ts';
import type { ModesInUse, Observed } from '../watch/modes-in-use.ts';

/** Sources that are counted by name, at most. */
export const SOURCES_MAX = 100_000;
/** Sources that are named. */
export const SOURCES_SHOWN_MAX = 20;

/** What one rule did. */
export interface RuleCount {
  readonly rule: string;
  refused: number;
  observed: number;
}

/** What the decisions of one scenario did, or would have done. */
export interface ScenarioCount {
  readonly scenario: string;
  decisions: number;
  sources: number;
  readonly isObserved: Observed;
  /** Messages that the server behind accepted while a decision that defers or refuses held for their source. */
  acceptedMail: number;
  /** Sessions of such sources. */
  sessions: number;
}

/** A source whose accepted mail a decision that only observes, or may, would have kept out. */
export interface AffectedSource {
  readonly source: string;
  readonly scenario: string;
  acceptedMail: number;
}

/** What happened in some period, added up elsewhere. */
export interface Sums {
  readonly sessions: number;
  readonly acceptedMail: number;
  /** Of the last event, milliseconds since 1970-01-01 UTC; 0 where there was none. */
  readonly latestMs: number;
  readonly rules: readonly RuleCount[];
  /** What happened while decisions of each scenario held. */
  readonly held: readonly HeldSums[];
}

export interface HeldSums {
  readonly scenario: string;
  readonly sessions: number;
  readonly acceptedMail: number;
  /** Sources with accepted mail, at most {@link SOURCES_MAX}. */
  readonly sources: readonly { readonly source: string; readonly acceptedMail: number }[];
}

export interface Summary {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Where it is known from which scenarios act. */
  readonly modes: ModesInUse['source'];
  readonly sessions: number;
  readonly acceptedMail: number;
  /** First of all: accepted mail that decisions would have kept out, by source. */
  readonly affected: readonly AffectedSource[];
  readonly scenarios: readonly ScenarioCount[];
  readonly rules: readonly RuleCount[];
}

interface Interval {
  readonly decision: DecisionMade;
  readonly fromMs: number;
  toMs: number;
}

/** The largest first; those that are the same by name, so that the order does not hang on what was read first. */
const inOrder =
  <T>(count: (each: T) => number, name: (each: T) => string) =>
  (a: T, b: T): number =>
    count(b) - count(a) || (name(a) < name(b) ? -1 : 1);

/** Adds up what was refused, and what decisions that only observe would have refused. */
export class Report {
  private readonly sinceMs: number;
  private readonly modes: ModesInUse;
  private readonly byPrefix = new PrefixTable<Interval[]>();
  private readonly open = new Map<string, Interval>();
  private readonly scenarios = new Map<string, ScenarioCount & { readonly values: Set<string> }>();
  private readonly rules = new Map<string, RuleCount>();
  private readonly affected = new Map<string, AffectedSource>();
  private sessions = 0;
  private acceptedMail = 0;
  private untilMs = 0;

  constructor(sinceMs: number, modes: ModesInUse) {
    this.sinceMs = sinceMs;
    this.modes = modes;
  }

  /** All decisions first, in the order of each key. */
  addDecision(decision: DecisionEvent): void {
    const key = decisionKey(decision);
    const before = this.open.get(key);
    if (decision.type === 'decision-revoked') {
      if (before !== undefined) before.toMs = Math.min(before.toMs, decision.at);
      return;
    }
    if (decision.until < this.sinceMs || decision.origin !== 'analyzer') return;
    this.countDecision(decision);
    const prefix = decision.scope === 'ip' || decision.scope === 'range' ? parsePrefix(decision.value) : undefined;
    if (prefix === undefined || decision.action === 'slow') return;
    const interval = { decision, fromMs: decision.at, toMs: decision.until };
    this.open.set(key, interval);
    const known = this.byPrefix.get(prefix);
    if (known === undefined) this.byPrefix.set(prefix, [interval]);
    else known.push(interval);
  }

  /** Then the events, in any order. */
  addEvent(event: MailEvent): void {
    if (event.at < this.sinceMs) return;
    this.untilMs = Math.max(this.untilMs, event.at);
    if (event.type === 'command') this.addCommand(event);
    else if (event.type === 'refusals') this.ruleOf(event.rule).refused += event.count;
    else if (event.type === 'session-opened') this.addSession(event);
    else if (event.type === 'mail' && event.outcome === 'accepted') this.addMail(event);
  }

  /** Or sums of events that are not added one by one. */
  addSums({ sessions, acceptedMail, latestMs, rules, held }: Sums): void {
    this.sessions += sessions;
    this.acceptedMail += acceptedMail;
    this.untilMs = Math.max(this.untilMs, latestMs);
    for (const { rule, refused, observed } of rules) {
      const known = this.ruleOf(rule);
      known.refused += refused;
      known.observed += observed;
    }
    for (const { scenario, sources, ...sums } of held) {
      const known = this.scenarioOf({ origin: 'analyzer', scenario });
      known.sessions += sums.sessions;
      known.acceptedMail += sums.acceptedMail;
      if (known.isObserved === false) continue;
      for (const each of sources) this.addAffected(each.source, scenario, each.acceptedMail);
    }
  }

  summary(): Summary {
    return {
      sinceMs: this.sinceMs,
      untilMs: this.untilMs,
      modes: this.modes.source,
      sessions: this.sessions,
      acceptedMail: this.acceptedMail,
      affected: [...this.affected.values()]
        .sort(
          inOrder(
            ({ acceptedMail }) => acceptedMail,
            ({ source, scenario }) => `${source} ${scenario}`,
          ),
        )
        .slice(0, SOURCES_SHOWN_MAX),
      scenarios: [...this.scenarios.values()]
        .map(({ values, ...rest }) => ({ ...rest, sources: values.size }))
        .sort(
          inOrder(
            ({ acceptedMail, decisions }) => acceptedMail * 1e6 + decisions,
            ({ scenario }) => scenario,
          ),
        ),
      rules: [...this.rules.values()].sort(
        inOrder(
          ({ refused, observed }) => refused + observed,
          ({ rule }) => rule,
        ),
      ),
    };
  }

  private countDecision(decision: DecisionMade): void {
    const scenario = this.scenarioOf(decision);
    scenario.decisions += 1;
    if (scenario.values.size < SOURCES_MAX) scenario.values.add(decision.value);
  }

  private addCommand({ verdict, observed }: EventByType<'command'>): void {
    if (verdict.action !== 'accept' && verdict.rule !== undefined) this.ruleOf(verdict.rule).refused += 1;
    for (const { rule } of observed ?? []) this.ruleOf(rule).observed += 1;
  }

  private addSession({ ip, role, at, observed }: EventByType<'session-opened'>): void {
    this.sessions += 1;
    for (const { rule } of observed ?? []) this.ruleOf(rule).observed += 1;
    for (const decision of this.holding(ip, role, at)) this.scenarioOf(decision).sessions += 1;
  }

  private addMail({ ip, role, at }: EventByType<'mail'>): void {
    this.acceptedMail += 1;
    for (const decision of this.holding(ip, role, at)) {
      this.scenarioOf(decision).acceptedMail += 1;
      if (this.modes.isObserved(decision) !== false) this.addAffected(sourceKey(ip), decision.scenario, 1);
    }
  }

  private addAffected(source: string, scenario: string, acceptedMail: number): void {
    const key = `${source} ${scenario}`;
    const known = this.affected.get(key);
    if (known !== undefined) known.acceptedMail += acceptedMail;
    else if (this.affected.size < SOURCES_MAX) this.affected.set(key, { source, scenario, acceptedMail });
  }

  /** Decisions that held for a source at a time, one of each scenario. */
  private holding(ip: string, role: DecisionMade['roles'][number], atMs: number): readonly DecisionMade[] {
    const found = new Map<string, DecisionMade>();
    this.byPrefix.around(ip, (intervals) => {
      for (const { decision, fromMs, toMs } of intervals) {
        if (fromMs <= atMs && atMs < toMs && decision.roles.includes(role)) found.set(decision.scenario, decision);
      }
      return false;
    });
    return [...found.values()];
  }

  private scenarioOf(
    decision: Pick<DecisionMade, 'origin' | 'scenario'>,
  ): ScenarioCount & { readonly values: Set<string> } {
    const { scenario } = decision;
    const known = this.scenarios.get(scenario);
    if (known !== undefined) return known;
    const isObserved = this.modes.isObserved(decision);
    const begun = {
      scenario,
      decisions: 0,
      sources: 0,
      isObserved,
      acceptedMail: 0,
      sessions: 0,
      values: new Set<string>(),
    };
    this.scenarios.set(scenario, begun);
    return begun;
  }

  private ruleOf(rule: string): RuleCount {
    const known = this.rules.get(rule) ?? { rule, refused: 0, observed: 0 };
    this.rules.set(rule, known);
    return known;
  }
}

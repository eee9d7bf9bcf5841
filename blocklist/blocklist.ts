import { type DecisionEvent, type DecisionMade, decisionKey } from '../events/decision.ts';
import type { Role } from '../events/event.ts';
import { parsePrefix } from '../lib/ip.ts';
import { GrowthBreaker } from './breaker.ts';
import { type BlocklistEntry, blocklistActions, entryOf, strongestFirst } from './entry.ts';
import { PrefixTable } from './prefix-table.ts';

/** Decisions about addresses held, at most; further automatic ones are counted and left out. */
export const ENTRIES_MAX = 1_000_000;
/** Decisions about anything else held, at most. */
export const MODES_MAX = 65_536;

/** The scenario whose decisions about an account, or the site, are about guessed passwords. */
const GUESSING = 'auth-guessing';

/** Whether the decisions of a scenario act, are only recorded, or are passed over. */
export type ScenarioMode = 'enforce' | 'observe' | 'off';

export interface BlocklistOptions {
  /** Of analyzers' scenarios; what operators and imports decide always acts. */
  readonly modeOf: (scenario: string) => ScenarioMode;
  /** See {@link GrowthBreaker}. */
  readonly growthMax?: number;
  /** See {@link PrefixTable}. */
  readonly seed?: number;
}

/** The decisions in force, as a gate asks for them. */
export interface Lookup {
  /**
   * The entry that holds for a source now.
   *
   * @param ip - Canonical address.
   * @param nowMs - Integer milliseconds since 1970-01-01 UTC.
   */
  lookup(ip: string, role: Role, nowMs: number): BlocklistEntry | undefined;
  /** A decision that acts has put the site under stress, for listeners of this role. */
  isStressed(role: Role, nowMs: number): boolean;
  /** The scenario whose decision slows an account down; undefined: none does. `account`: as in `auth-attempt`. */
  slowsAccount(account: string, role: Role, nowMs: number): string | undefined;
  /**
   * Whether attempts to authenticate as an account are looked at closely, because its passwords or those of the whole site are
   * guessed, or it is to be seen what that would do.
   */
  guardsAccount(account: string, role: Role, nowMs: number): 'enforce' | 'observe' | undefined;
  /** Whether bounces to a domain are to be verified, or it is to be seen what that would do; `domain`: canonical. */
  bounceScrutiny(domain: string, nowMs: number): 'enforce' | 'observe' | undefined;
}

/** No decision is in force. */
export const emptyBlocklist: Lookup = {
  lookup: () => undefined,
  isStressed: () => false,
  slowsAccount: () => undefined,
  guardsAccount: () => undefined,
  bounceScrutiny: () => undefined,
};

/** How many decisions there are of one kind. */
export interface HeldCount {
  readonly scope: DecisionMade['scope'];
  readonly action: DecisionMade['action'];
  /** They only observe. */
  readonly observed: boolean;
  count: number;
}

/** The decisions about one address or range, by key. */
type Cell = Map<string, BlocklistEntry>;

/**
 * The decisions in force: a projection of the stream `postern.decisions`, in which the last one of each key counts. Decisions
 * may come in any order of keys, and twice.
 */
export class Blocklist implements Lookup {
  /** Decisions that found no room since the start: automatic ones about addresses, any about something else. */
  leftOutCount = 0;
  /** Automatic refusals that the breaker made milder, since the beginning. */
  heldBackCount = 0;
  readonly breaker: GrowthBreaker;
  private readonly cells: PrefixTable<Cell>;
  /** Decisions about domains, accounts and the site, by key. */
  private readonly others = new Map<string, DecisionMade>();
  /** Undefined after a change. */
  private sorted: Sorted | undefined;
  private modeOf: BlocklistOptions['modeOf'];
  private entryCount = 0;
  /** Entries held, by kind. */
  private readonly heldCounts = new Map<string, HeldCount>();

  constructor({ modeOf, growthMax, seed }: BlocklistOptions) {
    this.modeOf = modeOf;
    this.breaker = new GrowthBreaker(growthMax);
    this.cells = new PrefixTable(seed);
  }

  /** Entries held, those that are over but were not swept yet among them. */
  get size(): number {
    return this.entryCount;
  }

  /**
   * Takes one decision, or the end of one.
   *
   * @param isRecalled - It was in force here before, as it is: the breaker does not count it again.
   * @returns The address or range whose standing may be another now; undefined where nothing changed for any.
   */
  take(event: DecisionEvent, isRecalled = false): string | undefined {
    const prefix = event.scope === 'ip' || event.scope === 'range' ? parsePrefix(event.value) : undefined;
    const key = decisionKey(event);
    if (prefix === undefined) {
      this.takeOther(event, key);
      return undefined;
    }
    const cell = this.cells.get(prefix);
    const before = cell?.get(key);
    if (event.type === 'decision-revoked') {
      if (cell === undefined || before === undefined) return undefined;
      cell.delete(key);
      this.count(before, -1);
      if (cell.size === 0) this.cells.delete(prefix);
      return event.value;
    }
    const entry = this.entryFor(event, before, isRecalled);
    if (entry === undefined) return undefined;
    if (before !== undefined) this.count(before, -1);
    this.count(entry, 1);
    if (cell === undefined) this.cells.set(prefix, new Map([[key, entry]]));
    else cell.set(key, entry);
    return event.value;
  }

  /** An operator's decision goes before all others, the longest prefix first; of the analyzers' the longest prefix that acts. */
  lookup(ip: string, role: Role, nowMs: number): BlocklistEntry | undefined {
    let own: BlocklistEntry | undefined;
    let acting: BlocklistEntry | undefined;
    let observed: BlocklistEntry | undefined;
    this.cells.around(ip, (cell) => {
      const held = strongest(cell, role, nowMs);
      own ??= held.operator;
      acting ??= held.acting;
      observed ??= held.observed;
      return own !== undefined;
    });
    if (own !== undefined) return own.action === 'allow' ? undefined : own;
    return acting ?? observed;
  }

  isStressed(role: Role, nowMs: number): boolean {
    return this.modes.stress.some((decision) => this.actsFor(decision, role, nowMs));
  }

  slowsAccount(account: string, role: Role, nowMs: number): string | undefined {
    return this.modes.accounts.get(account)?.find((decision) => this.actsFor(decision, role, nowMs))?.scenario;
  }

  bounceScrutiny(domain: string, nowMs: number): 'enforce' | 'observe' | undefined {
    return this.scrutinyBy(this.modes.domains.get(domain)?.filter(({ until }) => nowMs < until) ?? []);
  }

  guardsAccount(account: string, role: Role, nowMs: number): 'enforce' | 'observe' | undefined {
    const held = [...(this.modes.accounts.get(account) ?? []), ...this.modes.stress];
    return this.scrutinyBy(
      held.filter(({ scenario, roles, until }) => scenario === GUESSING && nowMs < until && roles.includes(role)),
    );
  }

  /** Every entry around an address, acting or not, over or not. */
  around(ip: string): readonly BlocklistEntry[] {
    const found: BlocklistEntry[] = [];
    this.cells.around(ip, (cell) => {
      found.push(...[...cell.values()].sort(strongestFirst));
      return false;
    });
    return found;
  }

  /** Decisions about domains, accounts and the site that hold now. */
  othersInForce(nowMs: number): readonly DecisionMade[] {
    return [...this.others.values()].filter(({ until }) => nowMs < until);
  }

  /** Every entry that holds now. */
  *entries(nowMs: number): Generator<BlocklistEntry> {
    for (const cell of this.cells.values()) {
      for (const entry of cell.values()) if (nowMs < entry.untilMs) yield entry;
    }
  }

  /** How many decisions there are of each kind; those about addresses until they are swept. */
  held(nowMs: number): readonly HeldCount[] {
    const counts = new Map([...this.heldCounts].map(([key, held]) => [key, { ...held }]));
    for (const decision of this.othersInForce(nowMs)) add(counts, decision, this.isObserved(decision), 1);
    return [...counts.values()];
  }

  /** Other modes, for the decisions in force as well. */
  setModes(modeOf: BlocklistOptions['modeOf']): void {
    this.modeOf = modeOf;
    for (const cell of this.cells.values()) {
      for (const [key, entry] of cell) {
        const changed = { ...entry, observed: this.isObserved(entry) };
        this.count(entry, -1);
        this.count(changed, 1);
        cell.set(key, changed);
      }
    }
  }

  /** Drops what is over. @returns How many entries went. */
  sweep(nowMs: number): number {
    const before = this.entryCount;
    for (const cell of [...this.cells.values()]) {
      for (const [key, entry] of cell) {
        if (nowMs < entry.untilMs) continue;
        cell.delete(key);
        this.count(entry, -1);
        const prefix = cell.size === 0 ? parsePrefix(entry.value) : undefined;
        if (prefix !== undefined) this.cells.delete(prefix);
      }
    }
    for (const [key, { until }] of this.others) if (nowMs >= until) this.others.delete(key);
    this.sorted = undefined;
    return before - this.entryCount;
  }

  private count(entry: BlocklistEntry, by: 1 | -1): void {
    this.entryCount += by;
    add(this.heldCounts, entry, entry.observed, by);
  }

  private takeOther(event: DecisionEvent, key: string): void {
    if (event.type === 'decision-revoked') this.others.delete(key);
    else if (this.others.has(key) || this.others.size < MODES_MAX) this.others.set(key, event);
    else this.leftOutCount += 1;
    this.sorted = undefined;
  }

  /** What is asked for often, by what it is asked by: sorted anew at the first question after a change. */
  private get modes(): Sorted {
    this.sorted ??= sortedOf([...this.others.values()]);
    return this.sorted;
  }

  private scrutinyBy(held: readonly DecisionMade[]): 'enforce' | 'observe' | undefined {
    if (held.length === 0) return undefined;
    return held.some((decision) => !this.isObserved(decision)) ? 'enforce' : 'observe';
  }

  private actsFor(decision: DecisionMade, role: Role, nowMs: number): boolean {
    return nowMs < decision.until && decision.roles.includes(role) && !this.isObserved(decision);
  }

  /** Undefined where there is no room for it, or where it is what is held already. */
  private entryFor(
    decision: DecisionMade,
    before: BlocklistEntry | undefined,
    isRecalled: boolean,
  ): BlocklistEntry | undefined {
    const entry = entryOf(decision, this.isObserved(decision));
    if (entry === undefined || before?.id === entry.id) return undefined;
    const isAutomatic = decision.origin === 'analyzer';
    if (before === undefined && isAutomatic && this.entryCount >= ENTRIES_MAX) {
      this.leftOutCount += 1;
      return undefined;
    }
    const isRefusal = entry.action === 'refuse' || entry.action === 'drop';
    const isHeld = isAutomatic && isRefusal && !isRecalled && this.breaker.add(decision.at);
    if (isHeld) this.heldBackCount += 1;
    const placed: BlocklistEntry = isHeld ? { ...entry, action: 'defer', held: true } : entry;
    return isAutomatic && before !== undefined ? joined(before, placed) : placed;
  }

  private isObserved({ origin, scenario }: Pick<BlocklistEntry, 'origin' | 'scenario'>): boolean {
    return origin === 'analyzer' && this.modeOf(scenario) !== 'enforce';
  }
}

/** One more of a kind, or one fewer. Scopes and actions are few. */
function add(
  counts: Map<string, HeldCount>,
  { scope, action }: Pick<DecisionMade, 'scope' | 'action'>,
  observed: boolean,
  by: 1 | -1,
): void {
  const key = `${scope} ${action} ${observed}`;
  const held = counts.get(key) ?? { scope, action, observed, count: 0 };
  held.count += by;
  counts.set(key, held);
}

/** Decisions about accounts, domains and the site, by what they are asked by. */
interface Sorted {
  readonly stress: readonly DecisionMade[];
  readonly accounts: ReadonlyMap<string, readonly DecisionMade[]>;
  readonly domains: ReadonlyMap<string, readonly DecisionMade[]>;
}

function sortedOf(all: readonly DecisionMade[]): Sorted {
  const accounts = all.filter(({ scope }) => scope === 'account');
  const domains = all.filter(({ scope, action }) => scope === 'domain' && action === 'verify-bounces');
  return {
    stress: all.filter(({ action }) => action === 'stress'),
    accounts: new Map(Map.groupBy(accounts, ({ value }) => value)),
    domains: new Map(Map.groupBy(domains, ({ value }) => value)),
  };
}

/** A later decision of an analyzer never ends before an earlier one of the same key, and is no milder while that holds. */
function joined(before: BlocklistEntry, after: BlocklistEntry): BlocklistEntry {
  if (before.madeMs > after.madeMs) return before;
  const untilMs = Math.max(before.untilMs, after.untilMs);
  const isMilder =
    before.untilMs > after.madeMs &&
    blocklistActions.indexOf(after.action as never) < blocklistActions.indexOf(before.action as never);
  return isMilder ? { ...before, untilMs } : { ...after, untilMs };
}

interface Strongest {
  readonly operator: BlocklistEntry | undefined;
  readonly acting: BlocklistEntry | undefined;
  readonly observed: BlocklistEntry | undefined;
}

/** Of one cell: what an operator says, the strongest that acts, the strongest that only observes. */
function strongest(cell: Cell, role: Role, nowMs: number): Strongest {
  let operator: BlocklistEntry | undefined;
  let acting: BlocklistEntry | undefined;
  let observed: BlocklistEntry | undefined;
  for (const entry of cell.values()) {
    if (nowMs >= entry.untilMs || !entry.roles.includes(role)) continue;
    if (entry.origin === 'operator') operator = stronger(operator, entry);
    else if (entry.observed) observed = stronger(observed, entry);
    else acting = stronger(acting, entry);
  }
  return { operator, acting, observed };
}

const stronger = (one: BlocklistEntry | undefined, other: BlocklistEntry): BlocklistEntry =>
  one === undefined || strongestFirst(one, other) > 0 ? other : one;

import { emptyBlocklist, type Lookup } from '../../blocklist/blocklist.ts';
import type { BlocklistEntry } from '../../blocklist/entry.ts';
import type { Role } from '../../events/event.ts';
import { type PrefixSet, parseAddress } from '../../lib/ip.ts';
import { referenceOf } from '../../lib/uuid-v7.ts';
import type { Admission, Now } from '../input.ts';
import { type ConnectionLimits, type Load, openToStrangers, SourceTable } from '../limits.ts';
import { type AdmissionFacts, type Arrival, admit, type Networks } from '../policy/admission.ts';
import { modeOf } from '../policy/modes.ts';
import { type Restraint, restraintBy, sourceBlocked, unrestrained } from '../policy/source-blocked.ts';
import type { SessionSettings } from '../settings.ts';
import { STRESS_SLOTS_MIN } from '../stress.ts';
import { Slots } from './slots.ts';

/** By what the connect-stage rules tell clients apart. */
export interface GatekeeperSettings {
  readonly connections: ConnectionLimits;
  readonly networks: Networks;
  /** Load balancers: their PROXY headers are believed. */
  readonly balancers: PrefixSet;
  /** Mail from this source was accepted before. `ip`: canonical. */
  readonly hasHistory: (ip: string) => boolean;
}

/** The reference is made only where a refusal shows it: most clients are let in. */
class Facts implements AdmissionFacts {
  readonly arrival: Arrival;
  readonly role: Role;
  readonly networks: Networks;
  readonly load: Load;
  readonly blocked: BlocklistEntry | undefined;
  readonly stressed: boolean;
  readonly withHistory: boolean;
  readonly settings: SessionSettings;
  private readonly sid: string;

  constructor(known: Omit<AdmissionFacts, 'reference' | 'settings'> & { settings: SessionSettings; sid: string }) {
    this.arrival = known.arrival;
    this.role = known.role;
    this.networks = known.networks;
    this.load = known.load;
    this.blocked = known.blocked;
    this.stressed = known.stressed;
    this.withHistory = known.withHistory;
    this.settings = known.settings;
    this.sid = known.sid;
  }

  get reference(): string {
    return referenceOf(this.sid);
  }
}

/** What a decision did: its scenario (`operator` for a person's) and what it did, with a line feed between them. */
export type RestrainedCounts = ReadonlyMap<string, number>;
/** Kinds of them counted apart; a further one is not counted. */
const RESTRAINED_KINDS_MAX = 1000;

/** Judges who may come in, for all listeners of a gate together. */
export class Gatekeeper {
  blocklist: Lookup = emptyBlocklist;
  /** Nobody is let in for now: everybody is told 421 by `limits.total`, as where the gate is full. */
  isSuspended = false;
  /** Clients that decisions slowed down, deferred, refused or dropped, at the door or later. */
  readonly restrained = new Map<string, number>();
  private settings: GatekeeperSettings;
  private readonly sources: SourceTable;
  /** Clients that count. */
  private readonly admitted = new WeakSet<Admission>();
  /** Connections to the servers behind, by host and port. */
  private readonly upstreamSlots = new Map<string, Slots>();

  constructor(settings: GatekeeperSettings) {
    this.settings = settings;
    this.sources = new SourceTable(settings.connections);
  }

  /** Other settings for the clients from now on; who is in stays counted. */
  reconfigure(settings: GatekeeperSettings): void {
    this.settings = settings;
    this.sources.limits = settings.connections;
    for (const slots of this.upstreamSlots.values()) slots.reservedShare = settings.connections.reservedShare;
  }

  /** The connections to a server behind: the same ones for whoever leads there. */
  slotsFor(host: string, port: number, max: number): Slots {
    const place = `${host} ${port}`;
    const slots = this.upstreamSlots.get(place) ?? new Slots(max, this.settings.connections.reservedShare);
    this.upstreamSlots.set(place, slots);
    return slots;
  }

  /** Open now, to all servers behind. */
  get upstreamConnections(): number {
    return [...this.upstreamSlots.values()].reduce((sum, { used }) => sum + used, 0);
  }

  /** Share of the connections open to strangers that are in use, 0 to 1: clients, or to a server behind if that is more. */
  get slotsUsed(): number {
    const { totalMax, reservedShare } = this.settings.connections;
    const clients = this.sources.openCount / Math.max(1, openToStrangers(totalMax, reservedShare));
    return Math.min(1, Math.max(clients, ...[...this.upstreamSlots.values()].map(({ usedShare }) => usedShare)));
  }

  isBalancer(ip: string): boolean {
    const address = parseAddress(ip);
    return address !== undefined && this.settings.balancers.contains(address);
  }

  /** Counts and judges a client; `release` must follow, whatever the verdict. */
  admit(arrival: Arrival, settings: SessionSettings, sid: string, now: Now): Admission {
    const { ip } = arrival;
    const { role } = settings.listener;
    const load = this.sources.opened(ip, Math.floor(now.monotonicUs / 1000));
    const blocked = this.blocklist.lookup(ip, role, now.wallMs);
    const admission = admit(
      new Facts({
        arrival,
        role,
        settings,
        sid,
        networks: this.settings.networks,
        load: this.isSuspended ? { ...load, total: true } : load,
        blocked,
        stressed: this.slotsUsed >= STRESS_SLOTS_MIN || this.blocklist.isStressed(role, now.wallMs),
        withHistory: this.settings.hasHistory(ip),
      }),
    );
    const isTurnedAway = admission.verdict.action !== 'accept' && admission.verdict.rule === sourceBlocked.id;
    if (isTurnedAway || admission.restraint.slowMs > 0) this.count(blocked);
    this.admitted.add(admission);
    return admission;
  }

  /** What the decisions in force do to a client that is in. `entry`: undefined where none does anything. */
  restraintOf(
    { ip, neverListed }: Admission,
    settings: SessionSettings,
    sid: string,
    now: Now,
  ): { readonly entry: BlocklistEntry | undefined; readonly restraint: Restraint } {
    const acts = !neverListed && modeOf(settings.modes, 'source.blocked') === 'enforce';
    const entry = acts ? this.blocklist.lookup(ip, settings.listener.role, now.wallMs) : undefined;
    if (entry === undefined || entry.observed) return { entry: undefined, restraint: unrestrained };
    return { entry, restraint: restraintBy(entry, { settings, reference: referenceOf(sid) }) };
  }

  /** What a decision about an account does to a session that has tried to authenticate as it. */
  restraintOfAccount(account: string, settings: SessionSettings, isAccepted: boolean, now: Now): Restraint | undefined {
    const { modes, listener, limits } = settings;
    const scenario = this.blocklist.slowsAccount(account, listener.role, now.wallMs);
    // Whoever knows the password of an account that others guess is not one of them.
    const acts = scenario !== undefined && !(isAccepted && scenario === 'auth-guessing');
    if (!acts || modeOf(modes, 'source.blocked') !== 'enforce') return undefined;
    return { ...unrestrained, slowMs: limits.slowDelayMs, byOperator: true };
  }

  /** Counts what an entry does to a client that is in, but for what it was slowed down by from the start. */
  countRestrained(entry: BlocklistEntry | undefined, { restraint }: Admission): void {
    if (entry?.action !== 'slow' || restraint.slowMs === 0) this.count(entry);
  }

  private count(entry: BlocklistEntry | undefined): void {
    if (entry === undefined) return;
    const key = `${entry.origin === 'operator' ? 'operator' : entry.scenario}\n${entry.action}`;
    const count = this.restrained.get(key);
    if (count !== undefined || this.restrained.size < RESTRAINED_KINDS_MAX) this.restrained.set(key, (count ?? 0) + 1);
  }

  /** A client does not count any more; what it does afterwards, or that it ends, changes nothing. */
  release(admission: Admission): void {
    if (this.admitted.delete(admission)) this.sources.closed(admission.ip);
  }
}

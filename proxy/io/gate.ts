import type { Lookup } from '../../blocklist/blocklist.ts';
import { EVENT_VERSION, type EventByType, FIELD_LENGTH_MAX } from '../../events/event.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { ListenerSettings, SessionSettings } from '../settings.ts';
import { GateHost, type GateLists, type GatePorts } from './gate-host.ts';
import { Gatekeeper, type GatekeeperSettings, type RestrainedCounts } from './gatekeeper.ts';
import { Listener } from './listener.ts';
import type { SessionContext } from './session-context.ts';
import type { Slots } from './slots.ts';
import { TlsProvider, type TlsSettings } from './tls.ts';
import { Upstream, type UpstreamRoute } from './upstream.ts';

/** How long sessions get to say goodbye once the grace period is over, milliseconds. */
export const GOODBYE_MS = 1000;

/** A listener, and where its sessions go. */
export interface GateListener extends ListenerSettings {
  readonly route: UpstreamRoute;
}

/** Everything a gate is told by the configuration; a reload replaces it as a whole. */
export interface GateSettings extends GatekeeperSettings {
  readonly version: string;
  readonly configHash: string;
  /** What all sessions have in common. */
  readonly session: Omit<SessionSettings, 'listener' | 'upstream'>;
  readonly listeners: readonly GateListener[];
  /** Undefined: no listener has a certificate. */
  readonly tls: TlsSettings | undefined;
  readonly lists: GateLists;
}

export type GateOptions = GateSettings & GatePorts;

/** Counts since the gate was opened, and what is open now. */
export interface GateStats {
  readonly sessions: number;
  readonly sessionsOpened: number;
  /** Connections turned away before they became sessions. */
  readonly refused: number;
  /** Clients that decisions did something to, by scenario and what. */
  readonly restrained: RestrainedCounts;
  /** Sessions that a fault of this program ended. */
  readonly crashed: number;
  readonly upstreamConnections: number;
  /** Connections before their PROXY header or TLS handshake. */
  readonly nameless: number;
}

/** Opens a gate: all its listeners, or none and one line that says why. */
export async function openGate(options: GateOptions): Promise<Result<Gate, string>> {
  const gate = new Gate(options);
  const started = await gate.start();
  return started.ok ? ok(gate) : started;
}

/** One running gate: its listeners, their sessions, and what they share. */
export class Gate implements AsyncDisposable {
  private readonly host: GateHost;
  private settings: GateSettings;
  private tls: TlsProvider | undefined;
  /** By where they listen. */
  private listeners: ReadonlyMap<string, Listener> = new Map();
  private drained: Promise<void> | undefined;

  constructor(options: GateOptions) {
    this.settings = options;
    this.host = new GateHost(options, new Gatekeeper(options), options.lists);
  }

  /** Opens the listeners. Once. */
  async start(): Promise<Result<undefined, string>> {
    const applied = await this.apply(this.settings);
    if (!applied.ok) return applied;
    const { version, configHash, listeners } = this.settings;
    this.host.record({
      ...this.eventBase(),
      type: 'gate-started',
      version,
      configHash,
      listeners: listeners.map(({ name }) => name),
    });
    return applied;
  }

  /**
   * Takes a new configuration. New sessions live under it, those that are open keep theirs. Listeners that are gone are closed
   * and new ones opened; one whose address and port stay is not touched. On an error nothing has changed.
   */
  async reload(settings: GateSettings): Promise<Result<undefined, string>> {
    const applied = this.drained === undefined ? await this.apply(settings) : err('the gate is stopping');
    this.host.record({
      ...this.eventBase(),
      type: 'config-changed',
      outcome: applied.ok ? 'applied' : 'refused',
      configHash: settings.configHash,
      ...(applied.ok ? {} : { faults: [applied.error.slice(0, FIELD_LENGTH_MAX)] }),
    });
    return applied;
  }

  /** Takes other lists, for live sessions as well. */
  setLists(lists: GateLists): void {
    this.host.setLists(lists);
  }

  /** Takes the decisions in force, for live sessions as well. */
  setBlocklist(blocklist: Lookup): void {
    this.host.gatekeeper.blocklist = blocklist;
    this.host.review();
  }

  /** Decisions have changed: live sessions are looked at anew. */
  reviewSessions(): void {
    this.host.review();
  }

  /** Lets nobody in for a while (421), or everybody again; live sessions go on. */
  suspend(isSuspended: boolean): void {
    this.host.gatekeeper.isSuspended = isSuspended;
  }

  /** Takes other certificates for the handshakes from now on; no session is dropped. */
  setCertificates(settings: TlsSettings): Result<undefined, string> {
    return this.tls === undefined ? err('tls: no listener has a certificate') : this.tls.replace(settings);
  }

  /** Where each listener listens, by name. */
  get bound(): ReadonlyMap<string, { readonly address: string; readonly port: number }> {
    return new Map([...this.listeners.values()].map((listener) => [listener.name, listener.bound]));
  }

  get stats(): GateStats {
    const { host } = this;
    return {
      sessions: host.sessions.size,
      sessionsOpened: host.sessionsOpened,
      refused: host.refusals.total,
      restrained: host.gatekeeper.restrained,
      crashed: host.crashedCount,
      upstreamConnections: this.host.gatekeeper.upstreamConnections,
      nameless: [...this.listeners.values()].reduce((sum, listener) => sum + listener.namelessCount, 0),
    };
  }

  /**
   * Stops: nothing new is accepted, idle sessions are told 421, the others may finish what they are at within `graceMs`.
   * Resolves when no session is left. `reason` goes into the event `gate-stopped`.
   */
  drain(graceMs: number, reason = 'stopped'): Promise<void> {
    this.drained ??= this.stop(graceMs, reason);
    return this.drained;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain(0);
  }

  private async stop(graceMs: number, reason: string): Promise<void> {
    const { host } = this;
    await Promise.all([...this.listeners.values()].map((listener) => listener.close()));
    host.shutdown(false);
    await host.empty(graceMs);
    // Twice: the first ends what is under way, the second those that do not read their last reply.
    for (let round = 0; round < 2 && host.sessions.size > 0; round += 1) {
      host.shutdown(true);
      await host.empty(GOODBYE_MS);
    }
    host.destroySessions();
    host.door.close();
    host.refusals.flush();
    host.record({ ...this.eventBase(), type: 'gate-stopped', reason });
  }

  private async apply(settings: GateSettings): Promise<Result<undefined, string>> {
    const tls = this.tlsFor(settings);
    if (!tls.ok) return tls;
    const contexts = new Map<string, SessionContext>();
    for (const { route, ...listener } of settings.listeners) {
      if (listener.tls !== 'none' && tls.value === undefined) return err(`listener ${listener.name}: no certificate`);
      const { host } = this;
      const upstream = Upstream.create(route.target, route.settings.verifyCertificate, this.slotsFor(route));
      if (!upstream.ok) return upstream;
      contexts.set(placeOf(listener), {
        settings: { ...settings.session, upstream: route.settings, listener },
        upstream: upstream.value,
        tls: listener.tls === 'none' ? undefined : tls.value?.forListener(listener.name),
        host,
      });
    }
    if (contexts.size < settings.listeners.length) return err('two listeners have the same address and port');
    const opened = await this.openMissing(contexts);
    if (opened.ok) this.commit(settings, tls.value, contexts, opened.value);
    return opened.ok ? ok(undefined) : opened;
  }

  /** The provider in use, if there is one: its listeners keep their ticket keys. The new certificates are only checked here. */
  private tlsFor({ tls }: GateSettings): Result<TlsProvider | undefined, string> {
    if (tls === undefined) return ok(undefined);
    const created = TlsProvider.create(tls);
    return created.ok ? ok(this.tls ?? created.value) : created;
  }

  /** Opens the listeners that are not there yet: all of them, or none. */
  private async openMissing(
    contexts: ReadonlyMap<string, SessionContext>,
  ): Promise<Result<ReadonlyMap<string, Listener>, string>> {
    const opened = new Map<string, Listener>();
    for (const [place, context] of contexts) {
      if (this.listeners.has(place)) continue;
      const listener = await Listener.open(context, this.host);
      if (!listener.ok) {
        await Promise.all([...opened.values()].map((each) => each.close()));
        return listener;
      }
      opened.set(place, listener.value);
    }
    return ok(opened);
  }

  private commit(
    settings: GateSettings,
    tls: TlsProvider | undefined,
    contexts: ReadonlyMap<string, SessionContext>,
    opened: ReadonlyMap<string, Listener>,
  ): void {
    const before = this.listeners;
    this.settings = settings;
    if (tls !== undefined && settings.tls !== undefined) tls.replace(settings.tls);
    this.tls = tls ?? this.tls;
    for (const { route } of settings.listeners) this.slotsFor(route).max = route.connectionsMax;
    this.host.gatekeeper.reconfigure(settings);
    this.host.setLists(settings.lists);
    const kept = [...before].filter(([place]) => contexts.has(place));
    this.listeners = new Map([...kept, ...opened]);
    for (const [place, listener] of this.listeners) {
      const context = contexts.get(place);
      if (context !== undefined) listener.context = context;
    }
    for (const [place, listener] of before) if (!contexts.has(place)) void listener.close();
  }

  private slotsFor({ target, connectionsMax }: UpstreamRoute): Slots {
    return this.host.gatekeeper.slotsFor(target.host, target.port, connectionsMax);
  }

  private eventBase(): Pick<EventByType<'gate-stopped'>, 'v' | 'at' | 'site' | 'gate'> {
    const { site, gate } = this.settings.session;
    return { v: EVENT_VERSION, at: this.host.clock.wallMs(), site, gate };
  }
}

/** What a listener is recognised by over a reload. With port 0 the system chooses, so its name tells it apart. */
const placeOf = ({ address, port, name }: ListenerSettings): string => `${address} ${port === 0 ? name : port}`;

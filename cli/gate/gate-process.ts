import { readFileSync } from 'node:fs';
import { EVENT_VERSION, FIELD_LENGTH_MAX, type MailEvent } from '../../events/event.ts';
import { escapeField } from '../../lib/escape.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../../log/appender.ts';
import { systemClock } from '../../proxy/io/clock.ts';
import { type Gate, type GateSettings, openGate } from '../../proxy/io/gate.ts';
import { createRecorder, type Recorder } from '../../proxy/io/recorder.ts';
import type { TlsSettings } from '../../proxy/io/tls.ts';
import { gateSettings, type Identity, identityOf, type Machine, ownAddresses } from '../config/assemble.ts';
import { pathText } from '../config/fault.ts';
import type { ConfigFlagValues } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { writeWhole } from '../io/atomic-file.ts';
import { type Configured, failureLines, readConfiguration } from '../io/config-file.ts';
import { FileWatch } from '../io/file-watch.ts';
import { ListWatcher } from '../io/list-watcher.ts';
import type { OperatorLog } from '../io/logger.ts';
import { thisMachine } from '../io/machine.ts';
import { expiryFindings, type Material, type MaterialFault, materialFiles, readMaterial } from '../io/material.ts';
import { Metrics } from '../io/metrics.ts';
import { textOf } from '../io/text-of.ts';
import { version } from '../version.ts';
import { type ManagementAnswer, type ManagementRequest, type Panic, relaxedRules } from './panic.ts';
import { PanicSwitch } from './panic-switch.ts';
import { changedRestartOnly, withoutRestartOnly } from './restart-only.ts';
import { SourceHistory } from './source-history.ts';

/** How often the sources with accepted mail are written down, milliseconds. */
export const HISTORY_SAVE_EVERY_MS = 600_000;
/** How often certificates are looked at for their end, milliseconds. */
export const EXPIRY_CHECK_EVERY_MS = 86_400_000;
/** Most faults of a refused configuration in one event. */
export const FAULTS_IN_EVENT_MAX = 20;

/** A configuration with what its files hold: what is in force, as a whole. */
interface InForce {
  readonly configured: Configured;
  readonly material: Material;
  readonly lists: ListWatcher;
}

/** One gate and what surrounds it: configuration, lists, certificates, the panic switch, metrics. */
export class GateProcess {
  readonly metrics: Metrics;
  readonly recorder: Recorder;
  readonly places: Places;
  draining = false;
  private readonly flags: ConfigFlagValues;
  private readonly logger: OperatorLog;
  private readonly machine: Machine = thisMachine();
  private readonly identity: Identity;
  private readonly history = new SourceHistory();
  private readonly panic: PanicSwitch;
  private readonly timers: NodeJS.Timeout[] = [];
  private inForce: InForce;
  private gate: Gate | undefined;
  private certificateWatch: FileWatch | undefined;
  /** Reloads and switches one after the other. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(flags: ConfigFlagValues, inForce: InForce, appender: Appender, logger: OperatorLog) {
    const { config } = inForce.configured;
    this.flags = flags;
    this.logger = logger;
    this.inForce = inForce;
    this.places = placesIn(config.dataDirectory);
    this.identity = identityOf(config, this.machine);
    this.panic = PanicSwitch.open(this.places.panic);
    this.recorder = createRecorder({ client: appender, site: this.identity.site, gate: this.identity.gate });
    this.metrics = new Metrics({
      version: version(),
      stats: () => this.running.stats,
      recorder: this.recorder,
      lists: () => this.inForce.lists.states,
      certificates: () => this.inForce.material.facts,
      panic: () => this.panic.state !== undefined,
      draining: () => this.draining,
    });
  }

  /** Opens the ports. Nothing is written to the disk before {@link settle}. @returns What the operator must know, one line each. */
  static async open(
    flags: ConfigFlagValues,
    configured: Configured,
    appender: Appender,
    logger: OperatorLog,
  ): Promise<Result<GateProcess, readonly string[]>> {
    const loaded = await load(configured, thisMachine(), logger);
    if (!loaded.ok) return loaded;
    const process = new GateProcess(flags, loaded.value, appender, logger);
    const opened = await process.openGate();
    return opened.ok ? ok(process) : err([opened.error]);
  }

  get config(): Config {
    return this.inForce.configured.config;
  }

  /** Where each listener listens, by name. */
  get bound(): Gate['bound'] {
    return this.running.bound;
  }

  /** Begins to keep what is to be kept, and to look after lists and certificates. After the rights of root are given up. */
  settle(): void {
    this.watchFiles();
    this.timers.push(
      setInterval(() => void this.saveHistory(), HISTORY_SAVE_EVERY_MS).unref(),
      setInterval(() => this.warnOfExpiry(), EXPIRY_CHECK_EVERY_MS).unref(),
    );
    this.warnOfExpiry();
    const { state } = this.panic;
    if (state !== undefined)
      this.logger.warn(state, 'the panic switch is on: rules only observe, until postern observe --off');
  }

  /** Reads the configuration again. With a fault nothing changes. */
  reload(): Promise<void> {
    return this.inTurn(() => this.reloadNow());
  }

  /** Answers the management socket. */
  manage(request: ManagementRequest): Promise<ManagementAnswer> {
    return this.inTurn(() => this.manageNow(request));
  }

  /** Stops: nothing new comes in, sessions may end within `shutdownGraceMs`, and what was recorded goes into the log. */
  async stop(reason: string): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.certificateWatch?.[Symbol.dispose]();
    this.inForce.lists[Symbol.dispose]();
    await this.running.drain(this.config.shutdownGraceMs, reason);
    await Promise.all([this.recorder.flush(), this.saveHistory()]);
  }

  private get running(): Gate {
    const { gate } = this;
    if (gate === undefined) throw new Error('the gate is not open');
    return gate;
  }

  private async openGate(): Promise<Result<undefined, string>> {
    this.recallHistory();
    const opened = await openGate({
      ...this.settingsOf(this.inForce),
      recorder: this.recorder,
      logger: this.logger,
      clock: systemClock,
      onRecord: (event) => {
        this.metrics.see(event);
        this.history.see(event);
      },
    });
    if (!opened.ok) return opened;
    this.gate = opened.value;
    return ok(undefined);
  }

  private settingsOf({ configured, material, lists }: InForce): GateSettings {
    const { config, hash } = configured;
    return gateSettings(config, {
      version: version(),
      configHash: hash,
      lists: lists.lists,
      hasHistory: (ip) => this.history.has(ip, Date.now()),
      machine: this.machine,
      tls: tlsOf(config, material),
      trustedCertificates: material.trustedCertificates,
      panic: this.panic.state !== undefined,
    });
  }

  private async reloadNow(): Promise<void> {
    if (this.draining) return;
    const configured = readConfiguration(this.flags);
    if (!configured.ok) {
      const { error } = configured;
      this.refuse(failureLines(error), error.kind === 'faults' ? error.hash : this.inForce.configured.hash);
      return;
    }
    const before = this.config;
    const late = changedRestartOnly(before, configured.value.config);
    if (late.length > 0)
      this.logger.warn({ settings: late.join(', ') }, 'these settings take a restart; all others are taken now');
    const config = withoutRestartOnly(before, configured.value.config);
    const loaded = await load({ ...configured.value, config }, this.machine, this.logger);
    if (!loaded.ok) {
      this.refuse(loaded.error, configured.value.hash);
      return;
    }
    const applied = await this.running.reload(this.settingsOf(loaded.value));
    if (!applied.ok) {
      loaded.value.lists[Symbol.dispose]();
      this.logger.error({ fault: applied.error }, 'the new configuration cannot be used: the old one stays in force');
      return;
    }
    this.inForce.lists[Symbol.dispose]();
    this.inForce = loaded.value;
    this.logger.level = config.logging.level;
    this.watchFiles();
    this.logger.info({ configHash: configured.value.hash }, 'the new configuration is in force');
  }

  private refuse(faults: readonly string[], configHash: string): void {
    for (const fault of faults)
      this.logger.error({ fault }, 'a fault of the new configuration: the old one stays in force');
    const shown = faults.slice(0, FAULTS_IN_EVENT_MAX).map((fault) => escapeField(fault, FIELD_LENGTH_MAX));
    this.record({ ...this.eventBase(), type: 'config-changed', outcome: 'refused', configHash, faults: shown });
  }

  private watchFiles(): void {
    const { configured, lists } = this.inForce;
    lists.watch(() => this.running.setLists(lists.lists));
    this.certificateWatch?.[Symbol.dispose]();
    const files = materialFiles(configured.config, configured.folder);
    this.certificateWatch =
      files.length === 0 ? undefined : new FileWatch(files, () => void this.inTurn(() => this.renewCertificates()));
  }

  /** Certificate and key may be renewed one after the other: until they fit each other the old ones stay. */
  private async renewCertificates(): Promise<void> {
    const { config, folder } = this.inForce.configured;
    const material = readMaterial(config, folder);
    const tls = material.ok ? tlsOf(config, material.value) : undefined;
    if (!material.ok || tls === undefined) {
      const faults = material.ok ? [] : material.error.map(materialLine);
      this.logger.error({ faults }, 'the changed certificates cannot be used: the old ones stay in force');
      return;
    }
    const applied = this.running.setCertificates(tls);
    if (!applied.ok) {
      this.logger.error(
        { fault: applied.error },
        'the changed certificates cannot be used: the old ones stay in force',
      );
      return;
    }
    this.inForce = { ...this.inForce, material: material.value };
    this.logger.info({ count: tls.certificates.length }, 'the changed certificates are in force');
    this.warnOfExpiry();
  }

  private warnOfExpiry(): void {
    const { over, soon } = expiryFindings(this.inForce.material.facts, Date.now());
    for (const fault of over) this.logger.error({ fault: materialLine(fault) }, 'a certificate is over');
    for (const fault of soon) this.logger.warn({ fault: materialLine(fault) }, 'a certificate is near its end');
  }

  private async manageNow(request: ManagementRequest): Promise<ManagementAnswer> {
    const { state } = this.panic;
    const isOn = request.verb === 'observe-all';
    const changed = request.verb !== 'state' && isOn !== (state !== undefined);
    if (request.verb !== 'state' && changed) {
      const switched = await this.switchPanic(
        isOn ? { by: request.by, reason: request.reason, atMs: Date.now() } : undefined,
      );
      if (!switched.ok) return { ok: false, reason: switched.error };
      const { by, reason } = request;
      this.record({
        ...this.eventBase(),
        type: 'operator-acted',
        act: request.verb,
        by: escapeField(by, FIELD_LENGTH_MAX),
        reason: escapeField(reason, FIELD_LENGTH_MAX),
      });
      this.logger.warn({ by, reason }, isOn ? 'the panic switch is on: rules only observe' : 'the panic switch is off');
    }
    const panic = this.panic.state;
    return {
      ok: true,
      gate: this.identity.gate,
      ...(panic === undefined ? {} : { panic }),
      changed,
      rules: [...relaxedRules(this.config.policy.modes)],
    };
  }

  private async switchPanic(panic: Panic | undefined): Promise<Result<undefined, string>> {
    const before = this.panic.state;
    const kept = await this.panic.set(panic);
    if (!kept.ok) return kept;
    const applied = await this.running.reload(this.settingsOf(this.inForce));
    if (!applied.ok) await this.panic.set(before);
    return applied;
  }

  private recallHistory(): void {
    try {
      this.history.addText(readFileSync(this.places.history, 'utf8'));
    } catch {
      // A first start, or a lost file: strangers are greeted a little later.
    }
  }

  private async saveHistory(): Promise<void> {
    try {
      await writeWhole(this.places.history, this.history.toText());
    } catch (error) {
      this.logger.warn({ reason: textOf(error) }, 'the sources with accepted mail cannot be written down');
    }
  }

  private record(event: MailEvent): void {
    this.recorder.record(event);
  }

  private eventBase() {
    const { site, gate } = this.identity;
    return { v: EVENT_VERSION, at: Date.now(), site, gate } as const;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

async function load(
  configured: Configured,
  machine: Machine,
  logger: OperatorLog,
): Promise<Result<InForce, readonly string[]>> {
  const { config, folder } = configured;
  const material = readMaterial(config, folder);
  if (!material.ok) return err(material.error.map(materialLine));
  const lists = await ListWatcher.open({
    config,
    folder,
    copies: placesIn(config.dataDirectory).lists,
    domainsUrl: material.value.domainsUrl,
    ownAddresses: ownAddresses(config, machine),
    logger,
  });
  return ok({ configured, material: material.value, lists });
}

function tlsOf({ tls }: Config, { certificates }: Material): TlsSettings | undefined {
  return certificates.length === 0 ? undefined : { certificates, legacyNetworks: tls.legacyNetworks };
}

const materialLine = ({ path, problem, hint }: MaterialFault): string => `${pathText(path)}: ${problem}; ${hint}`;

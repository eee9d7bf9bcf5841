import { randomBytes } from 'node:crypto';
import { EVENT_VERSION, FIELD_LENGTH_MAX } from '../../events/event.ts';
import { escapeField } from '../../lib/escape.ts';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../../log/appender.ts';
import { systemClock } from '../../proxy/io/clock.ts';
import { type Gate, type GateSettings, openGate } from '../../proxy/io/gate.ts';
import { createRecorder, type Recorder } from '../../proxy/io/recorder.ts';
import { gateSettings, type Identity, identityOf, type Machine, neverList } from '../config/assemble.ts';
import type { ConfigFlagValues } from '../config/from-flags.ts';
import { type Places, placesIn } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { type Configured, failureLines, readConfiguration } from '../io/config-file.ts';
import { CredentialHashes } from '../io/credential-hashes.ts';
import { CredentialRatchet } from '../io/credential-ratchet.ts';
import { FileWatch } from '../io/file-watch.ts';
import { LOCAL_PART_KEY_OCTETS, localPartHashes } from '../io/local-part-hashes.ts';
import type { OperatorLog } from '../io/logger.ts';
import { thisMachine } from '../io/machine.ts';
import { materialFiles } from '../io/material.ts';
import { Metrics } from '../io/metrics.ts';
import { openSiteSecret } from '../io/site-secret.ts';
import { version } from '../version.ts';
import { GateDecisions } from './gate-decisions.ts';
import { type InForce, load, tlsOf, warnOfExpiry, withRenewedCertificates } from './in-force.ts';
import { recallHistory, saveHistory } from './kept-history.ts';
import { KeptSenders, SENDER_KEY_OCTETS } from './kept-senders.ts';
import { LogReaders } from './log-readers.ts';
import type { ManagementAnswer, ManagementRequest, PanicAnswer, PanicRequest } from './management.ts';
import { OperatorActs } from './operator-acts.ts';
import { type Panic, relaxedRules } from './panic.ts';
import { PanicSwitch } from './panic-switch.ts';
import { LOOK_EVERY_MS } from './reader-watch.ts';
import { suspendedBecause } from './readiness.ts';
import { changedRestartOnly, withoutRestartOnly } from './restart-only.ts';
import type { SourceHistory } from './source-history.ts';

/** How often the sources with accepted mail are written down, milliseconds. */
export const HISTORY_SAVE_EVERY_MS = 600_000;
/** How often certificates are looked at for their end, milliseconds. */
export const EXPIRY_CHECK_EVERY_MS = 86_400_000;
/** How often decisions that are over are dropped, and those in force written down, milliseconds. */
export const DECISIONS_KEEP_EVERY_MS = 30_000;
/** How often it is seen whether the key of fingerprints is still the day's: nobody may have to log in for yesterday's to go. */
export const CREDENTIAL_DAY_EVERY_MS = 60_000;
/** How often it is seen whether events can be kept, milliseconds. */
export const SUSPEND_CHECK_EVERY_MS = 500;
/** Most faults of a refused configuration in one event. */
export const FAULTS_IN_EVENT_MAX = 20;

/** One gate and what surrounds it: configuration, lists, certificates, the panic switch, metrics. */
export class GateProcess {
  readonly metrics: Metrics;
  readonly recorder: Recorder;
  readonly places: Places;
  draining = false;
  private readonly flags: ConfigFlagValues;
  private readonly logger: OperatorLog;
  private readonly machine: Machine;
  /** Undefined before {@link settle}. */
  private credentials: CredentialHashes | undefined;
  /** Undefined before {@link settle}. */
  private senders: KeptSenders | undefined;
  /** Before {@link settle} under a key that nobody keeps: what cannot be compared is better than what can be read. */
  private hashLocalPart = localPartHashes(randomBytes(LOCAL_PART_KEY_OCTETS));
  private readonly identity: Identity;
  private readonly history: SourceHistory;
  private readonly panic: PanicSwitch;
  private readonly decisions: GateDecisions;
  private readonly readers: LogReaders;
  private readonly operators: OperatorActs;
  private readonly timers: NodeJS.Timeout[] = [];
  private inForce: InForce;
  private gate: Gate | undefined;
  private certificateWatch: FileWatch | undefined;
  private suspended: string | undefined;
  /** Reloads and switches one after the other. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    flags: ConfigFlagValues,
    inForce: InForce,
    ports: {
      readonly appender: Appender;
      readonly logger: OperatorLog;
      readonly machine: Machine;
    },
  ) {
    const { config } = inForce.configured;
    this.flags = flags;
    this.inForce = inForce;
    this.logger = ports.logger;
    this.machine = ports.machine;
    this.places = placesIn(config.dataDirectory);
    this.identity = identityOf(config, this.machine);
    this.panic = PanicSwitch.open(this.places.panic);
    this.history = recallHistory(this.places.history);
    const { site, gate } = this.identity;
    this.recorder = createRecorder({ client: ports.appender, site, gate });
    this.decisions = new GateDecisions({
      config,
      places: this.places,
      appender: ports.appender,
      logger: this.logger,
      identity: this.identity,
      record: (event) => this.recorder.record(event),
      onChange: () => this.gate?.reviewSessions(),
    });
    this.readers = new LogReaders(config, this.places, { log: () => this.decisions.log, logger: this.logger });
    this.operators = new OperatorActs({
      decisions: this.decisions,
      site,
      gate,
      never: () => neverList(this.config, this.machine),
      record: (event) => this.recorder.record(event),
    });
    this.metrics = new Metrics({
      version: version(),
      stats: () => this.running.stats,
      recorder: this.recorder,
      lists: () => this.inForce.lists.states,
      certificates: () => this.inForce.material.facts,
      panic: () => this.panic.state !== undefined,
      draining: () => this.draining,
      readers: this.readers,
      blocklist: this.decisions.blocklist,
      breakerOpen: () => this.decisions.isBreakerOpen(Date.now()),
    });
  }

  /** Opens the ports. Nothing is written to the disk before {@link settle}. @returns What the operator must know, one line each. */
  static async open(
    flags: ConfigFlagValues,
    configured: Configured,
    appender: Appender,
    logger: OperatorLog,
  ): Promise<Result<GateProcess, readonly string[]>> {
    const machine = thisMachine();
    const loaded = await load(configured, machine, logger);
    if (!loaded.ok) return loaded;
    const process = new GateProcess(flags, loaded.value, { appender, logger, machine });
    await process.decisions.begin();
    const opened = await process.openGate();
    if (opened.ok) return ok(process);
    await process.decisions.stop();
    return err([opened.error]);
  }

  get config(): Config {
    return this.inForce.configured.config;
  }

  /** Where each listener listens, by name. */
  get bound(): Gate['bound'] {
    return this.running.bound;
  }

  /**
   * Begins to keep what is to be kept, and to look after lists and certificates. After the rights of root are given up.
   *
   * @returns One line for the operator where the secret of the site cannot be had.
   */
  settle(): Result<undefined, string> {
    const secret = openSiteSecret(this.config.privacy.secretFile, this.places.siteSecret);
    if (!secret.ok) return secret;
    const ratchet = new CredentialRatchet(this.places.credentialKey, Date.now(), (reason) =>
      this.logger.error({ reason }, 'the key of the day for fingerprints of passwords cannot be kept'),
    );
    this.credentials = new CredentialHashes(secret.value, ratchet, this.config.privacy.accounts === 'plain');
    this.senders = new KeptSenders(this.places.senders, secret.value.derive('senders', SENDER_KEY_OCTETS), this.logger);
    this.hashLocalPart = localPartHashes(secret.value.derive('local parts', LOCAL_PART_KEY_OCTETS));
    this.watchFiles();
    this.every(CREDENTIAL_DAY_EVERY_MS, () => void ratchet.keyAt(Date.now()));
    this.every(HISTORY_SAVE_EVERY_MS, () => void saveHistory(this.history, this.places.history, this.logger));
    this.every(DECISIONS_KEEP_EVERY_MS, () => void this.decisions.keep(Date.now()));
    this.every(EXPIRY_CHECK_EVERY_MS, () => warnOfExpiry(this.inForce, this.logger));
    this.every(LOOK_EVERY_MS, () => this.readers.look());
    this.every(SUSPEND_CHECK_EVERY_MS, () => this.suspendOrNot());
    warnOfExpiry(this.inForce, this.logger);
    const { state } = this.panic;
    if (state !== undefined)
      this.logger.warn(state, 'the panic switch is on: rules only observe, until postern observe --off');
    return ok(undefined);
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
    this.senders?.close();
    await this.decisions.stop();
    await Promise.all([
      this.recorder.flush(),
      this.decisions.keep(Date.now()),
      saveHistory(this.history, this.places.history, this.logger),
    ]);
  }

  private get running(): Gate {
    const { gate } = this;
    if (gate === undefined) throw new Error('the gate is not open');
    return gate;
  }

  private async openGate(): Promise<Result<undefined, string>> {
    const opened = await openGate({
      ...this.settingsOf(this.inForce),
      recorder: this.recorder,
      logger: this.logger,
      clock: systemClock,
      senders: {
        note: (...sender) => this.senders?.note(...sender),
        hasSent: (...sender) => this.senders?.hasSent(...sender) ?? 'unavailable',
      },
      credentials: { fieldsOf: (shown, wallMs) => this.credentials?.fieldsOf(shown, wallMs) },
      ...(this.config.privacy.localParts === 'hash' && {
        hashLocalPart: (localPart: string) => this.hashLocalPart(localPart),
      }),
      onRecord: (event) => {
        this.metrics.see(event);
        this.history.see(event);
      },
    });
    if (!opened.ok) return opened;
    this.gate = opened.value;
    this.gate.setBlocklist(this.decisions.blocklist);
    return ok(undefined);
  }

  private settingsOf(inForce: InForce): GateSettings {
    const { configured, material, lists, providers } = inForce;
    return gateSettings(configured.config, {
      version: version(),
      configHash: configured.hash,
      lists: lists.lists,
      hasHistory: (ip) => this.history.has(ip, Date.now()),
      machine: this.machine,
      providers,
      tls: tlsOf(inForce),
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
    const late = changedRestartOnly(this.config, configured.value.config);
    if (late.length > 0)
      this.logger.warn({ settings: late.join(', ') }, 'these settings take a restart; all others are taken now');
    const config = withoutRestartOnly(this.config, configured.value.config);
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
    this.decisions.reconfigure(config);
    this.logger.level = config.logging.level;
    this.watchFiles();
    this.logger.info({ configHash: configured.value.hash }, 'the new configuration is in force');
  }

  private refuse(faults: readonly string[], configHash: string): void {
    for (const fault of faults)
      this.logger.error({ fault }, 'a fault of the new configuration: the old one stays in force');
    const shown = faults.slice(0, FAULTS_IN_EVENT_MAX).map((fault) => escapeField(fault, FIELD_LENGTH_MAX));
    this.recorder.record({
      ...this.eventBase(),
      type: 'config-changed',
      outcome: 'refused',
      configHash,
      faults: shown,
    });
  }

  private watchFiles(): void {
    const { configured, lists } = this.inForce;
    lists.watch(() => this.running.setLists(lists.lists));
    this.certificateWatch?.[Symbol.dispose]();
    const files = materialFiles(configured.config, configured.folder);
    const renew = (): void => void this.inTurn(() => this.renewCertificates());
    this.certificateWatch = files.length === 0 ? undefined : new FileWatch(files, renew);
  }

  /** Certificate and key may be renewed one after the other: until they fit each other the old ones stay. */
  private async renewCertificates(): Promise<void> {
    const renewed = withRenewedCertificates(this.inForce);
    const tls = renewed.ok ? tlsOf(renewed.value) : undefined;
    const applied = tls === undefined ? undefined : this.running.setCertificates(tls);
    if (renewed.ok && applied?.ok === true) {
      this.inForce = renewed.value;
      this.logger.info({ count: tls?.certificates.length }, 'the changed certificates are in force');
      warnOfExpiry(this.inForce, this.logger);
      return;
    }
    const faults = renewed.ok ? [applied?.ok === false ? applied.error : ''] : renewed.error;
    this.logger.error({ faults }, 'the changed certificates cannot be used: the old ones stay in force');
  }

  private suspendOrNot(): void {
    const reason = suspendedBecause({ recorder: this.recorder, whenFull: this.config.log.whenFull });
    if (reason === this.suspended) return;
    if (reason === undefined) this.logger.warn({}, 'events can be kept again: clients are let in');
    else this.logger.error({ reason }, 'events cannot be kept: no new client is let in (log.whenFull: defer)');
    this.suspended = reason;
    this.running.suspend(reason !== undefined);
  }

  private async manageNow(request: ManagementRequest): Promise<ManagementAnswer> {
    if (request.verb === 'modes')
      return { ok: true, gate: this.identity.gate, scenarios: { ...this.config.watch.scenarios } };
    return 'value' in request ? this.operators.act(request, Date.now()) : this.switchNow(request);
  }

  private async switchNow(request: PanicRequest): Promise<PanicAnswer> {
    const before = this.panic.state;
    const isOn = request.verb === 'observe-all';
    const changed = request.verb !== 'state' && isOn !== (before !== undefined);
    if (request.verb !== 'state' && changed) {
      const { verb, by, reason } = request;
      const switched = await this.switchPanic(isOn ? { by, reason, atMs: Date.now() } : undefined);
      if (!switched.ok) return { ok: false, reason: switched.error };
      const shown = { by: escapeField(by, FIELD_LENGTH_MAX), reason: escapeField(reason, FIELD_LENGTH_MAX) };
      this.recorder.record({ ...this.eventBase(), type: 'operator-acted', act: verb, ...shown });
      this.logger.warn(shown, isOn ? 'the panic switch is on: rules only observe' : 'the panic switch is off');
    }
    const { state } = this.panic;
    const rules = [...relaxedRules(this.config.policy.modes)];
    return { ok: true, gate: this.identity.gate, ...(state === undefined ? {} : { panic: state }), changed, rules };
  }

  private async switchPanic(panic: Panic | undefined): Promise<Result<undefined, string>> {
    const before = this.panic.state;
    const kept = await this.panic.set(panic);
    if (!kept.ok) return kept;
    const applied = await this.running.reload(this.settingsOf(this.inForce));
    if (!applied.ok) await this.panic.set(before);
    return applied;
  }

  private every(ms: number, work: () => void): void {
    this.timers.push(setInterval(work, ms).unref());
  }

  private eventBase() {
    const { site, gate } = this.identity;
    return { v: EVENT_VERSION, at: Date.now(), site, gate } as const;
  }

  /** One thing after the other. What throws is a defect: whoever asked may not listen, so it is told here. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch((error: unknown) => {
      this.logger.error({ fault: messageOf(error) }, 'the gate could not do what it was asked to: this is a defect');
    });
    return result;
  }
}

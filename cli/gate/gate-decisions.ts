import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Blocklist, type ScenarioMode } from '../../blocklist/blocklist.ts';
import { GROWTH_WINDOW_MS } from '../../blocklist/breaker.ts';
import type { BlocklistEntry } from '../../blocklist/entry.ts';
import { followDecisions } from '../../blocklist/io/follow.ts';
import { decodeDecision, encodeEvent } from '../../events/codec.ts';
import type { DecisionEvent, DecisionMade } from '../../events/decision.ts';
import { EVENT_VERSION, type MailEvent } from '../../events/event.ts';
import { ToldSeldom } from '../../lib/told-seldom.ts';
import { appendAll } from '../../log/append-all.ts';
import type { Appender } from '../../log/appender.ts';
import { decisionRecord } from '../../log/decision-record.ts';
import { openSqliteLogReader, type SqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import type { Identity } from '../config/assemble.ts';
import type { Places } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { writeLines } from '../io/atomic-file.ts';
import type { OperatorLog } from '../io/logger.ts';
import { untilMirrored } from '../io/mirrored-mark.ts';
import { textOf } from '../io/text-of.ts';

/** How long a gate that starts waits for the decisions that are in the log, milliseconds; then it opens its ports. */
export const CATCH_UP_MS = 3000;
/** How long a gate that starts waits for the decisions of the common log, milliseconds; then it takes those that it knew last. */
export const MIRROR_MS = 10_000;
/** Delay before a log that is not there is looked for again, milliseconds. */
const LOG_RETRY_MS = 1000;
/** How long the log may take to be reached before it is looked for anew, milliseconds. */
const LOG_PATIENCE_MS = 2000;

export interface GateDecisionsOptions {
  readonly config: Config;
  readonly places: Places;
  readonly appender: Appender;
  readonly logger: OperatorLog;
  /** Whose gate it is, for events. */
  readonly identity: Pick<Identity, 'site' | 'gate'>;
  readonly record: (event: MailEvent) => void;
  /** Decisions have changed. */
  readonly onChange: () => void;
}

/**
 * The decisions in force at a gate: those it wrote down when it last ran, and those of the log, which it follows. Without the
 * log those that it has stay in force until they end.
 */
export class GateDecisions {
  readonly blocklist: Blocklist;
  /** Every decision that was in the log at the start is known. */
  isCaughtUp = false;
  /** The log that is followed; undefined while none can be. */
  log: SqliteLogReader | undefined;
  private readonly options: GateDecisionsOptions;
  private readonly stopping = new AbortController();
  private readonly caughtUp = Promise.withResolvers<void>();
  private hasChanged = false;
  private isBreakerTold = false;
  /** When the breaker last made a decision milder. */
  private heldBackMs = Number.NEGATIVE_INFINITY;
  private readonly unreadable = new ToldSeldom();
  private following: Promise<void> = Promise.resolve();

  constructor(options: GateDecisionsOptions) {
    this.options = options;
    const { watch } = options.config;
    this.blocklist = new Blocklist({
      modeOf: modesOf(options.config),
      growthMax: watch.growthMax,
      seed: randomBytes(4).readInt32LE(0),
    });
    this.recall();
  }

  /**
   * Begins to follow the log. Resolves when what is there is known, or after {@link CATCH_UP_MS}. Where machines have a common log
   * what is there is what all of them decided, and may take {@link MIRROR_MS} to be here.
   */
  async begin(): Promise<void> {
    const { config, places, logger } = this.options;
    if (config.log.kind === 'kafka' && !(await untilMirrored(places.mirroredAt, Date.now(), MIRROR_MS)))
      logger.warn(
        { waitedS: MIRROR_MS / 1000 },
        'Kafka is not heard: the decisions that this gate knew last are in force',
      );
    this.following = this.follow();
    await Promise.race([this.caughtUp.promise, setTimeout(CATCH_UP_MS)]);
  }

  /** Takes other modes. */
  reconfigure(config: Config): void {
    this.blocklist.setModes(modesOf(config));
    this.blocklist.breaker.max = config.watch.growthMax;
    this.options.onChange();
  }

  /**
   * Puts decisions in force here, now, and into the log for everybody else.
   *
   * @returns False where the log did not have them within a moment; it will when it is back, if this gate lives as long.
   */
  async publish(decisions: readonly DecisionEvent[]): Promise<boolean> {
    this.took(decisions);
    const appended = appendAll(this.options.appender, decisions.map(decisionRecord));
    return await Promise.race([appended, setTimeout(CATCH_UP_MS, false)]);
  }

  /** Drops what is over, and writes down what is in force, if anything changed. */
  async keep(nowMs: number): Promise<void> {
    this.tellBreaker(nowMs);
    if (this.blocklist.sweep(nowMs) > 0) this.options.onChange();
    if (!this.hasChanged) return;
    this.hasChanged = false;
    const { places, logger, config } = this.options;
    try {
      await writeLines(places.blocklist, linesOf(this.blocklist, config.site, nowMs));
    } catch (error) {
      this.hasChanged = true;
      logger.warn({ reason: textOf(error) }, 'the decisions in force cannot be written down');
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.following;
  }

  private took(decisions: readonly DecisionEvent[]): void {
    const nowMs = Date.now();
    const { heldBackCount } = this.blocklist;
    let concernsSources = false;
    for (const decision of decisions) {
      // A clock that is ahead somewhere must not move the window of the breaker.
      const known = decision.at > nowMs ? { ...decision, at: nowMs } : decision;
      concernsSources = this.blocklist.take(known) !== undefined || concernsSources;
    }
    // What is read anew at the start is no news.
    if (this.isCaughtUp && this.blocklist.heldBackCount > heldBackCount) this.heldBackMs = nowMs;
    this.tellBreaker(nowMs);
    this.hasChanged ||= decisions.length > 0;
    if (concernsSources) this.options.onChange();
  }

  /** New automatic refusals only defer. */
  isBreakerOpen(nowMs: number): boolean {
    return this.blocklist.breaker.isTrippedAt(nowMs) || nowMs - this.heldBackMs < GROWTH_WINDOW_MS;
  }

  /** Once when it opens, and once when that is over: by the clock of this gate, since decisions may come late. */
  private tellBreaker(nowMs: number): void {
    const isOpen = this.isBreakerOpen(nowMs);
    if (isOpen === this.isBreakerTold) return;
    this.isBreakerTold = isOpen;
    const { logger, identity, record } = this.options;
    const { site, gate } = identity;
    const { max } = this.blocklist.breaker;
    const count = Math.max(this.blocklist.breaker.countAt(nowMs), isOpen ? max + 1 : 0);
    if (isOpen)
      logger.error({ count, max }, 'far more automatic refusals than usual: new ones only defer (watch.growthMax)');
    else logger.warn({ count, max }, 'automatic refusals are as usual again');
    record({ v: EVENT_VERSION, type: 'breaker-changed', at: nowMs, site, gate, tripped: isOpen, count, max });
  }

  private recall(): void {
    let text: string;
    try {
      text = readFileSync(this.options.places.blocklist, 'utf8');
    } catch {
      // A first start, or a lost file: the log has them all.
      return;
    }
    for (const line of text.split('\n')) {
      const decision = decodeDecision(line);
      if (decision.ok) this.blocklist.take(decision.value, true);
    }
  }

  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    const { places, logger } = this.options;
    while (!signal.aborted) {
      const opened = await openSqliteLogReader({
        directory: places.log,
        socketPath: places.logSocket,
        patienceMs: LOG_PATIENCE_MS,
      });
      if (opened.ok) {
        await using log = opened.value;
        this.log = log;
        try {
          await followDecisions(log, this.listener, signal);
        } catch (error) {
          logger.error({ reason: textOf(error) }, 'the decisions in the log cannot be followed: those in force stay');
        }
        this.log = undefined;
      }
      await setTimeout(LOG_RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private readonly listener = {
    took: (decisions: readonly DecisionEvent[]): void => this.took(decisions),
    caughtUp: (): void => {
      this.isCaughtUp = true;
      this.caughtUp.resolve();
    },
    unreadable: (some: number): void => {
      const count = this.unreadable.add(some, performance.now());
      if (count !== undefined)
        this.options.logger.warn({ count }, 'decisions that this release does not know were passed over');
    },
  };
}

const modesOf =
  ({ watch }: Config) =>
  (scenario: string): ScenarioMode =>
    (watch.scenarios as Readonly<Record<string, ScenarioMode>>)[scenario] ?? 'observe';

/** The entries in force as decisions, a line each; the account of each is in the log. */
function* linesOf(blocklist: Blocklist, site: string, nowMs: number): Generator<string> {
  for (const entry of blocklist.entries(nowMs)) yield `${encodeEvent(asDecision(entry, site))}\n`;
  for (const decision of blocklist.othersInForce(nowMs)) yield `${encodeEvent(decision)}\n`;
}

const asDecision = (entry: BlocklistEntry, site: string): DecisionMade => ({
  v: EVENT_VERSION,
  type: 'decision-made',
  at: entry.madeMs,
  site,
  id: entry.id,
  scope: entry.scope,
  value: entry.value,
  roles: [...entry.roles],
  origin: entry.origin,
  scenario: entry.scenario,
  action: entry.action,
  level: entry.level,
  until: entry.untilMs,
  reason: '',
});

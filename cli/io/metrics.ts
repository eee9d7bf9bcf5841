import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Blocklist } from '../../blocklist/blocklist.ts';
import type { MailEvent } from '../../events/event.ts';
import type { GateStats } from '../../proxy/io/gate.ts';
import type { Recorder } from '../../proxy/io/recorder.ts';
import type { ReaderWatch } from '../gate/reader-watch.ts';
import { type Counts, LABEL_SEPARATOR, Tally } from '../gate/tally.ts';
import type { ListState } from './list-watcher.ts';
import type { CertificateFacts } from './material.ts';

/** What is asked when somebody looks. */
type Reader = Pick<ReaderWatch, 'behindSeconds' | 'unseen'>;

export interface MetricSources {
  readonly version: string;
  readonly stats: () => GateStats;
  readonly recorder: Pick<Recorder, 'counters' | 'failing' | 'pressure'>;
  readonly lists: () => readonly ListState[];
  readonly certificates: () => readonly CertificateFacts[];
  readonly panic: () => boolean;
  readonly draining: () => boolean;
  readonly blocklist: Pick<Blocklist, 'held' | 'leftOutCount'>;
  /** The growth breaker: new automatic refusals only defer. */
  readonly breakerOpen: () => boolean;
  /** Parts that read the log of this machine; undefined for those that run elsewhere. */
  readonly readers: Readonly<Record<'analyzers' | 'store' | 'ship', Reader | undefined>>;
}

/** Bounds of the histogram of command latencies, seconds. */
const LATENCY_BOUNDS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300];

/** The metrics of one gate, in the text format of Prometheus. Every name begins with `postern_`, but for those of Node. */
export class Metrics {
  readonly registry = new Registry();
  private readonly tally = new Tally();
  private readonly latency: Histogram;

  constructor(sources: MetricSources) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.latency = new Histogram({
      name: 'postern_command_duration_seconds',
      help: 'A command complete to its reply written, the time of the server behind included.',
      buckets: LATENCY_BOUNDS_SECONDS,
      registers,
    });
    this.countTally();
    this.countSessions(sources);
    this.countLog(sources);
    this.countReaders(sources);
    this.countDecisions(sources);
    this.gauge('postern_observing_all', 'The panic switch is on.', () => Number(sources.panic()));
    this.gauge('postern_draining', 'The gate is on its way to stop.', () => Number(sources.draining()));
    this.labelled('postern_info', 'The version that runs.', ['version'], () => [[[sources.version], 1]]);
    this.labelled('postern_list_entries', 'Entries of a list in force; absent while there is none.', ['list'], () =>
      sources.lists().flatMap(({ name, entries }) => (entries === undefined ? [] : [[[name], entries]])),
    );
    this.labelled('postern_list_failing', 'The list cannot be read anew.', ['list'], () =>
      sources.lists().map(({ name, failing }) => [[name], Number(failing)]),
    );
    this.labelled('postern_list_read_seconds', 'When the list was last read well, Unix time.', ['list'], () =>
      sources.lists().flatMap(({ name, readAtMs }) => (readAtMs === undefined ? [] : [[[name], readAtMs / 1000]])),
    );
    this.labelled('postern_certificate_end_seconds', 'End of a certificate, Unix time.', ['file'], () =>
      sources.certificates().map(({ file, untilMs }) => [[file], untilMs / 1000]),
    );
  }

  /** Counts one event. */
  see(event: MailEvent): void {
    this.tally.see(event);
    if (event.type === 'command') this.latency.observe(event.latencyUs / 1_000_000);
  }

  private countTally(): void {
    const { tally } = this;
    const outcome = ['listener', 'outcome'];
    this.counter(
      'postern_commands_total',
      'Commands by verdict.',
      ['listener', 'verb', 'action', 'rule'],
      tally.commands,
    );
    const rule = ['listener', 'rule', 'action'];
    this.counter('postern_observed_total', 'What rules that only observe would have done.', rule, tally.observed);
    this.counter('postern_refused_connections_total', 'Connections turned away.', rule, tally.refusals);
    this.counter('postern_sessions_closed_total', 'Sessions by outcome.', outcome, tally.sessions);
    this.counter('postern_mails_total', 'Mail transactions by outcome.', outcome, tally.mails);
    this.counter('postern_auth_attempts_total', 'AUTH commands by outcome.', outcome, tally.authAttempts);
    const stage = ['listener', 'stage'];
    this.counter('postern_upstream_failures_total', 'Failures of the server behind.', stage, tally.upstreamFailures);
    this.counter('postern_anomalies_total', 'Hostile or broken input.', ['listener', 'kind'], tally.anomalies);
  }

  private countSessions({ stats }: MetricSources): void {
    this.gauge('postern_sessions', 'Sessions open now.', () => stats().sessions);
    this.gauge(
      'postern_nameless_connections',
      'Connections before their PROXY header or TLS handshake.',
      () => stats().nameless,
    );
    this.gauge('postern_upstream_connections', 'Connections to the server behind.', () => stats().upstreamConnections);
    this.total('postern_sessions_opened_total', 'Sessions opened.', () => stats().sessionsOpened);
    this.total('postern_sessions_crashed_total', 'Sessions that a fault of Postern ended.', () => stats().crashed);
  }

  private countLog({ recorder }: MetricSources): void {
    this.total('postern_events_recorded_total', 'Events given to the log.', () => recorder.counters.recorded);
    this.total(
      'postern_events_dropped_total',
      'Events dropped because the queue was full.',
      () => recorder.counters.dropped,
    );
    this.gauge('postern_events_queued', 'Events that wait for the log.', () => recorder.counters.queued);
    this.gauge('postern_event_queue_share', 'How full the queue is, 0 to 1.', () => recorder.pressure);
    this.gauge('postern_log_failing', 'Events are not getting into the log.', () =>
      Number(recorder.failing !== undefined),
    );
  }

  private countReaders({ readers: { analyzers, store, ship } }: MetricSources): void {
    if (analyzers !== undefined) {
      this.gauge(
        'postern_analyzers_behind_seconds',
        'For how long the oldest record that the analyzers have not seen is in the log, or they have been silent.',
        () => analyzers.behindSeconds,
      );
      this.labelled(
        'postern_analyzers_unseen_records',
        'Records that a watch of the analyzers has not seen.',
        ['watch'],
        () => [...analyzers.unseen].map(([name, count]) => [[name], count]),
      );
    }
    if (store !== undefined) {
      this.gauge(
        'postern_store_behind_seconds',
        'For how long the oldest record that is not in the store is in the log, or the store has been silent.',
        () => store.behindSeconds,
      );
      this.gauge('postern_store_unseen_records', 'Records that are not in the store.', () => sumOf(store.unseen));
    }
    if (ship !== undefined) {
      this.gauge(
        'postern_ship_behind_seconds',
        'For how long the oldest record that was not sent on to Kafka is in the log, or nothing has been sent.',
        () => ship.behindSeconds,
      );
      this.gauge('postern_ship_unsent_records', 'Records that were not sent on to Kafka.', () => sumOf(ship.unseen));
    }
  }

  private countDecisions({ blocklist, breakerOpen, stats }: MetricSources): void {
    this.counter(
      'postern_restrained_total',
      'Clients that decisions slowed down, deferred, refused or dropped.',
      ['scenario', 'action'],
      () => stats().restrained,
    );
    this.labelled('postern_decisions_in_force', 'Decisions held.', ['scope', 'action', 'mode'], () =>
      blocklist
        .held(Date.now())
        .map(({ scope, action, observed, count }) => [[scope, action, observed ? 'observe' : 'enforce'], count]),
    );
    this.total('postern_decisions_left_out_total', 'Decisions that found no room.', () => blocklist.leftOutCount);
    this.gauge('postern_growth_breaker_open', 'New automatic refusals only defer (watch.growthMax).', () =>
      Number(breakerOpen()),
    );
  }

  private counter(name: string, help: string, labelNames: readonly string[], counts: Counts | (() => Counts)): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [key, count] of typeof counts === 'function' ? counts() : counts)
          this.inc(labelled(labelNames, key.split(LABEL_SEPARATOR)), count);
      },
    });
  }

  private total(name: string, help: string, value: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  }

  private gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }

  private labelled(
    name: string,
    help: string,
    labelNames: readonly string[],
    values: () => readonly (readonly [readonly string[], number])[],
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [labels, value] of values()) this.set(labelled(labelNames, labels), value);
      },
    });
  }
}

const labelled = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));

const sumOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

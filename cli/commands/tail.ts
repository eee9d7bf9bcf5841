import { decodeEvent, partitionKeyOf } from '../../events/codec.ts';
import { eventSchemas, type MailEvent } from '../../events/event.ts';
import { escapeField } from '../../lib/escape.ts';
import type { EventLog, Offset } from '../../log/event-log.ts';
import { onceEach } from '../../store/origin-marks.ts';
import { configFlags } from '../config/from-flags.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE, runCommand, type Usage } from '../flags.ts';
import { type EventFilter, eventFilter } from '../format/event-filter.ts';
import { formatEvent } from '../format/event-line.ts';
import { dataDirectoryOf } from '../io/config-file.ts';
import { partitionsIn } from '../io/log-pages.ts';
import { openLogOrTell } from '../io/open-log.ts';
import { nearestWord } from '../nearest.ts';

const usage = {
  verb: 'tail',
  summary: 'follows the events, one line each',
  details: 'Times are UTC. Ends with Ctrl-C.',
  flags: {
    ip: { value: 'address', text: 'Only events of this address or network.' },
    rule: { value: 'rule', text: 'Only events of this rule, observed or enforced.' },
    type: { value: 'type', text: 'Only events of this type; see docs/events.md.' },
    session: { value: 'id', text: 'Only one session: its id, or the reference in a refusal.' },
    json: { text: 'Events as they stand in the log, one JSON object a line.' },
    'from-start': { text: 'From the oldest event that is kept, not from now on.' },
    config: configFlags.config,
    data: configFlags.data,
  },
} as const satisfies Usage;

const STREAM = 'postern.events';
/** Events read at a time. */
const PAGE_RECORDS = 500;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const filter = eventFilter(values);
    const unknown = unknownType(values.type);
    if (!filter.ok || unknown !== undefined) {
      process.stderr.write(`postern: ${filter.ok ? unknown : filter.error}\n`);
      return EXIT_USAGE;
    }
    const directory = dataDirectoryOf(values);
    if (!directory.ok) return directory.error;
    await using log = await openLogOrTell(values, directory.value);
    if (log === undefined) return EXIT_FAULT;
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    process.once('SIGTERM', () => stop.abort());
    const print = printer(filter.value, values.json === true);
    await tail(log, print, values['from-start'] === true, stop.signal);
    return EXIT_OK;
  });

function unknownType(type: string | undefined): string | undefined {
  const known = Object.keys(eventSchemas);
  if (type === undefined || known.includes(type)) return undefined;
  const near = nearestWord(type, known);
  return near === undefined
    ? `--type ${type} is none of ${known.join(', ')}`
    : `unknown type ${type}; did you mean ${near}?`;
}

type Print = (partition: number, payload: string) => void;

/** Events without a source stand in every partition; they are shown once. */
function printer(filter: EventFilter, isJson: boolean): Print {
  const colour = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  const show = (event: MailEvent, payload: string): string => (isJson ? payload : formatEvent(event, colour));
  return (partition, payload) => {
    const event = decodeEvent(payload);
    if (!event.ok) {
      process.stderr.write(`postern: an event that this release does not know: ${escapeField(payload, 200)}\n`);
      return;
    }
    const isRepeated = partition !== 0 && partitionKeyOf(event.value) === undefined;
    if (!isRepeated && filter(event.value)) process.stdout.write(`${show(event.value, payload)}\n`);
  };
}

/** A partition when the reading began. */
interface TailedPartition {
  readonly partition: number;
  readonly first: Offset;
  readonly next: Offset;
  /** Of what it is given page by page, what it was not given before. */
  readonly fresh: ReturnType<typeof onceEach>;
}

async function tail(log: EventLog, print: Print, fromStart: boolean, signal: AbortSignal): Promise<void> {
  const places = await Promise.all(
    partitionsIn(log).map(
      async (partition): Promise<TailedPartition> => ({
        partition,
        ...(await log.bounds(STREAM, partition)),
        fresh: onceEach(),
      }),
    ),
  );
  if (fromStart) await printHistory(log, print, places, signal);
  await Promise.all(
    places.map(async ({ partition, next, fresh }) => {
      for await (const page of log.follow(STREAM, partition, next, signal)) {
        for (const { payload } of fresh(page.records)) print(partition, payload);
      }
    }),
  );
}

/** What is kept, of all partitions in the order of time. */
async function printHistory(
  log: EventLog,
  print: Print,
  places: readonly TailedPartition[],
  signal: AbortSignal,
): Promise<void> {
  const readers = places.map((place) => new HistoryReader(log, place));
  for (const reader of readers) await reader.fill();
  while (!signal.aborted) {
    const next = readers.filter(({ atMs }) => atMs !== undefined).sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))[0];
    const payload = next?.take();
    if (next === undefined || payload === undefined) return;
    print(next.partition, payload);
    await next.fill();
  }
}

/** One partition up to where it ended when the reading began. */
class HistoryReader {
  readonly partition: number;
  private readonly log: EventLog;
  private readonly end: Offset;
  private readonly fresh: TailedPartition['fresh'];
  private from: Offset;
  private waiting: { readonly payload: string; readonly atMs: number }[] = [];

  constructor(log: EventLog, { partition, first, next, fresh }: TailedPartition) {
    this.log = log;
    this.partition = partition;
    this.from = first;
    this.end = next;
    this.fresh = fresh;
  }

  /** Time of the next event; undefined when there is none. */
  get atMs(): number | undefined {
    return this.waiting[0]?.atMs;
  }

  take(): string | undefined {
    return this.waiting.shift()?.payload;
  }

  /** Reads on where everything was taken. */
  async fill(): Promise<void> {
    while (this.waiting.length === 0 && this.from < this.end) {
      const page = await this.log.read(STREAM, this.partition, this.from, Math.min(PAGE_RECORDS, this.end - this.from));
      this.waiting = this.fresh(page.records).map(({ payload }) => ({ payload, atMs: timeOf(payload) }));
      this.from = page.records.length === 0 ? this.end : page.nextOffset;
    }
  }
}

function timeOf(payload: string): number {
  const event = decodeEvent(payload);
  return event.ok ? event.value.at : 0;
}

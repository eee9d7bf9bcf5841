import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeEvent } from '../../events/codec.ts';
import { EVENT_VERSION, FIELD_LENGTH_MAX } from '../../events/event.ts';
import { Forgetter } from '../../events/forgetter.ts';
import { type Forgetting, pseudonymOf } from '../../events/forgetting.ts';
import { escapeField } from '../../lib/escape.ts';
import { KeyedHash, textOfHash } from '../../lib/keyed-hash.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../../log/appender.ts';
import { type EventLog, type Stream, streams } from '../../log/event-log.ts';
import type { Rewriter } from '../../log/rewriting.ts';
import { type Identity, identityOf } from '../config/assemble.ts';
import { type Places, placesIn } from '../config/places.ts';
import { type Config, configSchema } from '../config/schema.ts';
import type { ForgetReport, PartState } from '../format/forget-report.ts';
import { thisMachine } from '../io/machine.ts';
import { openLocalLogOrTell, openLogToRewrite } from '../io/open-log.ts';
import { Progress } from '../io/progress.ts';
import type { SiteSecret } from '../io/site-secret.ts';
import { detectorHashKey } from '../watch/watch-settings.ts';
import { type AskedPart, askPart } from './await-part.ts';
import { leftovers } from './leftovers.ts';
import { forgetInStream, type StreamCount } from './log-pass.ts';
import { type ForgetAnswer, ForgetRequests } from './requests.ts';

/** Spellings of forward-paths and accounts whose keyed hashes in evidence are replaced, at most; those of others age out. */
const OBJECTS_MAX = 10_000;
/** How often it is tried to empty write-ahead logs that somebody reads, and the time between, milliseconds. */
const SCRUB_TRIES_MAX = 20;
const SCRUB_AGAIN_MS = 500;

/** Who is to be forgotten, and what is known of where. */
export interface Wish {
  /** Of the requests to other parts. */
  readonly id: string;
  readonly by: string;
  readonly reason: string;
  /** Only counted, nothing is changed. */
  readonly isDryRun: boolean;
  readonly dataDirectory: string;
  /** Undefined where it is not known. */
  readonly config: Config | undefined;
  /** Undefined where it is not known: then keyed hashes are not looked for. */
  readonly secret: SiteSecret | undefined;
  readonly forgetting: Forgetting;
}

type ChangeableLog = EventLog & Appender & Rewriter;

/**
 * Takes a person out of what was recorded up to now. First the events, then what analyzers and store have made of them or will make:
 * nothing that is done brings back what was done before it.
 *
 * @returns One line for the operator where it cannot be begun. Throws where the log stops taking changes; then do it again.
 */
export async function forgetPerson(wish: Wish): Promise<Result<ForgetReport, string>> {
  const places = placesIn(wish.dataDirectory);
  const opened = await openFor(wish, places);
  if (!opened.ok) return opened;
  await using log = opened.value;
  const objects = new Map<string, string>();
  const forgetter = forgetterOf(wish, objects);
  const events = await pass(wish, log, forgetter, ['postern.events']);
  const analyzers = await askAnalyzers(wish, places);
  const others = streams.filter((stream) => stream !== 'postern.events');
  const counts = { ...events, ...(await pass(wish, log, forgetter, others)) };
  const isScrubbed = wish.isDryRun || (await scrub(log));
  const isRecorded = wish.isDryRun || (await record(wish, log, forgetter, counts));
  const history = await askStore(wish, places);
  const sum = (field: keyof StreamCount): number => Object.values(counts).reduce((all, each) => all + each[field], 0);
  return ok({
    isDryRun: wish.isDryRun,
    pseudonym: wish.isDryRun ? undefined : pseudonymOf(wish.forgetting),
    log: namedIn(counts),
    gone: sum('gone'),
    unsettled: sum('unsettled'),
    isScrubbed,
    isRecorded,
    analyzers,
    history: history.state,
    rows: history.answer?.records,
    hashesKnown: wish.secret !== undefined,
    left: leftovers(places, wish.config?.store.kind, forgetter),
  });
}

async function openFor(wish: Wish, places: Places): Promise<Result<ChangeableLog, string>> {
  if (!wish.isDryRun) return openLogToRewrite(places, identityIn(wish), wish.config?.log);
  const log = await openLocalLogOrTell(wish.dataDirectory);
  return log === undefined ? err('nothing can be counted') : ok(log);
}

function identityIn({ config }: Wish): Pick<Identity, 'site' | 'gate'> {
  const machine = thisMachine();
  if (config !== undefined) return identityOf(config, machine);
  return { site: configSchema.shape.site.parse(undefined), gate: machine.name.split('.', 1)[0] ?? machine.name };
}

/** Evidence holds keyed hashes of forward-paths and accounts: they become those of the pseudonyms. */
function forgetterOf({ forgetting, secret }: Wish, objects: Map<string, string>): Forgetter {
  if (secret === undefined) return new Forgetter(forgetting);
  const hash = new KeyedHash(detectorHashKey(secret));
  const onObject = (before: string, after: string): void => {
    if (objects.size < OBJECTS_MAX) objects.set(textOfHash(hash.of(before)), textOfHash(hash.of(after)));
  };
  for (const { from, to } of forgetting.accounts) onObject(from, to);
  onObject(`${forgetting.local}@${forgetting.domain}`, pseudonymOf(forgetting));
  return new Forgetter(forgetting, { onObject, objects });
}

type Counts = Readonly<Partial<Record<Stream, StreamCount>>>;

async function pass(
  { isDryRun }: Wish,
  log: ChangeableLog,
  forgetter: Forgetter,
  wanted: readonly Stream[],
): Promise<Counts> {
  using progress = new Progress('looking through the event log');
  const counts: Partial<Record<Stream, StreamCount>> = {};
  for (const stream of wanted) counts[stream] = await forgetInStream({ log, forgetter, isDryRun, progress }, stream);
  return counts;
}

const namedIn = (counts: Counts): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(counts).flatMap(([stream, { named }]) => (named === 0 ? [] : [[stream, named] as const])),
  );

async function scrub(log: Rewriter): Promise<boolean> {
  for (let attempt = 0; attempt < SCRUB_TRIES_MAX; attempt += 1) {
    if ((await log.scrub()) === 0) return true;
    await delay(SCRUB_AGAIN_MS);
  }
  return false;
}

/** Says in the log who did it, and why. It names the pseudonym alone. */
async function record(wish: Wish, log: Appender, forgetter: Forgetter, counts: Counts): Promise<boolean> {
  const { site, gate } = identityIn(wish);
  const shown = (text: string): string => escapeField(forgetter.text(text), FIELD_LENGTH_MAX);
  const payload = encodeEvent({
    v: EVENT_VERSION,
    type: 'operator-acted',
    at: Date.now(),
    site,
    gate,
    act: 'forget',
    value: escapeField(pseudonymOf(wish.forgetting), FIELD_LENGTH_MAX),
    by: shown(wish.by),
    reason: shown(wish.reason),
    counts: namedIn(counts),
  });
  const appended = await log.append([
    { stream: 'postern.events', key: '', payload, everyPartition: true, priority: 'high' },
  ]);
  return appended.ok;
}

/** The analyzers know accounts; what they know of addresses are keyed hashes that age out. */
async function askAnalyzers(wish: Wish, places: Places): Promise<PartState> {
  if (!existsSync(places.watch) && !existsSync(places.progress)) return 'none';
  if (wish.isDryRun) return 'pending';
  const part: AskedPart = {
    requests: new ForgetRequests(places.forget, 'analyze'),
    progressFile: places.progress,
    what: 'waiting for the analyzers',
  };
  const answer = await askPart(part, wish.id, { isDryRun: false, forgetting: wish.forgetting });
  return answer === undefined ? 'pending' : 'done';
}

interface Asked {
  readonly state: PartState;
  readonly answer: ForgetAnswer | undefined;
}

async function askStore(wish: Wish, places: Places): Promise<Asked> {
  const isKept =
    wish.config === undefined
      ? existsSync(places.store) || existsSync(places.storeProgress)
      : wish.config.store.kind !== 'none';
  if (!isKept) return { state: 'none', answer: undefined };
  const part: AskedPart = {
    requests: new ForgetRequests(places.forget, 'store'),
    progressFile: places.storeProgress,
    what: 'changing the history',
  };
  const { isDryRun, forgetting } = wish;
  const answer = await askPart(part, wish.id, { isDryRun, forgetting });
  return { state: answer === undefined ? 'pending' : 'done', answer };
}

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { canonicalAddress } from '../../lib/ip.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Countries } from '../countries.ts';
import type { StoreDatabase, StoreFault } from '../database.ts';
import { type SourcePlace, SourceWalk } from '../source-walk.ts';

/** Rows of sources that are looked at in one go: as long as that takes, the writer may wait for the database. */
export const SLICE_ROWS = 5000;
/** Between two slices of a walk, milliseconds. */
const PAUSE_MS = 1000;
/** How often the sources of the last hours are looked at, milliseconds, and how far back. */
const RECENT = { everyMs: 5000, backMs: 7_200_000 };
/** How often all of them are: some came late into the store, and a row about a country may be over. Milliseconds. */
const ALL = { everyMs: 3_600_000 };
/** A row is written anew when its source was there so much later, seconds. */
const REFRESH_SECONDS = 86_400;
/** Delay after a database that would not answer, milliseconds. */
const RETRY_MS = 30_000;

/** Hears of what the operator should know. */
export interface CountryListener {
  trouble(what: string, details: object): void;
}

/** A source in an hour, and what the store has about its country. */
interface SourceRow extends SourcePlace {
  /** Empty where there is none, and where it is not known. */
  readonly country: string;
  /** Seconds since 1970-01-01 UTC; 0 where there is nothing. */
  readonly keptHour: number;
}

/**
 * Keeps the countries of sources in a store, beside its writer: compares what the table says with the file, and writes what
 * differs. So it may end at any moment, and a newer file takes its effect on all sources that are kept.
 */
export class CountryKeeper {
  private readonly database: StoreDatabase;
  private readonly listener: CountryListener;
  private readonly sliceRows: number;
  private readonly recent = new SourceWalk(RECENT);
  private readonly all = new SourceWalk(ALL);
  /** The one that went last stands last. */
  private turns = [this.recent, this.all];
  private countries: Countries | undefined;
  private told = '';

  constructor(database: StoreDatabase, listener: CountryListener, sliceRows = SLICE_ROWS) {
    this.database = database;
    this.listener = listener;
    this.sliceRows = sliceRows;
  }

  get hasCountries(): boolean {
    return this.countries !== undefined;
  }

  /** Every source that is kept is looked up in these, at leisure. */
  use(countries: Countries): void {
    this.countries = countries;
    this.told = '';
    for (const walk of this.turns) walk.restart();
  }

  /** Goes on until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = await this.step(Date.now());
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Looks at one slice. @returns How long to wait until the next, milliseconds. */
  async step(nowMs: number): Promise<number> {
    const { countries } = this;
    if (countries === undefined) return RECENT.everyMs;
    const walk = this.turns.find((each) => each.waitMs(nowMs) === 0);
    if (walk === undefined) return Math.min(...this.turns.map((each) => each.waitMs(nowMs)));
    this.turns = [...this.turns.filter((each) => each !== walk), walk];
    const ended = await this.lookAt(walk.next(nowMs), countries);
    if (!ended.ok) {
      this.tell('countries of sources cannot be kept in the store', ended.error);
      return RETRY_MS;
    }
    this.told = '';
    // A file that came meanwhile begins anew.
    if (countries === this.countries) walk.arrived(ended.value);
    return PAUSE_MS;
  }

  /** @returns Where the slice behind `place` ends; undefined: nothing is behind it. */
  private async lookAt(place: SourcePlace, countries: Countries): Promise<Result<SourcePlace | undefined, StoreFault>> {
    const slice = await this.database.query<SourceRow>(sliceStatement, { ...place, rows: this.sliceRows });
    if (!slice.ok) return slice;
    const rows = slice.value;
    const changed = changedRows(rows, countries);
    if (!changed.ok) {
      this.countries = undefined;
      this.tell('the file of countries is not used any more', { message: changed.error });
      return ok(undefined);
    }
    const inserted = await this.database.insert('countries_of_sources', changed.value, randomUUID());
    if (!inserted.ok) return inserted;
    const last = rows.at(-1);
    return ok(rows.length < this.sliceRows || last === undefined ? undefined : { hour: last.hour, ip: last.ip });
  }

  /** Once as long as it is the same. */
  private tell(what: string, { message }: Pick<StoreFault, 'message'>): void {
    if (this.told !== message) this.listener.trouble(what, { reason: message });
    this.told = message;
  }
}

/** Lines for the table about the sources of which it has nothing, or something else. @returns One line where the file is damaged. */
function changedRows(rows: readonly SourceRow[], countries: Countries): Result<readonly string[], string> {
  // Of an address that is there several times the last hour counts.
  const latest = new Map(rows.map((row) => [row.ip, row]));
  const changed: string[] = [];
  for (const { ip, hour, country: kept, keptHour } of latest.values()) {
    const found = countries.countryOf(canonicalAddress(ip) ?? ip);
    if (!found.ok) return err(found.error);
    const country = found.value;
    if (keptHour === 0 || kept !== country || hour - keptHour >= REFRESH_SECONDS)
      changed.push(JSON.stringify({ ip, country, hour }));
  }
  return ok(changed);
}

const slice = `SELECT toUnixTimestamp(sources_by_hour.hour) AS seconds, ip FROM sources_by_hour
  WHERE sources_by_hour.hour > toDateTime({hour:UInt32}, 'UTC')
    OR (sources_by_hour.hour = toDateTime({hour:UInt32}, 'UTC') AND ip > toIPv6({ip:String}))
  ORDER BY sources_by_hour.hour, ip LIMIT {rows:UInt32}`;

/** A slice of sources with what is known of them; 32-bit numbers come as numbers. */
const sliceStatement = `SELECT toUInt32(source.seconds) AS hour, toString(source.ip) AS ip,
  toString(known.country) AS country, toUInt32(known.seconds) AS keptHour
FROM (${slice}) AS source
LEFT JOIN (
  SELECT ip, argMax(country, at) AS country, toUnixTimestamp(max(hour)) AS seconds
  FROM countries_of_sources WHERE ip IN (SELECT ip FROM (${slice})) GROUP BY ip
) AS known ON known.ip = source.ip
ORDER BY source.seconds, source.ip`;

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqliteLogReader, type SqliteLogReader } from '../../log/io/sqlite-log-reader.ts';
import { placesIn } from '../config/places.ts';
import { formatWhy } from '../format/why.ts';
import { noHistory } from '../store/history-server.ts';
import { gatherWhy } from '../why/gather.ts';
import type { Stage } from './actor.ts';
import { Chronicle } from './chronicle.ts';
import { consoleHint, introduction, readersHints } from './guide.ts';
import { MailStore } from './mail-store.ts';
import { Narrator } from './narrator.ts';
import { OldServer } from './old-server.ts';
import type { Paint } from './paint.ts';
import { play } from './play.ts';
import { Product } from './product.ts';
import { isAsTold, reportJson, reportText } from './report.ts';
import { type SetUp, setUp } from './set-up.ts';
import { TemporaryDirectory } from './temporary-directory.ts';
import { untilAborted } from './until-aborted.ts';

/** Longest wait for the gate to take connections, milliseconds. */
export const READY_MS_MAX = 30_000;
/** How often that is looked for, milliseconds. */
const READY_EVERY_MS = 50;

export interface DemoOptions {
  /** End after the story instead of waiting for the reader. */
  readonly once: boolean;
  /** Print the table as JSON and nothing else. */
  readonly json: boolean;
  /** Takes whole lines for stdout. */
  readonly write: (text: string) => void;
  readonly paint: Paint;
}

/**
 * Plays the demo: sets everything up, tells the story, judges it, and leaves nothing behind.
 *
 * @param signal - Ends it early, or ends the time of the reader.
 * @returns Whether every line came out as told. Rejects when something could not be set up, or was ended in the midst of the story.
 */
export async function runDemo({ once, json, write, paint }: DemoOptions, signal: AbortSignal): Promise<boolean> {
  using directory = new TemporaryDirectory();
  const store = await MailStore.open(join(directory.path, 'mail'));
  await using server = await OldServer.listen(store);
  const things = await setUp(directory.path, server.port, !once);
  const narrator = new Narrator(json ? () => undefined : write, paint);
  narrator.say(introduction(things, paint));
  await using product = new Product(things.configFile);
  await ready(things, product, signal);
  await using log = await openLog(things.dataDirectory);

  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const chronicle = new Chronicle((event) => narrator.event(event));
  chronicle.follow(log, stop).catch((error: unknown) => failed.abort(error));
  void product.exited.then(() => failed.abort(hasEnded(product)));
  try {
    await chronicle.started(stop);
    const address = once ? undefined : await consoleAddress(things, stop);
    if (address !== undefined) narrator.say(consoleHint(address, paint));
    const promote = async (during: AbortSignal): Promise<void> => {
      await things.promote();
      product.hangUp();
      await chronicle.configured(during);
    };
    const explain = async (source: string): Promise<string> => {
      const promoted = { source: 'configuration', isObserved: () => false } as const;
      const why = await gatherWhy({ log, history: noHistory }, { kind: 'source', value: source }, promoted, Date.now());
      return formatWhy({ ...why, decisions: why.decisions.slice(-1) }, Date.now(), false);
    };
    const company = { stage: stageOf(things), store, chronicle, narrator, promote, explain };
    const report = await play(company, stop);
    write(`${json ? reportJson(report) : reportText(report, paint)}\n`);
    if (!once) {
      chronicle.keepNoMore();
      narrator.say(readersHints(things, store.directory, address, paint));
      await untilAborted(stop);
    }
    failed.signal.throwIfAborted();
    return isAsTold(report);
  } catch (error) {
    throw failed.signal.aborted ? failed.signal.reason : error;
  } finally {
    failed.abort();
  }
}

/** The console with the token of an operator, once it is there. */
async function consoleAddress({ dataDirectory, ports }: SetUp, signal: AbortSignal): Promise<string | undefined> {
  const base = `http://127.0.0.1:${ports.console}/`;
  const { operatorToken } = placesIn(dataDirectory);
  for (const deadline = performance.now() + READY_MS_MAX; performance.now() < deadline; ) {
    const answer = await fetch(base, { signal }).catch(() => undefined);
    if (answer !== undefined && existsSync(operatorToken))
      return `${base}?token=${readFileSync(operatorToken, 'utf8').trim()}`;
    await sleep(READY_EVERY_MS, undefined, { signal });
  }
  return undefined;
}

const stageOf = ({ ports, certificate }: SetUp): Stage => {
  const { mx, submission, submissions, server } = ports;
  return { host: '127.0.0.1', ports: { mx, submission, submissions, 'server behind': server }, certificate };
};

const hasEnded = (product: Product): Error => new Error(`postern start has ended\n${product.messages}`);

/** The log as `postern tail` reads it. */
async function openLog(dataDirectory: string): Promise<SqliteLogReader> {
  const { log, logSocket } = placesIn(dataDirectory);
  const opened = await openSqliteLogReader({ directory: log, socketPath: logSocket, patienceMs: READY_MS_MAX });
  if (!opened.ok) throw new Error('the event log cannot be read');
  return opened.value;
}

/** Waits until the gate takes connections. */
async function ready({ ports }: SetUp, product: Product, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  for (;;) {
    signal.throwIfAborted();
    if (product.hasExited) throw hasEnded(product);
    if (performance.now() > deadline) throw new Error(`postern start is not ready\n${product.messages}`);
    const answer = await fetch(`http://127.0.0.1:${ports.http}/readyz`, { signal }).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(READY_EVERY_MS, undefined, { signal });
  }
}

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { Chronicle } from '../../cli/demo/chronicle.ts';
import { demoConfig } from '../../cli/demo/config.ts';
import { MailStore } from '../../cli/demo/mail-store.ts';
import { Narrator } from '../../cli/demo/narrator.ts';
import { OldServer } from '../../cli/demo/old-server.ts';
import { play } from '../../cli/demo/play.ts';
import type { Report } from '../../cli/demo/report.ts';
import { setUp } from '../../cli/demo/set-up.ts';
import { PROMOTED } from '../../cli/demo/world.ts';
import { decisionsIn } from '../../cli/io/read-decisions.ts';
import type { DecisionMade } from '../../events/decision.ts';
import type { EventLog } from '../../log/event-log.ts';
import { Postern, until } from './postern.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** No decision has come for so long: none is on its way. Milliseconds. */
const QUIET_MS = 4000;

/** One machine of a stage. */
export interface StageMachine {
  readonly name: string;
  /** Its parts. */
  readonly only: string;
  /** Names of its listeners, for one with a gate. */
  readonly doors: readonly string[];
  /** What else its configuration says. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** The machines on which the story of the demo is played. */
export interface Staging {
  readonly machines: readonly StageMachine[];
  /** The log that all of them have in common; asked for once they run. */
  readonly log: (dataDirectory: string) => Promise<EventLog>;
}

/** What became of it. */
export interface Played {
  readonly report: Report;
  /** What was decided: about whom, by which scenario, what; sorted. */
  readonly decided: readonly string[];
}

/** Plays the story of the demo, and ends what ran. Accounts have the same hashes wherever `secretFile` is the same. */
export async function playStory({ machines, log: openLog }: Staging, secretFile: string): Promise<Played> {
  const folder = temporaryDirectory();
  const store = await MailStore.open(join(folder, 'mail'));
  const server = await OldServer.listen(store);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const things = await setUp(folder, server.port, false);
  const write = (promoted: readonly string[]): void => {
    for (const machine of machines) writeFileSync(fileOf(folder, machine), configOf(machine, promoted));
  };
  const configOf = (machine: StageMachine, promoted: readonly string[]): string =>
    stringify(machineConfig(machine, parse(demoConfig(things, promoted)), folder, secretFile));
  write([]);
  const running = await start(machines, folder);
  const gates = running.filter((_, index) => (machines[index]?.doors.length ?? 0) > 0);
  const log = await openLog(join(folder, machines[0]?.name ?? ''));
  const stop = new AbortController();
  const chronicle = new Chronicle(() => undefined);
  const following = chronicle.follow(log, stop.signal);
  await chronicle.started(stop.signal);
  const promote = async (): Promise<void> => {
    write(PROMOTED);
    for (const gate of gates) gate.signal('SIGHUP');
    const changes = () => chronicle.events.filter(({ type }) => type === 'config-changed').length;
    await until(
      () => (changes() === gates.length ? true : undefined),
      () => 'that the configuration has changed',
    );
  };
  const stage = { ...things, host: '127.0.0.1', ports: { ...things.ports, 'server behind': server.port } };
  const narrator = new Narrator(
    () => undefined,
    (_tone, text) => text,
  );
  const report = await play({ stage, store, chronicle, narrator, promote, explain: async () => '' }, stop.signal);
  const decided = await decidedIn(log);
  stop.abort();
  await following;
  for (const process of running) expect(await process.stop()).toBe(0);
  return { report, decided };
}

const fileOf = (folder: string, { name }: StageMachine): string => join(folder, `${name}.yaml`);

/** The configuration of the demo, for one machine of several. */
function machineConfig(
  { name, doors, settings }: StageMachine,
  config: { readonly listeners: readonly { readonly name: string }[] },
  folder: string,
  secretFile: string,
): object {
  const listeners = config.listeners.filter((listener) => doors.includes(listener.name));
  return {
    ...config,
    gate: name,
    dataDirectory: join(folder, name),
    // Where no gate is nothing listens.
    listeners: listeners.length > 0 ? listeners : [{ role: 'mx', withoutCertificate: true }],
    http: { port: 0 },
    privacy: { secretFile },
    logging: { level: 'info' },
    ...settings,
  };
}

/** Starts all machines, and waits until they do their work. */
async function start(machines: readonly StageMachine[], folder: string): Promise<readonly Postern[]> {
  const running = machines.map(
    (machine) => new Postern(['start', '--config', fileOf(folder, machine), '--only', machine.only]),
  );
  for (const [index, process] of running.entries()) {
    const { only = '', doors = [] } = machines[index] ?? {};
    if (doors.length > 0) await process.line('listening');
    if (only.includes('analyze')) await process.line('the analyzers watch');
  }
  return running;
}

/** Everything that was decided, once nothing more is. */
async function decidedIn(log: EventLog): Promise<readonly string[]> {
  for (let before = -1; ; ) {
    const made: DecisionMade[] = [];
    for await (const decision of decisionsIn(log)) if (decision.type === 'decision-made') made.push(decision);
    if (made.length === before)
      return [
        ...new Set(made.map(({ scenario, scope, value, action }) => `${scenario} ${scope} ${value} ${action}`)),
      ].sort();
    before = made.length;
    await setTimeout(QUIET_MS);
  }
}

/** A secret of a site. */
export function secretFileIn(folder: string): string {
  const file = join(folder, 'site.key');
  writeFileSync(file, randomBytes(32), { mode: 0o600 });
  return file;
}

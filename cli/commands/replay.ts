import { siteWatcher, sourceWatcher, type Watcher } from '../../analyzers/replay.ts';
import { encodeEvent } from '../../events/codec.ts';
import type { DecisionMade } from '../../events/decision.ts';
import type { EventLog, Stream } from '../../log/event-log.ts';
import { partitionOf } from '../../log/partition.ts';
import { configFlags } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import { EXIT_FAULT, EXIT_OK, runCommand, type Usage } from '../flags.ts';
import { configurationOrTell } from '../io/config-file.ts';
import { pagesOf, partitionsIn } from '../io/log-pages.ts';
import { thisMachine } from '../io/machine.ts';
import { openWholeLogOrTell } from '../io/open-log.ts';
import { Progress } from '../io/progress.ts';
import { decisionLinesIn } from '../io/read-decisions.ts';
import { openSiteSecret } from '../io/site-secret.ts';
import { type Watching, watchingOf } from '../watch/watch-settings.ts';

const usage = {
  verb: 'replay',
  summary: 'makes every decision of the analyzers once more from the log, and compares: byte for byte',
  details: [
    'Nothing is written. A difference means that the detectors or their settings have changed since, that the beginning of the log was',
    'trimmed while they went on from a snapshot, or that a person was forgotten of whom they have seen more since.',
  ].join('\n'),
  flags: { json: { text: 'One JSON object.' }, ...configFlags },
} as const satisfies Usage;

interface Comparison {
  readonly events: number;
  readonly evidence: number;
  readonly same: number;
  /** Made now, and not in the log. */
  readonly onlyReplayed: readonly string[];
  /** In the log, and not made now. */
  readonly onlyLogged: readonly string[];
}

/** Differences that are named; more are counted. */
const SHOWN_MAX = 20;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const configured = configurationOrTell(values);
    if (!configured.ok) return configured.error;
    const { config, folder } = configured.value;
    const secret = openSiteSecret(config.privacy.secretFile, placesIn(config.dataDirectory).siteSecret);
    const watching = secret.ok ? watchingOf(config, folder, thisMachine(), secret.value) : secret;
    if (!watching.ok) {
      process.stderr.write(`postern: ${watching.error}\n`);
      return EXIT_FAULT;
    }
    await using log = await openWholeLogOrTell(configured.value);
    if (log === undefined) return EXIT_FAULT;
    const comparison = await compare(log, watching.value);
    process.stdout.write(values.json === true ? `${JSON.stringify(comparison)}\n` : textOf(comparison));
    return comparison.onlyLogged.length + comparison.onlyReplayed.length === 0 ? EXIT_OK : EXIT_FAULT;
  });

async function compare(log: EventLog, { settings, siteDetectors }: Watching): Promise<Comparison> {
  using progress = new Progress('replaying');
  const replayed = new Map<string, string>();
  const ofAccounts = new Map<string, string>();
  const show = async (watcher: Watcher, stream: Stream, partition: number): Promise<number> => {
    let count = 0;
    for await (const records of pagesOf(log, stream, partition, progress)) {
      count += records.length;
      for (const decision of watcher.take(records).decisions) {
        const payload = encodeEvent(decision);
        replayed.set(decision.id, payload);
        if (decision.scope === 'account') ofAccounts.set(withoutId(payload, decision), decision.id);
      }
    }
    return count;
  };
  let events = 0;
  for (const partition of partitionsIn(log)) {
    events += await show(sourceWatcher(settings, partition), 'postern.events', partition);
  }
  const evidence = await show(
    siteWatcher(settings, siteDetectors),
    'postern.evidence',
    partitionOf(settings.site, log.partitionCount),
  );
  let same = 0;
  const onlyLogged: string[] = [];
  for await (const { decision, payload } of decisionLinesIn(log)) {
    if (decision.type !== 'decision-made' || decision.origin !== 'analyzer') continue;
    const id = replayed.has(decision.id) ? decision.id : (ofAccounts.get(withoutId(payload, decision)) ?? decision.id);
    if (replayed.get(id) === payload || id !== decision.id) same += 1;
    else onlyLogged.push(nameOf(decision));
    replayed.delete(id);
  }
  return { events, evidence, same, onlyReplayed: [...replayed.values()], onlyLogged };
}

/** An id is made of the account: of somebody who was forgotten since, it is another one. */
const withoutId = (payload: string, { id }: DecisionMade): string => payload.replace(`"id":"${id}"`, '');

const nameOf = ({ id, scenario, value, action }: DecisionMade): string => `${id} ${scenario} ${action} ${value}`;

function textOf({ events, evidence, same, onlyReplayed, onlyLogged }: Comparison): string {
  const lines = [
    `${events} events and ${evidence} pieces of evidence replayed: ${same} decisions are the same, byte for byte.`,
  ];
  const add = (title: string, names: readonly string[]): void => {
    if (names.length === 0) return;
    lines.push(`${title}: ${names.length}`, ...names.slice(0, SHOWN_MAX).map((name) => `  ${name.slice(0, 200)}`));
  };
  add('In the log and not made now', onlyLogged);
  add('Made now and not in the log', onlyReplayed);
  return `${lines.join('\n')}\n`;
}

import { configFlags } from '../config/from-flags.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE, runCommand, type Usage } from '../flags.ts';
import { formatWhy } from '../format/why.ts';
import { dataDirectoryOf } from '../io/config-file.ts';
import { openLogOrTell } from '../io/open-log.ts';
import { historyOf } from '../store/history-server.ts';
import { modesInUse } from '../watch/modes-in-use.ts';
import { gatherWhy } from '../why/gather.ts';
import { subjectOf } from '../why/subject.ts';

const usage = {
  verb: 'why',
  summary: 'the chain behind a refusal or a decision: what was decided, on what evidence, and what undoes it',
  details: [
    'Read from the event log, and from the history what the log does not have any more.',
    'It works while the gate and the analyzers are down; without a history it says how far back the log reaches.',
  ].join('\n'),
  argument: {
    value: 'address, reference or id',
    text: 'An address or range, the reference in a refusal (26 characters), or the id of a decision (16).',
  },
  flags: {
    json: { text: 'One JSON object.' },
    config: configFlags.config,
    data: configFlags.data,
  },
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const subject = subjectOf(values.argument ?? '');
    if (subject === undefined) {
      process.stderr.write(`postern: ${usage.argument.value} expected; see postern why --help\n`);
      return EXIT_USAGE;
    }
    const directory = dataDirectoryOf(values);
    if (!directory.ok) return directory.error;
    await using log = await openLogOrTell(values, directory.value);
    if (log === undefined) return EXIT_FAULT;
    await using history = historyOf(values, directory.value);
    const modes = await modesInUse(values, directory.value);
    const why = await gatherWhy({ log, history }, subject, modes, Date.now());
    const isKnown = why.decisions.length > 0 || why.sessions.length > 0;
    const colour = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
    process.stdout.write(values.json === true ? `${JSON.stringify(why)}\n` : formatWhy(why, Date.now(), colour));
    return isKnown ? EXIT_OK : EXIT_FAULT;
  });

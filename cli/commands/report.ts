import { configFlags } from '../config/from-flags.ts';
import { parseDuration } from '../duration.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE, runCommand, type Usage } from '../flags.ts';
import { formatReport } from '../format/report.ts';
import { dataDirectoryOf } from '../io/config-file.ts';
import { openLogOrTell } from '../io/open-log.ts';
import { gatherReport } from '../report/gather.ts';
import { historyOf } from '../store/history-server.ts';
import { modesInUse } from '../watch/modes-in-use.ts';

const usage = {
  verb: 'report',
  summary: 'what was refused, and what decisions that only observe would have refused: accepted mail first',
  details: [
    'Read from the event log, and from the history what happened before the log begins.',
    'It works whatever else is running; without a history it says how far back the log reaches.',
  ].join('\n'),
  flags: {
    since: { value: 'time', text: 'How far back: 12h, 7d, 30d. Default: 7d.' },
    json: { text: 'One JSON object.' },
    config: configFlags.config,
    data: configFlags.data,
  },
} as const satisfies Usage;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const sinceMs = parseDuration(values.since ?? '7d');
    if (sinceMs === undefined) {
      process.stderr.write('postern: --since is no time: write 12h or 7d\n');
      return EXIT_USAGE;
    }
    const directory = dataDirectoryOf(values);
    if (!directory.ok) return directory.error;
    await using log = await openLogOrTell(values, directory.value);
    if (log === undefined) return EXIT_FAULT;
    await using history = historyOf(values, directory.value);
    const nowMs = Date.now();
    const modes = await modesInUse(values, directory.value);
    const report = await gatherReport(log, history, { sinceMs: nowMs - sinceMs, nowMs, modes });
    process.stdout.write(values.json === true ? `${JSON.stringify(report)}\n` : formatReport(report));
    return EXIT_OK;
  });

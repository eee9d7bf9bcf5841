import { decodeEvent } from '../../events/codec.ts';
import type { EventLog } from '../../log/event-log.ts';
import { configFlags } from '../config/from-flags.ts';
import { parseDuration } from '../duration.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE, runCommand, type Usage } from '../flags.ts';
import { formatReport } from '../format/report.ts';
import { dataDirectoryOf } from '../io/config-file.ts';
import { pagesOf, partitionsIn } from '../io/log-pages.ts';
import { openLogOrTell } from '../io/open-log.ts';
import { Progress } from '../io/progress.ts';
import { decisionsIn } from '../io/read-decisions.ts';
import { Report } from '../report/report.ts';
import { modesInUse } from '../watch/modes-in-use.ts';

const usage = {
  verb: 'report',
  summary: 'what was refused, and what decisions that only observe would have refused: accepted mail first',
  details: 'Read from the event log: it works whatever else is running.',
  flags: {
    since: { value: 'time', text: 'How far back: 12h, 7d. Default: 7d.' },
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
    await using log = await openLogOrTell(directory.value);
    if (log === undefined) return EXIT_FAULT;
    const report = new Report(Date.now() - sinceMs, await modesInUse(values, directory.value));
    for await (const decision of decisionsIn(log)) report.addDecision(decision);
    await addEvents(log, report);
    const summary = report.summary();
    process.stdout.write(values.json === true ? `${JSON.stringify(summary)}\n` : formatReport(summary));
    return EXIT_OK;
  });

async function addEvents(log: EventLog, report: Report): Promise<void> {
  using progress = new Progress('reading the events');
  for (const partition of partitionsIn(log)) {
    for await (const records of pagesOf(log, 'postern.events', partition, progress)) {
      for (const { payload } of records) {
        const event = decodeEvent(payload);
        if (event.ok && (partition === 0 || 'ip' in event.value)) report.addEvent(event.value);
      }
    }
  }
}

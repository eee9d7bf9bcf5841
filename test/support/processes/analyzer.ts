import { FileSnapshots } from '../../../analyzers/io/file-snapshots.ts';
import { Runner } from '../../../analyzers/io/runner.ts';
import { siteDetectors } from '../../../analyzers/site/all.ts';
import { openSqliteLogReader } from '../../../log/io/sqlite-log-reader.ts';
import { watchSettings } from '../watch.ts';

/**
 * The analyzers of a test: `node analyzer.ts <log directory> <socket> <snapshots> <events between two snapshots>`. It says
 * `ready` once every watch has its state, `trouble <what>` for what the operator should know, and runs until it is killed.
 */
const [directory = '', socketPath = '', snapshots = '', snapshotEventsMax = ''] = process.argv.slice(2);
const log = await openSqliteLogReader({ directory, socketPath });
if (!log.ok) throw new Error(log.error);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const runner = new Runner({
  log: log.value,
  snapshots: new FileSnapshots(snapshots),
  settings: watchSettings(),
  siteDetectors,
  stateHash: 'h',
  snapshotEventsMax: Number(snapshotEventsMax),
  listener: {
    decided: () => undefined,
    alerted: () => undefined,
    trouble: (what, details) => say(`trouble ${what} ${JSON.stringify(details)}`),
  },
});
await runner.run(() => say('ready'));

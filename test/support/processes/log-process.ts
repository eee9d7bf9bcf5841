import { runLogProcess } from '../../../log/io/log-process.ts';

/** The log process of a test: `node log-process.ts <directory> <socket> <durable>`; says `ready`, or why not. */
const [directory = '', socketPath = '', durable = ''] = process.argv.slice(2);
const opened = await runLogProcess({
  directory,
  socketPath,
  durable: durable === 'os' ? 'os' : 'fsync',
  site: 'site',
  gate: 'log',
  partitionCount: 4,
});
process.stdout.write(opened.ok ? 'ready\n' : `${JSON.stringify(opened.error)}\n`);

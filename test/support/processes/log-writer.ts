import { connectLog } from '../../../log/io/log-client.ts';

/**
 * A process that writes until it is killed: `node log-writer.ts <socket> <name>`. It appends records `{"w":name,"n":n}` with
 * n from 0, a few a batch and some batches at once, and says `acked <n>` for each n that the log acknowledged.
 */
const [socketPath = '', name = ''] = process.argv.slice(2);
const client = connectLog({ socketPath });
process.stdout.write('ready\n');

let next = 0;
async function write(): Promise<void> {
  for (;;) {
    const numbers = [next, next + 1, next + 2];
    next += numbers.length;
    const outcome = await client.append(
      numbers.map((n) => ({ stream: 'postern.events', key: name, payload: JSON.stringify({ w: name, n }) })),
    );
    if (!outcome.ok) throw new Error(outcome.error);
    process.stdout.write(numbers.map((n) => `acked ${n}\n`).join(''));
  }
}
await Promise.all(Array.from({ length: 8 }, write));

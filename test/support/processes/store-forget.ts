import { Forgetter } from '../../../events/forgetter.ts';
import { forgetInHistory } from '../../../store/io/history-forgetter.ts';
import { aForgetting } from '../forgetting.ts';
import { openTestStore } from '../store.ts';

/** Forgets the person of a test in a store of a test: `node store-forget.ts <store directory>`. It says each column that is done, and `forgotten`. */
const [directory = ''] = process.argv.slice(2);
const database = await openTestStore(directory, 'postern');
process.stdout.write('begins\n');
const forgotten = await forgetInHistory({
  database,
  forgetter: new Forgetter(aForgetting()),
  isDryRun: false,
  signal: new AbortController().signal,
  onColumn: (done) => process.stdout.write(`column ${done}\n`),
});
process.stdout.write(forgotten.ok ? 'forgotten\n' : `${forgotten.error.message}\n`);
await database[Symbol.asyncDispose]();

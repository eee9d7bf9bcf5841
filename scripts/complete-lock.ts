import { readFileSync, writeFileSync } from 'node:fs';
import { completeLock, type Lock } from './lock.ts';

/** Makes `package-lock.json` whole after `npm install`; `--check` fails where it is not. */
const file = new URL('../package-lock.json', import.meta.url);
const text = readFileSync(file, 'utf8');
const completed = completeLock(JSON.parse(text) as Lock);
if (!completed.ok) {
  for (const fault of completed.error) process.stderr.write(`package-lock.json: ${fault}\n`);
  process.exitCode = 1;
} else if (process.argv.includes('--check')) {
  for (const change of completed.value.changes)
    process.stderr.write(`package-lock.json: ${change}: run node scripts/complete-lock.ts\n`);
  if (completed.value.changes.length > 0) process.exitCode = 1;
} else if (completed.value.changes.length > 0) {
  writeFileSync(file, `${JSON.stringify(completed.value.lock, null, 2)}\n`);
  for (const change of completed.value.changes) process.stdout.write(`${change}\n`);
}

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openHistory, type TestHistory, testCredentials } from '../support/history.ts';
import { describeNeeds } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);
const page = readFileSync(new URL('../../docs/history.md', import.meta.url), 'utf8');

/** The blocks of code of the page. */
const examples = page
  .split(/\n(?! {4})/)
  .filter((block) => block.startsWith('\n    ') || block.startsWith('    '))
  .map((block) => block.replaceAll(/^ {4}/gm, '').trim());

describeNeeds(['curl'], 'curl examples of the documentation', () => {
  let history: TestHistory;
  beforeAll(async () => {
    history = await openHistory();
  });
  afterAll(() => history.close());

  test('work as they stand', async () => {
    const home = temporaryDirectory();
    writeFileSync(join(home, 'http.key'), `${testCredentials.password}\n`);
    const commands = examples.filter((example) => example.includes('curl '));
    expect(commands.length).toBeGreaterThan(4);
    for (const command of commands) {
      const here = command
        .replaceAll('http://127.0.0.1:8123', history.url)
        .replaceAll('/var/lib/postern/store/http.key', join(home, 'http.key'));
      const { stdout } = await run('sh', ['-c', here], { env: { ...process.env, HOME: home } });
      expect(stdout, command).not.toContain('DB::Exception');
      if (command.includes('count()')) expect(stdout).toBe('0\n');
      if (command.includes('SHOW TABLES')) expect(stdout).toContain('events\n');
      if (command.includes('CSVWithNames')) expect(stdout).toBe('"at","reversePath","domains","octets"\n');
    }
  });
});

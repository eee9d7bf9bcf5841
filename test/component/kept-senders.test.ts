import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { KeptSenders, SENDER_KEY_OCTETS } from '../../cli/gate/kept-senders.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const key = Buffer.alloc(SENDER_KEY_OCTETS, 7);

function place() {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(line) });
  return { file: join(temporaryDirectory(), 'senders.txt'), logger, lines };
}

test('who sent is known after a crash, whatever the case of the address, and stands nowhere in clear', () => {
  const { file, logger } = place();
  new KeptSenders(file, key, logger).note('Some.Body', 'example.com', Date.now());
  const again = new KeptSenders(file, key, logger);
  expect(again.hasSent('some.body', 'example.com', Date.now())).toBe(true);
  expect(again.hasSent('some.body', 'example.net', Date.now())).toBe('unavailable');
  expect(readFileSync(file, 'utf8')).not.toMatch(/body|example/i);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('the file does not grow without end', () => {
  const { file, logger } = place();
  const senders = new KeptSenders(file, key, logger, 5);
  const lineCounts = Array.from({ length: 20 }, (_, day) => {
    senders.note('a', 'example.com', Date.now() + day * 86_400_000);
    return readFileSync(file, 'utf8').split('\n').length - 1;
  });
  // Its beginning, the one address, and five lines added.
  expect(Math.max(...lineCounts)).toBe(7);
});

/** A file that has watched for long enough: whoever is not in it sent nothing. */
function ripe(file: string): void {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/^since \d+/, `since ${Date.now() - 8 * 86_400_000}`));
}

test('what cannot be written down is told once, and nothing is said to be forged for a week, a restart or not', () => {
  const { file, logger, lines } = place();
  new KeptSenders(file, key, logger);
  ripe(file);
  const senders = new KeptSenders(file, key, logger);
  const nowMs = Date.now();
  expect(senders.hasSent('b', 'example.com', nowMs)).toBe(false);
  // A folder in its place: nothing can be written there.
  const aside = `${file}.aside`;
  renameSync(file, aside);
  mkdirSync(file);
  senders.note('lost', 'example.com', nowMs);
  rmdirSync(file);
  renameSync(aside, file);
  senders.note('kept', 'example.com', nowMs);
  expect(senders.hasSent('b', 'example.com', nowMs)).toBe('unavailable');
  const again = new KeptSenders(file, key, logger);
  expect(['lost', 'kept'].map((name) => again.hasSent(name, 'example.com', nowMs))).toEqual([true, true]);
  expect(again.hasSent('b', 'example.com', nowMs)).toBe('unavailable');
  expect(lines).toHaveLength(1);
});

test('a file that says more than is true goes away, so that a restart does not believe it', () => {
  const { file, logger } = place();
  new KeptSenders(file, key, logger);
  ripe(file);
  const senders = new KeptSenders(file, key, logger);
  rmSync(file);
  // A full disk: what is there can be removed, and nothing be written.
  symlinkSync('/dev/full', file);
  senders.note('lost', 'example.com', Date.now());
  expect(existsSync(file)).toBe(false);
  expect(new KeptSenders(file, key, logger).hasSent('lost', 'example.com', Date.now())).toBe('unavailable');
});

test.each([
  ['under another secret', Buffer.alloc(SENDER_KEY_OCTETS, 8), (text: string) => text],
  ['after the machine went down', key, (text: string) => text.replace(/-\S+\n/, '-another-start\n')],
])('%s nothing is said to be forged for a week', (_name, otherKey, change) => {
  const { file, logger } = place();
  new KeptSenders(file, key, logger).note('a', 'example.com', Date.now());
  ripe(file);
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  expect(new KeptSenders(file, otherKey, logger).hasSent('b', 'example.com', Date.now())).toBe('unavailable');
});

test('a file that was closed in good order is good after a start of the machine', () => {
  const { file, logger } = place();
  const senders = new KeptSenders(file, key, logger);
  senders.note('a', 'example.com', Date.now());
  senders.close();
  ripe(file);
  expect(readFileSync(file, 'utf8')).toMatch(/^since \d+ [0-9a-f]{16}-closed\n/);
  const again = new KeptSenders(file, key, logger);
  expect(['a', 'b'].map((name) => again.hasSent(name, 'example.com', Date.now()))).toEqual([true, false]);
});

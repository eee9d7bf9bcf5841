import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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

test('what cannot be written down is told once, and nothing is said to be forged for a week', () => {
  const { file, logger, lines } = place();
  writeFileSync(file, 'since 0\n');
  const senders = new KeptSenders(file, key, logger);
  const nowMs = Date.now();
  expect(senders.hasSent('b', 'example.com', nowMs)).toBe(false);
  const broken = place();
  mkdirSync(broken.file);
  const other = new KeptSenders(broken.file, key, broken.logger);
  other.note('a', 'example.com', nowMs);
  expect(other.hasSent('b', 'example.com', nowMs)).toBe('unavailable');
  expect(broken.lines).toHaveLength(1);
  expect(lines).toEqual([]);
});

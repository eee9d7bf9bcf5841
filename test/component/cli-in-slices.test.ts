import { expect, test } from 'vitest';
import { inSlices, SLICE_MS } from '../../cli/io/in-slices.ts';
import { KeptList } from '../../cli/io/kept-list.ts';
import { ok } from '../../lib/result.ts';
import type { Steps } from '../../lib/steps.ts';
import { type DomainList, domainListSteps } from '../../proxy/domain-list.ts';
import { recipientListSteps } from '../../proxy/recipient-list.ts';
import { LogLines } from '../support/gate.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Keeps the thread for a millisecond in each step. */
function* busy(stepCount: number): Steps<string> {
  for (let step = 0; step < stepCount; step += 1) {
    const endMs = performance.now() + 1;
    while (performance.now() < endMs);
    yield;
  }
  return 'done';
}

test('others get their turn between slices', async () => {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  expect(await inSlices(busy(SLICE_MS * 10))).toBe('done');
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(5);
});

const stepsOf = (steps: Steps<unknown>): number => {
  let count = 0;
  while (steps.next().done !== true) count += 1;
  return count;
};

test('long lists are read in steps, whatever their lines are', () => {
  const lines = Array.from({ length: 10_000 }, (_, at) => `${at}.example`);
  expect(stepsOf(domainListSteps(lines.join('\n')))).toBeGreaterThanOrEqual(20);
  expect(stepsOf(domainListSteps('# nothing\n'.repeat(10_000)))).toBeGreaterThanOrEqual(19);
  const addresses = lines.map((line) => `user@${line}`);
  expect(stepsOf(recipientListSteps(addresses.join('\n'), { delimiter: undefined }))).toBeGreaterThanOrEqual(29);
});

test('of two readings the later one is in force at the end, however long the first takes', async () => {
  const texts = [Array.from({ length: 50_000 }, (_, at) => `${at}.old.example`).join('\n'), 'new.example\n'];
  const list = new KeptList<DomainList>({
    name: 'domains-file',
    read: async () => ok(texts.shift() ?? ''),
    parse: (text) => domainListSteps(text),
    copy: `${temporaryDirectory()}/copy`,
    logger: new LogLines(),
  });
  expect(await Promise.all([list.refresh(), list.refresh()])).toEqual([true, true]);
  expect(list.value).toMatchObject({ size: 1 });
});

import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { type AskedPart, askPart, SILENT_MS_MAX } from '../../cli/forget/await-part.ts';
import { ForgetRequests } from '../../cli/forget/requests.ts';
import { TakeUp } from '../../cli/forget/take-up.ts';
import { err, ok } from '../../lib/result.ts';
import { encodeProgress } from '../../log/progress.ts';
import { aForgetting } from '../support/forgetting.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const request = { isDryRun: false, forgetting: aForgetting() };
const never = new AbortController().signal;
const quiet = pino({ enabled: false });

test('a request is for this user alone, stays until it is done, and its answer names nobody', async () => {
  const folder = join(temporaryDirectory(), 'forget');
  const requests = new ForgetRequests(folder, 'store');
  expect(requests.pending()).toEqual([]);
  requests.leave('2-b', request);
  requests.leave('1-a', request);
  expect(requests.pending()).toEqual(['1-a', '2-b']);
  expect(new ForgetRequests(folder, 'analyze').pending()).toEqual([]);
  expect(statSync(join(folder, '1-a.store.json')).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const seen: string[] = [];
  const takeUp = new TakeUp(
    requests,
    async ({ forgetting }, onStep) => {
      onStep(1, 2);
      if (seen.length === 0) expect(requests.answer('1-a')).toMatchObject({ done: 1, total: 2, isComplete: false });
      seen.push(forgetting.local);
      return ok({ events: 3 });
    },
    quiet,
  );
  expect(await takeUp.once(never)).toBe(true);
  expect(seen).toEqual(['anna', 'anna']);
  expect(requests.pending()).toEqual([]);
  expect(requests.answer('2-b')).toEqual({ done: 1, total: 1, isComplete: true, records: { events: 3 } });
  expect(readdirSync(folder)).toEqual(['1-a.store-answer.json', '2-b.store-answer.json']);
  requests.sweep(2);
  expect(readdirSync(folder)).toEqual(['2-b.store-answer.json']);
});

test.each<
  readonly [string, () => Promise<ReturnType<typeof ok<Record<string, number>>> | ReturnType<typeof err<string>>>]
>([
  ['cannot be done', async () => err('the disk is full')],
  ['ends in a defect', () => Promise.reject(new Error('a defect'))],
])('what %s stays, and is done the next time', async (_what, fail) => {
  const requests = new ForgetRequests(temporaryDirectory(), 'analyze');
  requests.leave('1-a', request);
  let isFailing = true;
  const takeUp = new TakeUp(requests, async () => (isFailing ? fail() : ok({})), quiet);
  expect(await takeUp.once(never)).toBe(false);
  expect(requests.pending()).toEqual(['1-a']);
  isFailing = false;
  expect(await takeUp.once(never)).toBe(true);
  expect(requests.pending()).toEqual([]);
});

test('a request of another release stays, and holds up no other', async () => {
  const folder = temporaryDirectory();
  const requests = new ForgetRequests(folder, 'store');
  writeFileSync(join(folder, '1-a.store.json'), '{"who":"?"}');
  requests.leave('2-b', request);
  const takeUp = new TakeUp(requests, async () => ok({}), quiet);
  expect(await takeUp.once(never)).toBe(true);
  expect(requests.pending()).toEqual(['1-a']);
});

/** A part that told some time ago how far it is. */
function partThat(toldAgoMs: number | undefined): AskedPart {
  const folder = temporaryDirectory();
  const progressFile = join(folder, 'progress.json');
  if (toldAgoMs !== undefined)
    writeFileSync(progressFile, encodeProgress({ atMs: Date.now() - toldAgoMs, readers: [] }));
  return { requests: new ForgetRequests(folder, 'store'), progressFile, what: 'test', stepMsMax: 600 };
}

test.each([
  ['never told', undefined],
  ['is silent', SILENT_MS_MAX],
  ['takes too long', 0],
])('a part that %s keeps the request, and no request of a dry run', async (_what, toldAgoMs) => {
  const part = partThat(toldAgoMs);
  expect(await askPart(part, '1-a', { ...request, isDryRun: true })).toBeUndefined();
  expect(part.requests.pending()).toEqual([]);
  expect(await askPart(part, '2-b', request)).toBeUndefined();
  expect(part.requests.pending()).toEqual(['2-b']);
});

test('a part that runs is waited for, as long as it gets on', async () => {
  const part = partThat(0);
  const { requests } = part;
  const asked = askPart(part, '1-a', request);
  for (let done = 1; done <= 4; done += 1) {
    await new Promise((resolve) => setTimeout(resolve, 350));
    requests.tell('1-a', { done, total: 4, isComplete: done === 4, records: { events: done } });
  }
  expect(await asked).toMatchObject({ isComplete: true, records: { events: 4 } });
  expect(requests.pending()).toEqual([]);
  expect(requests.answer('1-a')).toBeUndefined();
});

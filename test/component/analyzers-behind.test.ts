import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { analyzerLimits } from '../../cli/gate/reader-lag.ts';
import { ReaderWatch } from '../../cli/gate/reader-watch.ts';
import type { Page } from '../../log/event-log.ts';
import { encodeProgress } from '../../log/progress.ts';
import { Postern, until } from '../support/postern.ts';
import { Site } from '../support/site.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const BEHIND =
  'the analyzers are behind or gone: no new decisions, those in force stay until they end, limits are always on';
const BACK = 'the analyzers keep up again';

const times = (site: Site, message: string): number => site.process.lines.filter(({ msg }) => msg === message).length;

async function metric(site: Site, name: string): Promise<number> {
  const text = await (await site.get('/metrics')).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1),
  );
}

const unseen = async (site: Site): Promise<number> => {
  const text = await (await site.get('/metrics')).text();
  const counts = text.split('\n').filter((line) => line.startsWith('postern_analyzers_unseen_records{watch="'));
  expect(counts.length).toBeGreaterThan(1);
  return counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

test('analyzers that stand still while mail comes in are told of once, and their return once; mail does not wait', async () => {
  const site = await Site.open();
  await site.start();
  const { pid } = await site.process.line('the analyzers watch');
  expect(await site.send()).toBe(250);
  await until(
    async () => ((await metric(site, 'postern_analyzers_behind_seconds')) < 2.5 ? true : undefined),
    () => 'analyzers that keep up',
  );
  const before = [times(site, BEHIND), times(site, BACK)];
  expect(before[0]).toBe(before[1]);

  process.kill(pid, 'SIGSTOP');
  try {
    expect(await site.send()).toBe(250);
    const line = await until(
      () =>
        times(site, BEHIND) > (before[0] ?? 0) ? site.process.lines.findLast(({ msg }) => msg === BEHIND) : undefined,
      () => BEHIND,
    );
    expect(line).toMatchObject({ part: 'gate', level: 50, limitS: 5 });
    expect(await metric(site, 'postern_analyzers_behind_seconds')).toBeGreaterThan(5);
    expect(await unseen(site)).toBeGreaterThan(3);
    const ready = await site.get('/readyz');
    expect([ready.status, await ready.text()]).toEqual([200, 'ready\n']);
    expect(await site.send()).toBe(250);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(
    () => (times(site, BACK) > (before[1] ?? 0) ? true : undefined),
    () => BACK,
  );
  expect([times(site, BEHIND), times(site, BACK)]).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
  await until(
    async () => ((await unseen(site)) === 0 ? true : undefined),
    () => 'nothing unseen',
  );
});

test('a gate without analyzers, and without a log, says so', async () => {
  const site = await Site.open();
  site.write();
  const gate = new Postern(['gate', '--config', site.file]);
  expect(await gate.line(BEHIND)).toMatchObject({ reason: 'it does not report' });
});

test('records that a log has lost are nothing that a watch has not seen; a log that cannot be read is no reason to fail', async () => {
  const file = join(temporaryDirectory(), 'analyzers.json');
  const at = { name: 'events-0', stream: 'postern.events', partition: 0, nextOffset: 5 } as const;
  writeFileSync(file, encodeProgress({ atMs: 1, readers: [at] }));
  const ignore = (): void => undefined;
  let read = async (): Promise<Page> => ({ records: [], nextOffset: 5 });
  const log = { bounds: async () => ({ first: 0, next: 9 }), read: () => read() };
  const watch = new ReaderWatch({
    file,
    log: () => log,
    logger: { error: ignore, warn: ignore, info: ignore },
    limits: analyzerLimits,
    texts: { behind: 'behind', back: 'back', severe: true },
  });
  await watch.look();
  expect(watch.unseen.get('events-0')).toBe(0);
  read = async () => ({ records: [{ offset: 7, payload: '{}' }], nextOffset: 8 });
  await watch.look();
  expect(watch.unseen.get('events-0')).toBe(4);
  read = () => Promise.reject(new Error('too many open files'));
  await watch.look();
  expect(watch.unseen.get('events-0')).toBe(4);
});

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Postern } from '../support/postern.ts';
import { Site } from '../support/site.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Linux's number of SCHED_IDLE (sched(7)). */
const IDLE = 5;
const OTHER = 0;

/** ClickHouse's own watch over its memory raises itself where it may, and needs next to nothing. */
const RAISED = 'MemoryWorker';

/** Nice value and scheduling policy of each thread of a process, each pair once (proc(5), fields 19 and 41 of stat). */
function ranksOf(pid: number): readonly (readonly [number, number])[] {
  const ranks = readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
    const [, name, rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
    const fields = rest.split(' ');
    return name === RAISED ? [] : `${fields[16]} ${fields[38]}`;
  });
  return [...new Set(ranks)].map((each) => each.split(' ').map(Number) as [number, number]);
}

const outOfMemoryScoreOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));

test('history and console stand behind mail: with the processors, and when memory runs out', async () => {
  const site = await Site.open({ store: { kind: 'chdb', http: { port: 0 } }, web: { port: 0 } });
  const running = await site.start();
  const gate = await running.line('listening');
  const store = await running.line('the store keeps the history');
  const web = await running.beginning('the console is at');
  const [[niceness = -1, policy] = []] = ranksOf(gate.pid);
  expect(policy).toBe(OTHER);
  expect(ranksOf(store.pid)).toEqual([[19, IDLE]]);
  expect(ranksOf(web.pid)).toEqual([[Math.max(10, niceness), OTHER]]);
  expect(outOfMemoryScoreOf(store.pid)).toBeGreaterThan(outOfMemoryScoreOf(web.pid));
  expect(outOfMemoryScoreOf(web.pid)).toBeGreaterThan(outOfMemoryScoreOf(gate.pid));
  expect(await running.stop()).toBe(0);
});

test('a system that refuses that is told of in one line, and the history is kept', async () => {
  const site = await Site.open({ store: { kind: 'chdb', http: { port: 0 } } });
  const tools = temporaryDirectory();
  writeFileSync(join(tools, 'chrt'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  site.write();
  const running = new Postern(['start', '--config', site.file], {
    env: { PATH: `${tools}:${process.env['PATH'] ?? ''}` },
  });
  const store = await running.line('the store keeps the history');
  expect(running.lines.filter(({ msg }) => msg === 'the system does not let this part stand behind mail')).toHaveLength(
    1,
  );
  expect(ranksOf(store.pid)).toEqual([[19, OTHER]]);
  expect(await running.stop()).toBe(0);
});

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allButFirst } from '../../cli/io/behind-mail.ts';
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

/**
 * The processors that the threads of a process may use: one list, or each that there is. ClickHouse's allocator pins a thread without a
 * name of its own to each processor, which clears up now and then.
 */
function processorsOf(pid: number): readonly string[] {
  const lists = readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const isPinned = status.startsWith('Name:\tMainThread\n') && Number(thread) !== pid;
    return isPinned ? [] : (/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '');
  });
  return [...new Set(lists)];
}

const outOfMemoryScoreOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));

test.each([
  ['0-1', '1'],
  ['0-3', '1-3'],
  ['0,2-3', '2-3'],
  ['4-5,8,10-11', '5,8,10-11'],
  ['7', undefined],
  ['', undefined],
])('of the processors %s mail has the first for itself', (list, others) => {
  expect(allButFirst(list)).toBe(others);
});

test('history and console stand behind mail: with the processors, and when memory runs out', async () => {
  const site = await Site.open({ store: { kind: 'chdb', http: { port: 0 } }, web: { port: 0 } });
  const running = await site.start();
  const gate = await running.line('listening');
  const store = await running.line('the store keeps the history');
  const web = await running.beginning('the console is at');
  const [[niceness = -1, policy] = []] = ranksOf(gate.pid);
  expect(policy).toBe(OTHER);
  expect(ranksOf(store.pid)).toEqual([[19, IDLE]]);
  const [all = ''] = processorsOf(gate.pid);
  expect(processorsOf(store.pid)).toEqual([allButFirst(all) ?? all]);
  expect(processorsOf(web.pid)).toEqual([all]);
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

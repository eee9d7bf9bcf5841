import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadOrder, LoadResult } from './load.ts';

/** Clock ticks a second of /proc/PID/stat on Linux. */
const TICKS_PER_SECOND = 100;

function parentOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** A process and everything it started. */
export function familyOf(pid: number): readonly number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);
  const family = new Set([pid]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const each of all) {
      const parent = parentOf(each);
      if (parent !== undefined && family.has(parent) && !family.has(each)) {
        family.add(each);
        grew = true;
      }
    }
  }
  return [...family];
}

/** CPU used so far by a process and everything it started, in microseconds. */
export function cpuUsOf(pid: number): number {
  let ticks = 0;
  for (const each of familyOf(pid)) {
    try {
      const text = readFileSync(`/proc/${each}/stat`, 'latin1');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It ended in between.
    }
  }
  return (ticks / TICKS_PER_SECOND) * 1_000_000;
}

/** Memory of a process and everything it started, in octets; what several processes share counts once (PSS of Linux). */
export function residentOf(pid: number): number {
  let octets = 0;
  for (const each of familyOf(pid)) {
    try {
      const line = readFileSync(`/proc/${each}/smaps_rollup`, 'latin1').match(/^Pss:\s+(\d+) kB/m);
      octets += Number(line?.[1] ?? 0) * 1024;
    } catch {
      // It ended in between.
    }
  }
  return octets;
}

/** Runs one load in a process of its own. */
export function load(order: LoadOrder): Promise<LoadResult> {
  const child = fork(join(import.meta.dirname, 'load.ts'));
  child.send(order);
  return new Promise((resolve, reject) => {
    child.once('message', (result) => {
      child.kill();
      resolve(result as LoadResult);
    });
    child.once('error', reject);
  });
}

/** Ends a process and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(killer);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export const percentile = (ascending: readonly number[], share: number): number =>
  ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN;

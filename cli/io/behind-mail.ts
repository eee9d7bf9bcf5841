import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { messageOf } from '../../lib/message-of.ts';
import type { OperatorLog } from './logger.ts';

/** What a part that mail does not depend on gets of the machine: what others leave. */
export interface Rank {
  /** Nice value, 0 to 19. */
  readonly niceness: number;
  /**
   * On Linux it runs only where nothing else wants the processor (sched(7), SCHED_IDLE): whatever wakes up goes first at once, where
   * a nice value only makes its turns shorter. And never on the first of several processors, so that mail finds one that need not
   * be taken from anybody.
   */
  readonly isIdle: boolean;
  /** How readily the kernel kills it when memory runs out, 0 to 1000 (proc(5), oom_score_adj). */
  readonly outOfMemoryScore: number;
}

/** How long a program that sets a policy may take, milliseconds. */
const TOOL_MS_MAX = 5000;

/**
 * Lets mail go first: with the processors, and when memory runs out. What the system refuses (a sandbox, a container) is told in
 * one line, and the part runs all the same. Call it before rights are given up and threads are begun, which inherit it.
 */
export function standBehindMail({ niceness, isIdle, outOfMemoryScore }: Rank, logger: OperatorLog): void {
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      logger.warn({ fault: messageOf(error) }, 'the system does not let this part stand behind mail');
    }
  };
  attempt(() => {
    for (const id of threads()) {
      // Who is nicer already may not be able to go back.
      if (getPriority(id) < niceness) setPriority(id, niceness);
    }
  });
  if (process.platform !== 'linux') return;
  attempt(() => writeFileSync('/proc/self/oom_score_adj', String(outOfMemoryScore)));
  if (isIdle) attempt(becomeIdle);
}

/** On Linux each thread has a nice value of its own, and some run already. */
const threads = (): readonly number[] =>
  process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [process.pid];

/** Node cannot set the policy, nor the processors; util-linux can, and is on every Debian. */
function becomeIdle(): void {
  const own = String(process.pid);
  const others = allButFirst(/^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '');
  run('chrt', ['--all-tasks', '--idle', '--pid', '0', own]);
  if (others !== undefined) run('taskset', ['--all-tasks', '--cpu-list', '--pid', others, own]);
}

const run = (tool: string, parameters: readonly string[]): Buffer =>
  execFileSync(tool, parameters, { stdio: 'pipe', timeout: TOOL_MS_MAX });

/** Processors without the first of them, as taskset(1) writes them: `0-3,8` is `1-3,8`. Undefined where there is one, or none. */
export function allButFirst(list: string): string | undefined {
  const [range = '', ...ranges] = list.split(',');
  const [first, last] = range.split('-').map(Number);
  const rest =
    last === undefined || first === undefined ? [] : [first + 1 === last ? `${last}` : `${first + 1}-${last}`];
  return [...rest, ...ranges].join(',') || undefined;
}

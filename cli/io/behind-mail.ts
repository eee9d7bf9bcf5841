import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { messageOf } from '../../lib/message-of.ts';
import type { OperatorLog } from './logger.ts';

/** What a part that mail does not depend on gets of the machine: what others leave. */
export interface Rank {
  /** Nice value, 0 to 19. */
  readonly niceness: number;
  /**
   * On Linux it runs only where nothing else wants the processor (sched(7), SCHED_IDLE): whatever wakes up goes first at once, where
   * a nice value only makes its turns shorter.
   */
  readonly isIdle: boolean;
  /** How readily the kernel kills it when memory runs out, 0 to 1000 (proc(5), oom_score_adj). */
  readonly outOfMemoryScore: number;
}

/** How long the program that sets the policy may take, milliseconds. */
const CHRT_MS_MAX = 5000;

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

/** Node cannot set the policy; util-linux can, and is on every Debian. */
function becomeIdle(): void {
  const chrt = ['--all-tasks', '--idle', '--pid', '0', String(process.pid)];
  execFileSync('chrt', chrt, { stdio: 'pipe', timeout: CHRT_MS_MAX });
}

import { writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { messageOf } from '../../lib/message-of.ts';
import type { OperatorLog } from './logger.ts';

/** What a part that mail does not depend on gets of the machine: what others leave. */
export interface Rank {
  /** Nice value, 0 to 19. */
  readonly niceness: number;
  /** How readily the kernel kills it when memory runs out, 0 to 1000 (proc(5), oom_score_adj). */
  readonly outOfMemoryScore: number;
}

/**
 * Lets mail go first: less of the processors, and first to go when memory runs out. What the system refuses (a sandbox, a
 * container) is told in one line, and the part runs all the same. Who is nicer already stays so.
 */
export function standBehindMail({ niceness, outOfMemoryScore }: Rank, logger: OperatorLog): void {
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      logger.warn({ fault: messageOf(error) }, 'the system does not let this part stand behind mail');
    }
  };
  attempt(() => {
    if (getPriority() < niceness) setPriority(niceness);
  });
  if (process.platform === 'linux') attempt(() => writeFileSync('/proc/self/oom_score_adj', String(outOfMemoryScore)));
}

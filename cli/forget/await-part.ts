import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeProgress } from '../../log/progress.ts';
import { Progress } from '../io/progress.ts';
import type { ForgetAnswer, ForgetRequest, ForgetRequests } from './requests.ts';

/** A part that has told for so long nothing of how far it has read does not run, milliseconds. */
export const SILENT_MS_MAX = 10_000;
/** How long a part that runs may take for one step, milliseconds; it does it later then, by itself. */
export const STEP_MS_MAX = 600_000;
const LOOK_EVERY_MS = 200;
/** Answers that nobody fetched are kept so long, milliseconds. */
const ANSWERS_KEPT_MS = 3_600_000;

/** Where a part is asked, and how it is known to run. */
export interface AskedPart {
  readonly requests: ForgetRequests;
  /** Where it tells each second how far it has read. */
  readonly progressFile: string;
  /** What is waited for. */
  readonly what: string;
  /** Default: {@link STEP_MS_MAX}. */
  readonly stepMsMax?: number;
}

/**
 * Leaves a request with a part, and waits until it is done.
 *
 * @returns Undefined where the part does not run, or takes too long: then the request stays for it, unless it is a dry run.
 */
export async function askPart(part: AskedPart, id: string, request: ForgetRequest): Promise<ForgetAnswer | undefined> {
  const { requests } = part;
  requests.sweep(Date.now() - ANSWERS_KEPT_MS);
  requests.leave(id, request);
  const answer = await awaitAnswer(part, id);
  if (request.isDryRun) requests.remove(id);
  requests.removeAnswer(id);
  return answer;
}

async function awaitAnswer(
  { requests, progressFile, what, stepMsMax = STEP_MS_MAX }: AskedPart,
  id: string,
): Promise<ForgetAnswer | undefined> {
  using progress = new Progress(what);
  let told: ForgetAnswer | undefined;
  let toldMs = performance.now();
  while (isTold(progressFile) && performance.now() - toldMs < stepMsMax) {
    const answer = requests.answer(id);
    if (answer?.isComplete === true) return answer;
    if (answer !== undefined && answer.done !== told?.done) {
      if (told === undefined) progress.expect(answer.total);
      progress.advance(answer.done - (told?.done ?? 0));
      told = answer;
      toldMs = performance.now();
    }
    await delay(LOOK_EVERY_MS);
  }
  return undefined;
}

/** Has the part told a moment ago how far it is? */
function isTold(progressFile: string): boolean {
  try {
    const told = decodeProgress(readFileSync(progressFile, 'utf8'));
    return told !== undefined && Date.now() - told.atMs < SILENT_MS_MAX;
  } catch {
    // It never ran.
    return false;
  }
}

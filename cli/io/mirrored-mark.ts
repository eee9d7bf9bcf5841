import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { err, ok, type Result } from '../../lib/result.ts';
import { writeWholeNow } from './atomic-file.ts';
import { textOf } from './text-of.ts';

/** How often the mark is set, and looked for, milliseconds. */
export const MARK_EVERY_MS = 250;

/** Says that this machine has every decision of the common log, now. */
export function markMirrored(file: string, nowMs: number): Result<undefined, string> {
  try {
    writeWholeNow(file, `${nowMs}\n`, false);
    return ok(undefined);
  } catch (error) {
    return err(textOf(error));
  }
}

/** Waits until the mark is not older than `sinceMs`. @returns False where that takes longer than `patienceMs`. */
export async function untilMirrored(file: string, sinceMs: number, patienceMs: number): Promise<boolean> {
  for (const giveUpAtMs = performance.now() + patienceMs; performance.now() < giveUpAtMs; ) {
    if (markedAt(file) >= sinceMs) return true;
    await setTimeout(MARK_EVERY_MS);
  }
  return false;
}

function markedAt(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { writeWholeNow } from './atomic-file.ts';

/** How often the mark is set, and looked for, milliseconds. */
export const MARK_EVERY_MS = 250;

/** Says that this machine has every decision of the common log, now. Throws where it cannot be written. */
export const markMirrored = (file: string, nowMs: number): void => writeWholeNow(file, `${nowMs}\n`, false);

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

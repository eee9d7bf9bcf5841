import { setImmediate } from 'node:timers/promises';
import type { Steps } from '../../lib/steps.ts';

/** How long work in steps may keep everything else waiting, milliseconds; one step may take it over that. */
export const SLICE_MS = 5;

/** Does work in steps a little at a time: in between, sessions are served. */
export async function inSlices<Outcome>(steps: Steps<Outcome>): Promise<Outcome> {
  for (;;) {
    const endMs = performance.now() + SLICE_MS;
    do {
      const { done, value } = steps.next();
      if (done === true) return value;
    } while (performance.now() < endMs);
    await setImmediate();
  }
}

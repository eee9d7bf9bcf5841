import { encodeProgress, type ReaderProgress } from '../../log/progress.ts';
import { writeWholeNow } from './atomic-file.ts';
import type { OperatorLog } from './logger.ts';
import { textOf } from './text-of.ts';

/** Writes down how far the readers of a part are, for the gate; where that cannot be done it is told once, until it can be again. */
export function progressWriter(
  file: string,
  logger: OperatorLog,
  cannot: string,
): (readers: readonly ReaderProgress[]) => void {
  let isFailing = false;
  return (readers) => {
    try {
      writeWholeNow(file, encodeProgress({ atMs: Date.now(), readers }), false);
      isFailing = false;
    } catch (error) {
      if (!isFailing) logger.warn({ reason: textOf(error) }, cannot);
      isFailing = true;
    }
  };
}

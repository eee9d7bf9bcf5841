import { readFileSync } from 'node:fs';
import { writeWhole } from '../io/atomic-file.ts';
import type { OperatorLog } from '../io/logger.ts';
import { textOf } from '../io/text-of.ts';
import { SourceHistory } from './source-history.ts';

/** The sources with accepted mail, as far as they were written down. */
export function recallHistory(file: string): SourceHistory {
  const history = new SourceHistory();
  try {
    history.addText(readFileSync(file, 'utf8'));
  } catch {
    // A first start, or a lost file: those who were known are greeted a little later once.
  }
  return history;
}

/** Writes the sources with accepted mail down. */
export async function saveHistory(history: SourceHistory, file: string, logger: OperatorLog): Promise<void> {
  try {
    await writeWhole(file, history.toText());
  } catch (error) {
    logger.warn({ reason: textOf(error) }, 'the sources with accepted mail cannot be written down');
  }
}

import { readFileSync } from 'node:fs';
import { decodeJournal, encodeJournal, type JournalFile } from '../../store/journal.ts';
import { writeWholeNow } from './atomic-file.ts';

/** The journal of the writer of a store, in a file that is replaced as a whole. */
export const storeJournal = (file: string): JournalFile => ({
  load() {
    try {
      return decodeJournal(readFileSync(file, 'utf8'));
    } catch {
      return undefined;
    }
  },
  save: (journal) => writeWholeNow(file, encodeJournal(journal)),
});

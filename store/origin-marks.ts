import type { Offset, StoredRecord } from '../log/event-log.ts';

/** Logs and their partitions that records of one partition came from, at most: those that were longest silent are forgotten first. */
export const ORIGINS_MAX = 4096;

/** The last record of each origin that is in the store: `log/partition` and its offset there. In the order in which they last came. */
export type OriginMarks = Readonly<Record<string, Offset>>;

/** Records that the store does not have yet, and the marks behind them. */
export interface Fresh {
  readonly records: readonly StoredRecord[];
  readonly marks: OriginMarks;
}

/**
 * Leaves out what was sent on more than once: records of one origin come in their order, and whoever sends them again begins further
 * back. Records without an origin were not sent on, and are not looked at.
 */
export function freshOf(records: readonly StoredRecord[], marks: OriginMarks): Fresh {
  if (records.every(({ origin }) => origin === undefined)) return { records, marks };
  const known = new Map(Object.entries(marks));
  const fresh = records.filter(({ origin }) => {
    if (origin === undefined) return true;
    const name = originName(origin);
    const isNew = origin.offset > (known.get(name) ?? -1);
    if (isNew) {
      known.delete(name);
      known.set(name, origin.offset);
    }
    return isNew;
  });
  for (const oldest of known.keys()) {
    if (known.size <= ORIGINS_MAX) break;
    known.delete(oldest);
  }
  return { records: fresh, marks: Object.fromEntries(known) };
}

/** Leaves out what was sent on more than once of the records of one partition, page after page from some offset on. */
export function onceEach(): (records: readonly StoredRecord[]) => readonly StoredRecord[] {
  let marks: OriginMarks = {};
  return (records) => {
    const fresh = freshOf(records, marks);
    marks = fresh.marks;
    return fresh.records;
  };
}

/** The name of an origin among marks. It is never a whole number, which an object would put into another order. */
export const originName = ({ log, partition }: { readonly log: string; readonly partition: number }): string =>
  `${log}/${partition}`;

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Forgetter } from '../../events/forgetter.ts';
import { streams } from '../../log/event-log.ts';
import { listFiles } from '../../log/io/file-names.ts';
import type { Places } from '../config/places.ts';
import type { Config } from '../config/schema.ts';

/** A place of the data directory that is left as it is, and why. */
export interface Leftover {
  readonly place: string;
  readonly why: string;
}

/** What of the data directory may name the person still, and is not for this command to change. */
export function leftovers(
  places: Places,
  store: Config['store']['kind'] | undefined,
  forgetter: Forgetter,
): readonly Leftover[] {
  const left: Leftover[] = [];
  const damagedCount = streams.reduce((sum, stream) => sum + listFiles(places.log, stream).damagedNumbers.length, 0);
  if (damagedCount > 0)
    left.push({
      place: join(places.log, '*.damaged-*'),
      why: `${damagedCount} files that were set aside cannot be changed: delete them if nobody needs them`,
    });
  if (store === 'none' && existsSync(places.store))
    left.push({
      place: places.store,
      why: 'a history that is not kept any more (store.kind is none) is not looked at',
    });
  if (names(places.panic, forgetter))
    left.push({ place: places.panic, why: 'the reason of the panic switch names him: turn it off and on again' });
  if (names(places.blocklist, forgetter))
    left.push({ place: places.blocklist, why: 'a decision about his account is in force: it ends within the hour' });
  for (const name of namesIn(places.lists)) {
    const file = join(places.lists, name);
    if (names(file, forgetter)) left.push({ place: file, why: 'a copy of your list: it goes when the list changes' });
  }
  return left;
}

function names(file: string, forgetter: Forgetter): boolean {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .some((line) => forgetter.line(line) !== line || forgetter.text(line) !== line);
  } catch {
    // It is not there.
    return false;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

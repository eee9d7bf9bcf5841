import { readFileSync, statSync } from 'node:fs';
import { err, type Result } from '../../lib/result.ts';
import { COUNTRIES_OCTETS_MAX, type Countries, readCountries } from '../../store/countries.ts';
import { textOf } from './text-of.ts';

/** The countries in a file. @returns One line where it cannot be used. */
export function readCountryFile(path: string): Result<Countries, string> {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return err('is no file');
    // Not read at all: it may be larger than memory.
    if (stats.size > COUNTRIES_OCTETS_MAX) return err(`is longer than ${COUNTRIES_OCTETS_MAX} octets`);
    return readCountries(readFileSync(path));
  } catch (error) {
    return err(`cannot be read: ${textOf(error)}`);
  }
}

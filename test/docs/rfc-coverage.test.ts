import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const statuses = ['yes', 'partly', 'no'];
/** Files that cite RFCs for what the product does. */
const citing = ['lib', 'events', 'log', 'proxy', 'blocklist'];
/** Where cases of the catalogue are. */
const dialogues = 'test/dialogues';

interface Row {
  readonly rfc: string;
  readonly section: string;
  readonly covered: string;
  readonly files: readonly string[];
  readonly note: string;
}

const text = readFileSync(join(root, 'docs/rfc-coverage.md'), 'utf8');

function rowsOf(table: string): Row[] {
  return table
    .split('\n')
    .filter((line) => /^\| *\d/.test(line))
    .map((line) => {
      const [rfc = '', section = '', covered = '', where = '', note = ''] = line
        .split('|')
        .slice(1)
        .map((cell) => cell.trim());
      return { rfc, section, covered, files: [...where.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file), note };
    });
}

const rows = rowsOf(text);

const filesBelow = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);

test('there is one table row a section, each with a status of the three', () => {
  expect(rows.length).toBeGreaterThan(50);
  expect(rows.filter(({ covered }) => !statuses.includes(covered))).toEqual([]);
  const keys = rows.map(({ rfc, section }) => `RFC ${rfc} section ${section}`);
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
});

test('what is covered says where, and what is not covered or only in part says why', () => {
  expect(rows.filter(({ covered, files }) => covered !== 'no' && files.length === 0)).toEqual([]);
  expect(rows.filter(({ covered, note }) => covered !== 'yes' && note === '')).toEqual([]);
});

test('every file named exists', () => {
  const named = [...text.matchAll(/`([a-z-]+\/[^`\s]+\.ts)`/g)].map(([, file = '']) => file);
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test('every case named exists', () => {
  const cases = new Set(filesBelow(dialogues, '.dialogue').map((file) => file.replace(/^.*\/|\.dialogue$/g, '')));
  const named = [...text.matchAll(/\b[A-Z]{2,3}-\d{2}\b/g)].map(([id]) => id);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((id) => !cases.has(id))).toEqual([]);
});

test('every RFC cited in the code has a row', () => {
  const covered = new Set(rows.map(({ rfc }) => rfc));
  const cited = citing
    .flatMap((folder) => filesBelow(folder, '.ts'))
    .flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/\bRFC (\d{3,5})/g)].map(([, rfc = '']) => ({ rfc, file })),
    );
  expect(cited.length).toBeGreaterThan(100);
  expect(cited.filter(({ rfc }) => !covered.has(rfc))).toEqual([]);
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { elsewhere } from '../dialogues/elsewhere.ts';
import { caseIds } from '../support/dialogue/catalogue.ts';
import { otherChunkings, reference } from '../support/dialogue/chunking.ts';
import { comparable } from '../support/dialogue/compare.ts';
import type { Dialogue } from '../support/dialogue/dialogue.ts';
import { parseDialogues } from '../support/dialogue/parse-dialogue.ts';
import { DialogueRun } from '../support/dialogue/run-dialogue.ts';

const folder = new URL('../dialogues/', import.meta.url);
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.dialogue'))
  .toSorted();
const idOf = (file: string): string => file.replace(/^.*\//, '').replace(/\.dialogue$/, '');

test('every case of the catalogue has a dialogue, or a test named in elsewhere.ts', () => {
  const known = new Set([...files.map(idOf), ...Object.keys(elsewhere)]);
  expect(caseIds.filter((id) => !known.has(id))).toEqual([]);
});

test('every dialogue and every entry of elsewhere.ts is a case of the catalogue, once', () => {
  const ids = files.map(idOf);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  expect([...ids, ...Object.keys(elsewhere)].filter((id) => !caseIds.includes(id))).toEqual([]);
});

test.each(Object.entries(elsewhere))('%s is tested where elsewhere.ts says', (id, { file, id: as = id }) => {
  const url = new URL(`../../${file}`, import.meta.url);
  expect(existsSync(url) && readFileSync(url, 'utf8').includes(as), `${file} names ${as}`).toBe(true);
});

/** Two dozen runs of a long body on a busy machine. */
const TIMEOUT_MS = 30_000;

/** Runs a dialogue as it is written and cut in every other way: all must show the same (invariant I1). */
function check(dialogue: Dialogue): void {
  const first = comparable(new DialogueRun(dialogue, reference).run());
  for (const chunking of otherChunkings) {
    const other = comparable(new DialogueRun(dialogue, chunking).run());
    if (!dialogue.exceptions.has('I1')) expect(other, `I1: ${chunking.name}`).toEqual(first);
  }
}

for (const file of files) {
  const parsed = parseDialogues(readFileSync(new URL(file, folder), 'utf8'));
  describe(file, () => {
    test('can be read', () => {
      expect(parsed.ok ? [] : parsed.error).toEqual([]);
    });
    for (const dialogue of parsed.ok ? parsed.value : [])
      test(dialogue.title, { timeout: TIMEOUT_MS }, () => check(dialogue));
  });
}

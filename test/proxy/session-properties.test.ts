import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Chunking, otherChunkings, reference } from '../support/dialogue/chunking.ts';
import { comparable } from '../support/dialogue/compare.ts';
import type { Dialogue } from '../support/dialogue/dialogue.ts';
import { asDialogueFile, clientScript, credentialScript, hostileScript } from '../support/dialogue/fuzz.ts';
import { parseDialogues } from '../support/dialogue/parse-dialogue.ts';
import { DialogueRun } from '../support/dialogue/run-dialogue.ts';

/** Runs of each property; a script costs about a millisecond. `FUZZ_RUNS` sets another number. */
const RUN_COUNT = Number(process.env['FUZZ_RUNS'] ?? 400);
const TIMEOUT_MS = 60_000 + RUN_COUNT * 20;

const [whole, singleOctets, ...randomCuts] = otherChunkings;
const corpus = new URL('../corpus/', import.meta.url);

/**
 * Runs a script that nobody wrote: it must end, keep I2 to I9, and show the same however it is cut. A failure shows the script
 * as a dialogue, to be kept in test/corpus.
 */
function check(script: Dialogue, chunkings: readonly (Chunking | undefined)[]): void {
  try {
    const first = comparable(new DialogueRun(script, reference, true).run());
    for (const chunking of chunkings) {
      if (chunking) expect(comparable(new DialogueRun(script, chunking, true).run()), chunking.name).toEqual(first);
    }
  } catch (error) {
    throw new Error(`${asDialogueFile(script)}\n${error instanceof Error ? error.message : String(error)}`);
  }
}

test('any cut of anything a client sends, in every state, shows the same', { timeout: TIMEOUT_MS }, () => {
  fc.assert(
    fc.property(clientScript, fc.nat(randomCuts.length - 1), (script, cut) =>
      check(script, [whole, singleOctets, randomCuts[cut]]),
    ),
    { numRuns: RUN_COUNT },
  );
});

test('a hostile client and a hostile server neither break an invariant nor keep a session open', {
  timeout: TIMEOUT_MS,
}, () => {
  fc.assert(
    fc.property(hostileScript, fc.nat(randomCuts.length - 1), (script, cut) =>
      check(script, [singleOctets, randomCuts[cut]]),
    ),
    { numRuns: RUN_COUNT },
  );
});

test('a credential in any spelling, in every state, is in no event', { timeout: TIMEOUT_MS }, () => {
  fc.assert(
    fc.property(credentialScript, fc.nat(randomCuts.length - 1), (script, cut) => check(script, [randomCuts[cut]])),
    { numRuns: RUN_COUNT },
  );
});

test.each(readdirSync(corpus).filter((name) => name.endsWith('.dialogue')))('what once broke: %s', (name) => {
  const parsed = parseDialogues(readFileSync(new URL(name, corpus), 'utf8'));
  expect(parsed.ok ? [] : parsed.error).toEqual([]);
  for (const script of parsed.ok ? parsed.value : []) check(script, otherChunkings);
});

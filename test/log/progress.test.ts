import { expect, test } from 'vitest';
import { decodeProgress, encodeProgress, type Progress } from '../../log/progress.ts';

const told: Progress = {
  atMs: 1_750_000_000_000,
  readers: [
    { name: 'events-0', stream: 'postern.events', partition: 0, nextOffset: 7 },
    { name: 'site', stream: 'postern.evidence', partition: 3, nextOffset: 0 },
  ],
};

test('what the analyzers told is read again', () => {
  expect(decodeProgress(encodeProgress(told))).toEqual(told);
});

test.each([
  '',
  '{',
  'null',
  '{}',
  JSON.stringify({ ...told, atMs: -1 }),
  JSON.stringify({ ...told, readers: [{ ...told.readers[0], stream: 'postern.other' }] }),
  JSON.stringify({ ...told, readers: [{ ...told.readers[0], nextOffset: 0.5 }] }),
  JSON.stringify({ ...told, readers: [{ ...told.readers[0], name: 'x'.repeat(65) }] }),
  JSON.stringify({ ...told, readers: Array.from({ length: 1025 }, () => told.readers[0]) }),
  encodeProgress(told).slice(0, 40),
])('%s is no progress', (text) => {
  expect(decodeProgress(text)).toBeUndefined();
});

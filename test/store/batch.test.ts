import { expect, test } from 'vitest';
import { encodeEvent } from '../../events/codec.ts';
import { rowOf, rowsOf, sifted, tokenOf, UNREADABLE_LINE_MAX } from '../../store/batch.ts';
import { aDecision } from '../support/decisions.ts';
import { Sessions } from '../support/watch.ts';

const events = new Sessions(1)
  .each(1, 1000, {}, (session) => session.hello().mail('a@b.example').recipient('c@example.com', 'known').data().quit())
  .map((event) => encodeEvent(event));
const started =
  '{"v":1,"type":"gate-started","at":1,"site":"s","gate":"g","version":"\\"ip\\":\\"","configHash":"h","listeners":[]}';
const batch = { stream: 'postern.events', partition: 1, epoch: 'e', first: 7, next: 9 } as const;
const records = (...payloads: readonly string[]) => payloads.map((payload, index) => ({ offset: 7 + index, payload }));

test('a row is the line of the log with its place before it', () => {
  const [line = ''] = events;
  const row = rowOf(1, { offset: 7, payload: line }) ?? '';
  expect(JSON.parse(row)).toEqual({ logPartition: 1, logOffset: 7, ...JSON.parse(line) });
  expect(row.startsWith('{"logPartition":1,"logOffset":7,"v":1,')).toBe(true);
});

test('a control event counts in the first partition only, whatever it says; a decision in its own', () => {
  expect(rowOf(0, { offset: 1, payload: started })).toBeDefined();
  expect(rowOf(1, { offset: 1, payload: started })).toBeUndefined();
  const decision = encodeEvent(aDecision({ scope: 'site', value: 'site', action: 'stress' }));
  expect(rowsOf({ ...batch, stream: 'postern.decisions' }, records(decision))).toHaveLength(1);
});

test('lines are looked at only where that is asked for; those that are none are set aside with their reason', () => {
  const [line = ''] = events;
  const some = records(line, 'no json', line.replace('"seq":0', '"seq":-1'), '{"v":99,"type":"command"}');
  expect(rowsOf(batch, some)).toHaveLength(4);
  const { readable, unreadable } = sifted(batch, some);
  expect(readable.map(({ offset }) => offset)).toEqual([7]);
  expect(unreadable.map((each) => JSON.parse(each))).toEqual([
    { stream: 'postern.events', logPartition: 1, logOffset: 8, reason: 'not-json', line: 'no json' },
    expect.objectContaining({ logOffset: 9, reason: expect.stringMatching(/^invalid: seq /) }),
    expect.objectContaining({ logOffset: 10, reason: 'unknown-version' }),
  ]);
  const long = sifted(batch, records('x'.repeat(UNREADABLE_LINE_MAX + 1))).unreadable[0] ?? '';
  expect(JSON.parse(long).line).toHaveLength(UNREADABLE_LINE_MAX);
});

test('the token of a batch tells it from every other', () => {
  const others = [batch, { ...batch, next: 10 }, { ...batch, first: 8 }, { ...batch, partition: 2 }];
  const tokens = [...others, { ...batch, stream: 'postern.decisions' as const }].map(tokenOf);
  expect(new Set([...tokens, tokenOf({ ...batch, epoch: 'f' })]).size).toBe(6);
  expect(tokens[0]).toBe('e/postern.events/1/7-9');
});

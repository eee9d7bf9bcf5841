import { expect, test } from 'vitest';
import { otherChunkings } from './chunking.ts';
import { concatenate, fromLatin1, toLatin1 } from './octets.ts';
import { parseDialogues } from './parse-dialogue.ts';
import { tokenise } from './tokens.ts';

test.each([
  [String.raw`"a\r\n\x00\"" "b"`, 'a\r\n\0"b'],
  ['"ab"×3 "c"', 'abababc'],
  ['"a"', 'a'],
])('%s stands for its octets', (source, want) => {
  const tokens = tokenise(source);
  expect(tokens.ok && tokens.value.map((token) => (token.kind === 'octets' ? toLatin1(token.octets) : token))).toEqual([
    want,
  ]);
});

test.each([
  ['C> "a', 3, 'a string is not closed'],
  [String.raw`C> "\q"`, 3, 'unknown escape \\q'],
  ['C> "é"', 3, 'write \\xHH instead of é'],
  ['C> "aaaaaaaaaa"×999999', 3, 'more than'],
  ['C> <HUP>', 3, 'no such thing as <HUP>'],
  ['C> <FIN> "a"', 3, 'nothing may follow the end of a write'],
  ['C< 25', 3, 'a reply code was expected'],
  ['C< 250 /a', 3, 'a regular expression is not closed'],
  ['U> some', 3, 'write: U> '],
  ['wait 3', 3, 'write: wait 300s'],
  ['wibble', 3, 'no statement wibble'],
  ['@WIBBLE', 3, 'no macro @WIBBLE'],
  ['C> $1', 3, 'the row has no such cell'],
  ['set limits.errorsMax 1', 3, 'header lines stand before the script'],
  ['connect', 3, 'connected twice'],
  ['server rcpt: "a"', 3, 'write: server'],
  ['event', 3, 'an event pattern was expected'],
])('%s is a fault with its line', (line, number, reason) => {
  const parsed = parseDialogues(`title: x\nconnect\n${line}\n`);
  expect(parsed.ok).toBe(false);
  expect(parsed.ok ? [] : parsed.error).toEqual([{ line: number, reason: expect.stringContaining(reason) as string }]);
});

test.each([
  ['connect', 'a title is missing'],
  ['title: x\nclosed', 'the script never connects'],
  ['title: x\nclosed\n=== y\nconnect', 'the script belongs below a variant'],
  ['title: x\nset a\nconnect', 'write: set'],
  ['title: x\nexcept I6\nconnect', 'write: except'],
  ['title: x\nsecret x\nconnect', 'write: secret'],
])('%s is a fault', (text, reason) => {
  const parsed = parseDialogues(text);
  expect(parsed.ok ? [] : parsed.error.map((fault) => fault.reason).join()).toContain(reason);
});

test('variants inherit the preamble, rows multiply the variants that use them', () => {
  const parsed = parseDialogues(
    'title: t\nset a.b 1\neach "x" 1\neach "y" 2\n=== one\nconnect\nC> $1\n=== two\nset c d\nconnect\n',
  );
  expect(parsed.ok && parsed.value.map(({ title, settings }) => [title, settings.length])).toEqual([
    ['t: one ["x" 1]', 1],
    ['t: one ["y" 2]', 1],
    ['t: two', 2],
  ]);
});

test('macros bring what is missing, once', () => {
  const steps = (script: string): string[] => {
    const parsed = parseDialogues(`title: t\n${script}`);
    return parsed.ok ? parsed.value.flatMap((dialogue) => dialogue.steps.map(({ kind }) => kind)) : ['fault'];
  };
  expect(steps('@CONN')).toEqual(['connect', 'client-reads', 'upstream-reads']);
  expect(steps('@EHLO')).toEqual(steps('@CONN\n@EHLO'));
  expect(steps('@TX')).toEqual(steps('@EHLO\n@TX'));
  expect(steps('@DATA').filter((kind) => kind === 'connect')).toHaveLength(1);
  expect(steps('@DATA\n@DATA').filter((kind) => kind === 'connect')).toHaveLength(1);
});

test('every chunking keeps the octets', () => {
  const octets = fromLatin1('0123456789'.repeat(3000));
  for (const { cut, name } of otherChunkings)
    expect(toLatin1(concatenate(cut(octets, [octets]))) === toLatin1(octets), name).toBe(true);
});

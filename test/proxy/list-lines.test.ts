import { expect, test } from 'vitest';
import { LIST_FAULTS_MAX, ListFaults, listLines } from '../../proxy/list-lines.ts';

const entries = (text: string) =>
  [...listLines(text)].filter(({ entry }) => entry !== '').map(({ line, entry }) => [line, entry]);

test.each([
  { text: '', want: [] },
  { text: 'a', want: [[1, 'a']] },
  {
    text: 'a\nb\n',
    want: [
      [1, 'a'],
      [2, 'b'],
    ],
  },
  {
    text: 'a\r\nb\r\n',
    want: [
      [1, 'a'],
      [2, 'b'],
    ],
  },
  { text: '\uFEFFa\n', want: [[1, 'a']] },
  { text: '\n\n  a\t\n', want: [[3, 'a']] },
  {
    text: '# all\na # some\n  # none\nb',
    want: [
      [2, 'a'],
      [4, 'b'],
    ],
  },
  { text: 'a#b@example.com #c', want: [[1, 'a#b@example.com']] },
  { text: 'a\t#b', want: [[1, 'a']] },
])('$text', ({ text, want }) => expect(entries(text)).toEqual(want));

test('so many faults and no more', () => {
  const faults = new ListFaults();
  expect(faults.all).toEqual([]);
  for (let line = 1; line <= LIST_FAULTS_MAX; line += 1) faults.add(line, 'bad');
  expect(faults.all).toHaveLength(LIST_FAULTS_MAX);
  faults.add(500, 'bad');
  faults.add(501, 'bad');
  expect(faults.all).toHaveLength(LIST_FAULTS_MAX + 1);
  expect(faults.all.at(-1)).toEqual({ line: 0, reason: 'and 2 more faults' });
});

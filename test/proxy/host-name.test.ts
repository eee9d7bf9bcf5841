import { expect, test } from 'vitest';
import { isHostName, LABEL_LENGTH_MAX, NAME_LENGTH_MAX } from '../../proxy/host-name.ts';

const longest = `${'a'.repeat(61)}.${`${'b'.repeat(63)}.`.repeat(2)}${'c'.repeat(63)}`;

test.each([
  'example.com',
  'localhost',
  'a_b.example',
  '1.example',
  'xn--bcher-kva.example',
  `${'a'.repeat(LABEL_LENGTH_MAX)}.example`,
  longest,
])('%s could be a host', (name) => expect(isHostName(name)).toBe(true));

test.each([
  '',
  '.',
  'a..b',
  'a.',
  '.a',
  '-a.example',
  'a-.example',
  '192.0.2.1',
  'a.1',
  `${'a'.repeat(LABEL_LENGTH_MAX + 1)}.example`,
  `a${longest}`,
])('%j could not', (name) => expect(isHostName(name)).toBe(false));

test('the longest name', () => expect(longest).toHaveLength(NAME_LENGTH_MAX));

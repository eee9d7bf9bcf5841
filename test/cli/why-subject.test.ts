import { expect, test } from 'vitest';
import { subjectOf } from '../../cli/why/subject.ts';
import { referenceOf } from '../../lib/uuid-v7.ts';

const sid = '01990000-0000-7000-8000-000000000001';

test.each([
  [sid, { kind: 'session', sid }],
  [referenceOf(sid), { kind: 'session', sid }],
  ['0123456789abcdef', { kind: 'decision', id: '0123456789abcdef' }],
  ['198.51.100.7', { kind: 'source', value: '198.51.100.7' }],
  ['198.51.100.0/24', { kind: 'source', value: '198.51.100.0/24' }],
  ['2001:DB8:0:0::1', { kind: 'source', value: '2001:db8::1' }],
  ['2001:db8::/48', { kind: 'source', value: '2001:db8::/48' }],
] as const)('%s is understood', (text, subject) => expect(subjectOf(text)).toEqual(subject));

test.each([
  '',
  ' ',
  'example.com',
  '0123456789ABCDEF',
  '0123456789abcde',
  '198.51.100.256',
  '198.51.100.0/33',
  '198.51.100.7 ',
  '01890A5D-AC96-774B-BCCE-B302099A8057',
  `${sid}\n`,
  '\u001b[2J',
])('%j is nothing that can be asked about', (text) => expect(subjectOf(text)).toBeUndefined());

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeXtext } from '../../proxy/xtext.ts';

const decoded = (text: string): string | undefined => {
  const octets = decodeXtext(text);
  return octets === undefined ? undefined : Buffer.from(octets).toString('latin1');
};

test.each([
  ['abc', 'abc'],
  ['', ''],
  ['<>', '<>'],
  ['X400:+20[/x]', 'X400: [/x]'],
  ['a+2Bb+3Dc', 'a+b=c'],
  ['a+0D+0Ab', 'a\r\nb'],
  ['+e9', '\xe9'],
  ['+', undefined],
  ['+2', undefined],
  ['+2G', undefined],
  ['a=b', undefined],
  ['a b', undefined],
  ['a\x7f', undefined],
  ['\u00e9', undefined],
])('%j decodes to %j', (text, want) => {
  expect(decoded(text)).toBe(want);
});

test('whatever is encoded is decoded', () => {
  const encode = (octets: Uint8Array): string =>
    [...octets]
      .map((octet) =>
        octet > 0x20 && octet < 0x7f && octet !== 0x2b && octet !== 0x3d
          ? String.fromCharCode(octet)
          : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`,
      )
      .join('');
  fc.assert(
    fc.property(fc.uint8Array(), (octets) => {
      expect(decodeXtext(encode(octets))).toEqual([...octets]);
    }),
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joined, split } from '../../lib/parts.ts';

test('what was joined is split again', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 }), (parts) => {
      expect(split(joined(parts))?.map((part) => [...part])).toEqual(parts.map((part) => [...part]));
    }),
  );
});

test.each([[[1]], [[5, 0, 0, 0, 1]], [[255, 255, 255, 255]]])('%j is nothing that was joined', (octets) => {
  expect(split(Uint8Array.from(octets))).toBeUndefined();
});

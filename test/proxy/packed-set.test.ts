import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PackedSet, PackedSetBuilder } from '../../proxy/packed-set.ts';

function setOf(members: readonly Uint8Array[]): PackedSet {
  const builder = new PackedSetBuilder();
  for (const member of members) builder.add(member);
  expect(builder.size).toBe(members.length);
  return builder.build();
}

test('it holds what was put in, and nothing else', () => {
  const member = fc.uint8Array({ maxLength: 3 });
  fc.assert(
    fc.property(fc.array(member, { maxLength: 50 }), fc.array(member, { maxLength: 50 }), (members, others) => {
      const set = setOf(members);
      for (const each of members) expect(set.has(each)).toBe(true);
      const isMember = (key: Uint8Array) => members.some((each) => Buffer.compare(each, key) === 0);
      for (const each of others) expect(set.has(each)).toBe(isMember(each));
    }),
  );
});

test('an empty one holds nothing', () => {
  expect(setOf([]).has(new Uint8Array(0))).toBe(false);
});

test('a key may be the start of a longer buffer', () => {
  const set = setOf([Buffer.from('ab')]);
  expect(set.has(Buffer.from('abc'), 2)).toBe(true);
  expect(set.has(Buffer.from('abc'), 3)).toBe(false);
  expect(set.has(Buffer.from('abc'), 1)).toBe(false);
});

test('many members, more octets than the first store', () => {
  const members = Array.from({ length: 20_000 }, (_, index) => Buffer.from(`user${index}`));
  const set = setOf(members);
  expect(members.every((member) => set.has(member))).toBe(true);
  expect(set.has(Buffer.from('user20000'))).toBe(false);
  expect(set.has(Buffer.from('user'))).toBe(false);
});

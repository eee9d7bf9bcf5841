import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PrefixTable } from '../../blocklist/prefix-table.ts';
import { bitsOf, type Prefix, parseAddress, prefixOf } from '../../lib/ip.ts';

const address = fc
  .oneof(
    fc
      .tuple(fc.constantFrom(10, 192), fc.constantFrom(0, 128), fc.nat(3), fc.nat(255))
      .map((octets) => octets.join('.')),
    fc
      .array(fc.constantFrom('0', '1', 'ffff', 'db8'), { minLength: 8, maxLength: 8 })
      .map((groups) => groups.join(':')),
  )
  .map((text) => {
    const parsed = parseAddress(text);
    if (parsed === undefined) throw new Error(`${text} is no address`);
    return parsed;
  });

const prefix = fc
  .tuple(address, fc.nat(128))
  .map(([around, length]) => prefixOf(around, Math.min(length, bitsOf(around.family))));

type Change = { readonly kind: 'set' | 'delete'; readonly prefix: Prefix };
const change: fc.Arbitrary<Change> = fc.record({ kind: fc.constantFrom('set', 'set', 'delete'), prefix });

test('it finds what a plain search finds, whatever was set and deleted before', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 60 }),
      fc.array(address, { maxLength: 10 }),
      fc.integer(),
      (changes, asked, seed) => {
        const table = new PrefixTable<string>(seed);
        const model = new Map<string, Prefix>();
        for (const each of changes) {
          if (each.kind === 'set') {
            table.set(each.prefix, each.prefix.text);
            model.set(each.prefix.text, each.prefix);
          } else expect(table.delete(each.prefix)).toBe(model.delete(each.prefix.text));
        }
        expect(table.size).toBe(model.size);
        expect([...table.values()].sort()).toEqual([...model.keys()].sort());
        for (const { family, value, text } of asked) {
          const around = [...model.values()]
            .filter((each) => each.family === family && each.first <= value && value <= each.last)
            .sort((a, b) => b.length - a.length)
            .map((each) => each.text);
          const found: string[] = [];
          table.around(text, (each) => {
            found.push(each);
            return false;
          });
          expect(found).toEqual(around);
        }
      },
    ),
  );
});

test('thousands come and go', () => {
  const table = new PrefixTable<number>();
  const host = (index: number): Prefix => {
    const parsed = parseAddress(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
    if (parsed === undefined) throw new Error('an address');
    return prefixOf(parsed, 32);
  };
  for (let index = 0; index < 20_000; index += 1) table.set(host(index), index);
  for (let index = 0; index < 20_000; index += 2) table.delete(host(index));
  expect(table.size).toBe(10_000);
  expect([0, 1, 2, 19_999].map((index) => table.get(host(index)))).toEqual([undefined, 1, undefined, 19_999]);
  for (let index = 1; index < 20_000; index += 2) table.delete(host(index));
  expect(table.size).toBe(0);
  expect(table.get(host(1))).toBeUndefined();
});

test.each(['', 'no address', '1.2.3', '1.2.3.256', '::g', '1:2:3:4:5:6:7:8:9', '1::2::3', ':', '::1::', '1:2:3'])(
  '%j is in no prefix',
  (text) => {
    const table = new PrefixTable<string>();
    for (const any of ['0.0.0.0', '::']) {
      const parsed = parseAddress(any);
      if (parsed !== undefined) table.set(prefixOf(parsed, 0), any);
    }
    table.around(text, (found) => {
      throw new Error(found);
    });
  },
);

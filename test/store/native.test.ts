import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nativeForRevision } from '../../store/native.ts';
import { shapeOf } from '../../store/native-type.ts';

const text = (value: string): number[] => [value.length, ...Buffer.from(value)];

test('a block of revision 0 becomes one of a later revision', () => {
  const octets = Uint8Array.from([
    2,
    1,
    ...text('a'),
    ...text('UInt8'),
    7,
    ...text('b'),
    ...text('String'),
    ...text('xy'),
  ]);
  expect(nativeForRevision(octets, 0)).toEqual(octets);
  const head = [1, 0, 2, 255, 255, 255, 255, 0, 2, 1];
  const later = [...head, ...text('a'), ...text('UInt8'), 0, 7, ...text('b'), ...text('String'), 0, ...text('xy')];
  expect([...(nativeForRevision(octets, 54_460) ?? [])]).toEqual(later);
  const between = nativeForRevision(octets, 54_453);
  expect(between?.length).toBe(later.length - 2);
  expect(nativeForRevision(octets, 54_480)?.length).toBe(later.length + 2);
  expect(nativeForRevision(Buffer.concat([octets, octets]), 54_460)).toEqual(Buffer.from([...later, ...later]));
  expect(nativeForRevision(Uint8Array.of(), 54_460)?.length).toBe(0);
  for (let length = 1; length < octets.length; length += 1)
    expect(nativeForRevision(octets.subarray(0, length), 54_460), `${length}`).toBeUndefined();
});

test('types', () => {
  expect(shapeOf("Enum8('a,)' = 1, 'b\\'' = 2)")).toEqual({ kind: 'fixed', octets: 1 });
  expect(shapeOf("DateTime64(3, 'UTC')")).toEqual({ kind: 'fixed', octets: 8 });
  expect(['9', '18', '38', '76'].map((digits) => shapeOf(`Decimal(${digits}, 2)`))).toEqual(
    [4, 8, 16, 32].map((octets) => ({ kind: 'fixed', octets })),
  );
  const dictionary = { kind: 'dictionary', of: { kind: 'string' } };
  expect(shapeOf('Tuple(code UInt16, `from` LowCardinality(String), a LowCardinality(Nullable(String)))')).toEqual({
    kind: 'tuple',
    of: [{ kind: 'fixed', octets: 2 }, dictionary, dictionary],
  });
  expect(shapeOf('Map(LowCardinality(String), Int64)')).toEqual({
    kind: 'array',
    of: { kind: 'tuple', of: [dictionary, { kind: 'fixed', octets: 8 }] },
  });
  expect(shapeOf('SimpleAggregateFunction(sum, UInt64)')).toEqual({ kind: 'fixed', octets: 8 });
  for (const type of [
    '',
    'Dynamic',
    'JSON',
    'Variant(String)',
    'AggregateFunction(sum, UInt8)',
    'Tuple()',
    'Array()',
    'toString',
  ])
    expect(shapeOf(type), type).toBeUndefined();
  expect(shapeOf(`${'Array('.repeat(65)}UInt8${')'.repeat(65)}`)).toBeUndefined();
});

test('nothing throws, and nothing is read beyond the end', () => {
  const anyType = fc.constantFrom(
    'UInt8',
    'String',
    'Array(String)',
    'LowCardinality(String)',
    'Nullable(Array(UInt8))',
    'x',
  );
  fc.assert(
    fc.property(fc.nat({ max: 9 }), anyType, fc.uint8Array({ maxLength: 64 }), (rows, type, data) => {
      nativeForRevision(Uint8Array.from([1, rows, ...text('a'), ...text(type), ...data]), 54_460);
      nativeForRevision(data, 54_460);
      shapeOf(Buffer.from(data).toString('latin1'));
    }),
  );
});

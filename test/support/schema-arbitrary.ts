import fc from 'fast-check';
import { z } from 'zod';

/** Values for fields of some names, in place of what their schema allows. */
export type Own = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/**
 * Values of a schema. Those that may be absent are absent, or neither empty nor 0 nor false.
 *
 * @param name - Of the field.
 */
export function arbitraryOf(schema: z.ZodType, own: Own, name = ''): fc.Arbitrary<unknown> {
  if (schema instanceof z.ZodOptional)
    return fc.option(arbitraryOf(schema.unwrap() as z.ZodType, own, name).filter(isSomething), { nil: undefined });
  const given = own[name];
  if (given !== undefined) return given;
  if (schema instanceof z.ZodObject) return objectArbitrary(schema.shape, own);
  if (schema instanceof z.ZodLiteral) return fc.constant(schema.value);
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options);
  if (schema instanceof z.ZodBoolean) return fc.boolean();
  if (schema instanceof z.ZodString) return textArbitrary(schema.maxLength ?? 40);
  if (schema instanceof z.ZodNumber)
    return fc.integer({
      min: Math.max(schema.minValue ?? 0, Number.MIN_SAFE_INTEGER),
      max: Math.min(schema.maxValue ?? 0, Number.MAX_SAFE_INTEGER),
    });
  if (schema instanceof z.ZodArray) return fc.array(arbitraryOf(schema.element as z.ZodType, own), { maxLength: 3 });
  if (schema instanceof z.ZodTuple) return parameterArbitrary;
  if (schema instanceof z.ZodRecord)
    return fc.dictionary(
      textArbitrary(20).filter((key) => key !== '__proto__'),
      arbitraryOf(schema.valueType as z.ZodType, own),
      { maxKeys: 3 },
    );
  throw new Error(`no values for ${name}`);
}

function objectArbitrary(shape: Readonly<Record<string, z.ZodType>>, own: Own): fc.Arbitrary<object> {
  const fields = Object.entries(shape).map(([name, schema]) => [name, arbitraryOf(schema, own, name)] as const);
  return fc.record(Object.fromEntries(fields)).map(withoutUndefined);
}

const withoutUndefined = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));

/** Any text that a line may have: signs, other scripts, controls. */
const textArbitrary = (lengthMax: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.string({ maxLength: Math.min(lengthMax, 12) }),
      fc.string({ unit: 'binary', maxLength: Math.min(lengthMax, 6) }),
      fc.constantFrom('', '0', 'null', '\\N', '::', "it's", '"', '\\', '[]', '\0', '\n', '\u{1f600}'),
    )
    .map((text) => text.slice(0, lengthMax))
    .filter((text) => text.isWellFormed());

const parameterArbitrary = fc.oneof(fc.tuple(textArbitrary(20)), fc.tuple(textArbitrary(20), textArbitrary(20)));

const isSomething = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
    ? Object.keys(value).length > 0
    : value !== '' && value !== 0 && value !== false;

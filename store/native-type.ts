/** How the values of a type lie in a column of the format Native. */
export type Shape =
  | { readonly kind: 'fixed'; readonly octets: number }
  | { readonly kind: 'string' }
  | { readonly kind: 'nullable' | 'array' | 'dictionary'; readonly of: Shape }
  | { readonly kind: 'tuple'; readonly of: readonly Shape[] };

/** Types within types, at most. */
const DEPTH_MAX = 64;

const fixed: Readonly<Record<string, number>> = {
  ...{ Bool: 1, Int8: 1, UInt8: 1, Enum8: 1, Nothing: 1 },
  ...{ Int16: 2, UInt16: 2, Enum16: 2, Date: 2, BFloat16: 2 },
  ...{ Int32: 4, UInt32: 4, Float32: 4, Date32: 4, DateTime: 4, IPv4: 4, Time: 4 },
  ...{ Int64: 8, UInt64: 8, Float64: 8, DateTime64: 8, Time64: 8 },
  ...{ Int128: 16, UInt128: 16, UUID: 16, IPv6: 16, Int256: 32, UInt256: 32 },
};

/** The shape of a type, by its name as the engine writes it; undefined for those whose columns explain themselves otherwise. */
export function shapeOf(type: string, depth = 0): Shape | undefined {
  const [, name = '', inner] = /^([A-Za-z0-9]+)(?:\((.*)\))?$/s.exec(type.trim()) ?? [];
  if (name === '' || depth > DEPTH_MAX) return undefined;
  const octets = Object.hasOwn(fixed, name) ? fixed[name] : undefined;
  if (octets !== undefined) return { kind: 'fixed', octets };
  if (name.startsWith('Interval')) return { kind: 'fixed', octets: 8 };
  if (name === 'String') return { kind: 'string' };
  return inner === undefined ? undefined : composed(name, argumentsOf(inner), depth + 1);
}

function composed(name: string, inner: readonly string[], depth: number): Shape | undefined {
  switch (name) {
    case 'FixedString':
      return /^\d{1,9}$/.test(inner[0] ?? '') ? { kind: 'fixed', octets: Number(inner[0]) } : undefined;
    case 'Decimal':
      return { kind: 'fixed', octets: decimalOctets(Number(inner[0])) };
    case 'Nullable':
      return wrapped('nullable', inner[0], depth);
    case 'Array':
      return wrapped('array', inner[0], depth);
    case 'LowCardinality':
      return wrapped('dictionary', /^Nullable\((.*)\)$/s.exec(inner[0] ?? '')?.[1] ?? inner[0], depth);
    case 'SimpleAggregateFunction':
      return shapeOf(inner[1] ?? '', depth);
    case 'Map':
      return array(tuple(inner, depth));
    case 'Tuple':
      return tuple(inner.map(withoutName), depth);
    default:
      return undefined;
  }
}

const decimalOctets = (digits: number): number => (digits <= 9 ? 4 : digits <= 18 ? 8 : digits <= 38 ? 16 : 32);

function wrapped(
  kind: 'nullable' | 'array' | 'dictionary',
  type: string | undefined,
  depth: number,
): Shape | undefined {
  const of = shapeOf(type ?? '', depth);
  return of === undefined ? undefined : { kind, of };
}

const array = (of: Shape | undefined): Shape | undefined => (of === undefined ? undefined : { kind: 'array', of });

function tuple(types: readonly string[], depth: number): Shape | undefined {
  const of: Shape[] = [];
  for (const type of types) {
    const shape = shapeOf(type, depth);
    if (shape === undefined) return undefined;
    of.push(shape);
  }
  return of.length === 0 ? undefined : { kind: 'tuple', of };
}

/** Elements of a tuple may have names, and those may be quoted. */
const withoutName = (element: string): string =>
  element.replace(/^\s*(?:`(?:[^`\\]|\\.)*`|[A-Za-z0-9_]+)\s+(?=[A-Z])/s, '');

/** What stands between commas that are in no brackets and no quotes. */
function argumentsOf(text: string): readonly string[] {
  const found: string[] = [''];
  let depth = 0;
  for (const [piece] of text.matchAll(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|./gs)) {
    if (piece === '(') depth += 1;
    if (piece === ')') depth -= 1;
    if (piece === ',' && depth === 0) found.push('');
    else found.push(`${found.pop() ?? ''}${piece}`);
  }
  return found.map((argument) => argument.trim());
}

/** One setting as the page shows it. */
export interface ListedSetting {
  /** As `listeners[0].port`. */
  readonly path: string;
  readonly value: unknown;
  readonly isDefault: boolean;
}

type Path = readonly (string | number)[];

/**
 * Every setting of a configuration, in its order. What a secret is kept in is said only in kind, and of a web address only whose it
 * is: the rest of it may be one.
 *
 * @param isDefault - Whether the setting is what it would be if nobody had said anything.
 */
export function listSettings(
  config: unknown,
  isDefault: (path: Path, value: unknown) => boolean,
): readonly ListedSetting[] {
  return [...leaves(config, [])].map(({ path, value }) => ({
    path: pathText(path),
    value: shown(value),
    isDefault: isDefault(path, value),
  }));
}

interface Leaf {
  readonly path: Path;
  readonly value: unknown;
}

function* leaves(value: unknown, path: Path): Generator<Leaf> {
  if (Array.isArray(value)) {
    if (value.some((each) => isObject(each) && !isNetwork(each)))
      for (const [index, each] of value.entries()) yield* leaves(each, [...path, index]);
    else yield { path, value: value.map((each) => (isNetwork(each) ? each.text : each)) };
  } else if (isObject(value) && !isNetwork(value) && !isReference(value)) {
    for (const [key, each] of Object.entries(value)) if (each !== undefined) yield* leaves(each, [...path, key]);
  } else yield { path, value: isNetwork(value) ? value.text : value };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** A range of addresses; it has a text. */
const isNetwork = (value: unknown): value is { readonly text: string } =>
  isObject(value) && 'text' in value && 'family' in value && typeof value.text === 'string';

/** Where a secret is kept. */
const isReference = (value: object): boolean => {
  const [key, ...others] = Object.keys(value);
  return others.length === 0 && (key === 'file' || key === 'env') && 'string' === typeof Object.values(value)[0];
};

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown);
  if (isObject(value)) return 'env' in value ? '(kept in a variable)' : '(kept in a file)';
  return typeof value === 'string' && /^[a-z]+:\/\//i.test(value) ? originOf(value) : value;
}

function originOf(address: string): string {
  if (!URL.canParse(address)) return '(an address)';
  const { origin, pathname, search } = new URL(address);
  return pathname === '/' && search === '' ? origin : `${origin}/…`;
}

const pathText = (path: Path): string =>
  path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');

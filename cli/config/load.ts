import { z } from 'zod';
import { err, ok, type Result } from '../../lib/result.ts';
import { crossFaults } from './cross-checks.ts';
import { type Explained, explain } from './explain.ts';
import { type Fault, inFileOrder, pathText } from './fault.ts';
import type { Environment, PartialConfig } from './partial-config.ts';
import { type Config, configSchema } from './schema.ts';
import { type ConfigSource, readSource } from './source.ts';

/**
 * Reads `postern.yaml`.
 *
 * @param fileName - How faults name it.
 * @param env - Where secrets given as `{env: NAME}` must be.
 * @returns The configuration with its defaults, or every fault at once, in the order of the file.
 */
export function loadConfig(text: string, fileName: string, env: Environment): Result<Config, readonly Fault[]> {
  const source = readSource(text, fileName);
  if (!source.readable) return err(source.faults);
  const result = validate(source.value, env, (explained) => placed(explained, source));
  if (source.faults.length === 0 && result.ok) return result;
  return err(inFileOrder([...source.faults, ...(result.ok ? [] : result.error)]));
}

/** Checks a configuration that stands in no file. */
export function checkConfig(value: unknown, env: Environment): Result<Config, readonly Fault[]> {
  return validate(value, env, ({ path, problem, hint }) => ({ at: undefined, path: pathText(path), problem, hint }));
}

function validate(value: unknown, env: Environment, place: (explained: Explained) => Fault): Result<Config, Fault[]> {
  const parsed = configSchema.safeParse(value);
  const explained = (parsed.error?.issues ?? []).flatMap((issue) => explain(issue, valueAt(value, issue.path)));
  explained.push(...crossFaults(parsed.success ? parsed.data : validParts(value), env));
  return parsed.success && explained.length === 0 ? ok(parsed.data) : err(explained.map(place));
}

const placed = ({ path, of, problem, hint }: Explained, source: ConfigSource): Fault => ({
  at: source.placeOf(path, of),
  path: pathText(path),
  problem,
  hint,
});

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let at = root;
  for (const key of path) at = isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return at;
}

const isRecord = (value: unknown): value is Record<PropertyKey, unknown> => typeof value === 'object' && value !== null;

function validParts(value: unknown): PartialConfig {
  const given = isRecord(value) ? value : {};
  const { listeners: list, ...sections } = configSchema.shape;
  const parts = Object.entries(sections).map(([name, section]) => [name, z.safeParse(section, given[name]).data]);
  const listeners = Array.isArray(given['listeners']) ? given['listeners'] : [];
  return {
    // Each section was parsed by its own schema.
    ...(Object.fromEntries(parts) as Partial<Config>),
    listeners: listeners.map((listener) => z.safeParse(list.element, listener).data),
  };
}

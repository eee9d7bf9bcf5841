import { z } from 'zod';
import { configSchema } from './schema.ts';

/** The parts of a JSON Schema (2020-12) that `postern.yaml` makes use of. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** What an editor checks `postern.yaml` against; what takes a program to check is not in it. */
export const configJsonSchema: JsonSchema = {
  title: 'postern.yaml',
  ...z.toJSONSchema(configSchema, { io: 'input' }),
} as JsonSchema;

/** The part of the schema that is for one place of the configuration; undefined for a place that does not exist. */
export function schemaAt(path: readonly PropertyKey[]): JsonSchema | undefined {
  let at: JsonSchema | undefined = configJsonSchema;
  for (const key of path) at = at === undefined ? undefined : below(at, key);
  return at;
}

function below(schema: JsonSchema, key: PropertyKey): JsonSchema | undefined {
  if (typeof key === 'number') return schema.items;
  for (const part of [schema, ...(schema.anyOf ?? [])]) {
    const found = part.properties?.[String(key)];
    if (found !== undefined) return found;
    if (typeof part.additionalProperties === 'object') return part.additionalProperties;
  }
  return undefined;
}

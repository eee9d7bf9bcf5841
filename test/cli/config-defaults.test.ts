import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { minimalConfig, renderConfigDocs } from '../../cli/config/document.ts';
import { configJsonSchema, type JsonSchema } from '../../cli/config/json-schema.ts';
import { loadConfig } from '../../cli/config/load.ts';
import { defaultModes } from '../../proxy/policy/modes.ts';
import { ruleIds } from '../../proxy/settings.ts';

const docs = renderConfigDocs();

/** Every setting of the schema with a plain value: its section in the documentation, its key and itself. */
function* settings(
  schema: JsonSchema,
  section: string,
): Generator<{ section: string; key: string; schema: JsonSchema }> {
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const path = section === '' ? key : `${section}.${key}`;
    const entry = typeof inner.additionalProperties === 'object' ? inner.additionalProperties : undefined;
    if (inner.properties !== undefined) yield* settings(inner, path);
    else if (inner.items?.properties !== undefined) yield* settings(inner.items, `${path}[]`);
    else if (entry?.properties !== undefined) yield* settings(entry, `${path}.<name>`);
    else yield { section, key, schema: inner };
  }
}

/** The rows of one section of the documentation, by key. */
function rowsOf(section: string): ReadonlyMap<string, string> {
  const title = section === '' ? '## Top level' : `## ${section}`;
  const text = docs.split(`${title}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(rows.map((row) => [row.split('`')[1] ?? '', row]));
}

test('every setting is documented in its section, with what it means and its default', () => {
  const all = [...settings(configJsonSchema, '')];
  expect(all.length).toBeGreaterThan(90);
  for (const { section, key, schema } of all) {
    const row = rowsOf(section).get(key);
    expect(row, `${section}.${key}`).toBeDefined();
    expect(schema.description ?? '', `${section}.${key} says what it means`).not.toBe('');
    expect(row).toContain((schema.description ?? '').replaceAll('|', '\\|'));
    if (schema.default !== undefined) expect(row).toContain(`\`${JSON.stringify(schema.default)}\``);
  }
});

test('what has no default in the schema says in words what happens without it, or is needed', () => {
  // Without these nothing happens, which needs no word.
  const plain = [
    'domains.file',
    'domains.url',
    'recipients.file',
    'tls.certificates[].keyPassphrase',
    'run.user',
    'recipients.subaddressDelimiter',
  ];
  const needed = [
    'listeners[].role',
    'upstreams.<name>.host',
    'tls.certificates[].certFile',
    'tls.certificates[].keyFile',
  ];
  for (const { section, key, schema } of settings(configJsonSchema, '')) {
    const path = section === '' ? key : `${section}.${key}`;
    const row = rowsOf(section).get(key);
    if (needed.includes(path)) expect(row, path).toContain('**needed**');
    else if (schema.default === undefined && !plain.includes(path)) expect(row, path).toContain('Default: ');
  }
});

test('the defaults in force are those of the documentation', () => {
  const loaded = loadConfig(minimalConfig, 'postern.yaml', {});
  const config = loaded.ok ? loaded.value : undefined;
  expect(config).toMatchObject({
    site: 'main',
    dataDirectory: '/var/lib/postern',
    listeners: [{ name: 'mx', address: '0.0.0.0', port: 25, greetingHoldMs: 2000, authRequired: false }],
    upstreams: { default: { port: 25, tls: 'none', clientAddress: 'none', connectionsMax: 1000 } },
    limits: { sessionsPerSourceMax: 20, errorsMax: 10, junkMax: 100, authAttemptsMax: 3 },
    deadlines: { commandMs: 300_000, upstreamEndOfDataMs: 630_000, sessionMs: 86_400_000 },
    log: { durable: 'fsync', retentionMs: 604_800_000, whenFull: 'pass' },
    http: { address: '127.0.0.1', port: 9725 },
  });
  expect(config?.policy.modes).toEqual(defaultModes);
});

test('a listener gets what its role takes', () => {
  const text = `listeners:
  - { role: submission, withoutCertificate: true }
  - { role: submissions }
upstreams: { default: { host: 192.0.2.10 } }
tls: { certificates: [{ certFile: a, keyFile: b }] }
`;
  const loaded = loadConfig(text, 'postern.yaml', {});
  expect(loaded.ok ? loaded.value.listeners : loaded.error).toMatchObject([
    { name: 'submission', port: 587, authRequired: true, greetingHoldMs: 0 },
    { name: 'submissions', port: 465, authRequired: true, greetingHoldMs: 0 },
  ]);
});

test('every rule is a key of policy.modes, with the modes it may have', () => {
  const modes = configJsonSchema.properties?.['policy']?.properties?.['modes']?.properties ?? {};
  expect(Object.keys(modes).sort()).toEqual([...ruleIds].sort());
  expect(modes['relay.denied']?.enum).toEqual(['enforce']);
  expect(modes['helo.syntax']?.enum).toEqual(['enforce', 'observe', 'off']);
});

test('the generated files are up to date', () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  expect(read('docs/configuration.md')).toBe(docs);
  expect(JSON.parse(read('docs/postern.schema.json'))).toEqual(configJsonSchema);
});

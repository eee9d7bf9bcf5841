import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { formatFault } from '../../cli/config/fault.ts';
import { configJsonSchema, type JsonSchema } from '../../cli/config/json-schema.ts';
import { loadConfig } from '../../cli/config/load.ts';
import type { Config } from '../../cli/config/schema.ts';

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const read = (path: string): string => readFileSync(at(path), 'utf8');
const example = read('packaging/postern.example.yaml');

test('the example is in order', () => {
  const loaded = loadConfig(example, 'postern.example.yaml', {});
  expect(loaded.ok ? [] : loaded.error.map(formatFault)).toEqual([]);
});

/** Every setting that is one value, a list or a table of names. */
function* settingsOf(schema: JsonSchema, path: readonly string[]): Generator<readonly string[]> {
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const entry = typeof inner.additionalProperties === 'object' ? inner.additionalProperties : undefined;
    const below = inner.properties === undefined ? (inner.items ?? entry) : inner;
    if (below?.properties === undefined) yield [...path, key];
    else yield* settingsOf(below, [...path, key]);
  }
}

test('the example shows every setting, in force or commented out; of the rules it shows some', () => {
  for (const path of settingsOf(configJsonSchema, [])) {
    const [key = ''] = path.slice(-1);
    if (!path.includes('modes')) expect(example, path.join('.')).toMatch(new RegExp(`(^|[ #{])${key}:`, 'm'));
  }
});

test('the example says the defaults where it says that it does', () => {
  const loaded = loadConfig(example, 'postern.example.yaml', {});
  const minimal = {
    listeners: [{ role: 'mx', withoutCertificate: true }],
    upstreams: { default: { host: 'a' } },
    domains: { names: ['example.com'] },
  };
  const defaults = loadConfig(JSON.stringify(minimal), 'x', {});
  const numbers = ({ limits, deadlines, log, http, policy, shutdownGraceMs, drainDelayMs }: Config) => ({
    limits,
    deadlines,
    log,
    http,
    modes: policy.modes,
    whenUnavailable: policy.whenUnavailable,
    shutdownGraceMs,
    drainDelayMs,
  });
  expect(loaded.ok && numbers(loaded.value)).toEqual(defaults.ok && numbers(defaults.value));
  expect(parse(example)).toMatchObject({ dataDirectory: defaults.ok && defaults.value.dataDirectory });
});

test('the image holds every folder that the product is made of, and no more', () => {
  const dockerfile = read('packaging/Dockerfile');
  const copied = [...dockerfile.matchAll(/^COPY (\w+) \1$/gm)].map(([, folder]) => folder);
  const parts = ['lib', 'events', 'log', 'blocklist', 'proxy', 'analyzers', 'store', 'siem', 'dashboards', 'console'];
  expect(copied).toEqual(['bin', ...parts, 'cli']);
  for (const folder of copied) expect(existsSync(at(folder ?? '')), folder).toBe(true);
  const removed = /^RUN rm -rf (.*)$/m.exec(dockerfile)?.[1]?.split(' ') ?? [];
  for (const path of removed) expect(existsSync(at(path)), path).toBe(true);
});

test('the unit gives a stop longer than the default configuration takes', () => {
  const seconds = Number(/^TimeoutStopSec=(\d+)s$/m.exec(read('packaging/postern.service'))?.[1]);
  const loaded = loadConfig(example, 'x', {});
  const needed = loaded.ok ? (loaded.value.shutdownGraceMs + loaded.value.drainDelayMs) / 1000 : Number.NaN;
  expect(seconds).toBeGreaterThan(needed + 15);
});

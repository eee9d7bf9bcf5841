import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configJsonSchema, type JsonSchema, schemaAt } from '../../cli/config/json-schema.ts';
import { eventSchemas } from '../../events/event.ts';
import { evidenceSchemas } from '../../events/evidence.ts';
import { ruleIds } from '../../proxy/settings.ts';

const root = join(import.meta.dirname, '..', '..');
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const textOf = (document: string): string => readFileSync(join(root, document), 'utf8');

const sections = Object.keys(configJsonSchema.properties ?? {});
const ruleSections = new Set(ruleIds.map((id) => id.split('.', 1)[0]));

/** A setting as documents write it: `limits.errorsMax`, `upstreams.<name>.tls`, `upstreams.*.tls`, `upstreams.default.tls`. */
function settingOf(name: string): JsonSchema | undefined {
  const path = name.split('.').map((part) => (part === '<name>' || part === '*' ? 'default' : part));
  return schemaAt(path);
}

test.each(documents)('%s names only settings and rules that exist', (document) => {
  const named = [...textOf(document).matchAll(/`([a-zA-Z]+(?:\.(?:[a-zA-Z-]+|<name>|\*))+)(?:: [^`]*)?`/g)].map(
    ([, name = '']) => name,
  );
  const ours = named.filter((name) => {
    const [section = ''] = name.split('.');
    return sections.includes(section) || ruleSections.has(section);
  });
  const unknown = ours.filter(
    (name) => !(ruleIds as readonly string[]).includes(name) && settingOf(name) === undefined && !isFileName(name),
  );
  expect(unknown).toEqual([]);
});

/** `events.md`, `log.ts`. */
const isFileName = (name: string): boolean => /\.(?:md|ts|json|jsonl|key|sock|sqlite|txt|yaml)$/.test(name);

const factors: Readonly<Record<string, number>> = {
  GiB: 1024 ** 3,
  MiB: 1024 ** 2,
  minute: 60_000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  s: 1000,
};

/** `1 GiB; …`, `5 minutes for …`, `20 connections …` as a number of the setting's own unit. */
function numberIn(text: string): number {
  const [, digits = '', unit = ''] = /^(?:at most )?([\d,]+) ?([A-Za-z]*)/.exec(text) ?? [];
  return Number(digits.replaceAll(',', '')) * (factors[unit] ?? 1);
}

test('the defaults in the README are those of the configuration', () => {
  const rows = [...textOf('README.md').matchAll(/^\| `((?:limits|deadlines|upstreams)\.[\w.*]+)` +\| ([^|]+)\|/gm)];
  expect(rows.length).toBeGreaterThan(10);
  const told = rows.map(([, name = '', text = '']) => [name, numberIn(text)]);
  expect(told).toEqual(rows.map(([, name = '']) => [name, settingOf(name)?.default]));
});

test('what the README says besides: the disk, retention, grace and the port of metrics', () => {
  const text = textOf('README.md');
  for (const [name, said] of [
    ['log.diskOctetsMax', '4 GiB'],
    ['log.retentionMs', '7 days'],
    ['shutdownGraceMs', '30 s'],
  ] as const) {
    expect(text).toContain(`\`${name}\` (${said})`);
    expect(settingOf(name)?.default).toBe(numberIn(said));
  }
  expect(text).toContain(`127.0.0.1:${settingOf('http.port')?.default}/metrics`);
});

test('how long history is kept, wherever it is told', () => {
  const [events, summaries] = ['store.eventsKeptDays', 'store.summariesKeptDays'].map(
    (name) => settingOf(name)?.default,
  );
  expect([events, summaries]).toEqual([30, 90]);
  expect(textOf('README.md')).toContain(`events for ${events} days and sums for ${summaries} in`);
  expect(textOf('docs/operations.md')).toContain(`\`store.eventsKeptDays\` (${events} days)`);
  expect(textOf('docs/operations.md')).toContain(`\`store.summariesKeptDays\` (${summaries} days)`);
  expect(textOf('packaging/postern.example.yaml')).toContain(
    `eventsKeptDays: ${events}\n  summariesKeptDays: ${summaries}\n`,
  );
});

test('events that documents name exist', () => {
  for (const document of documents) {
    const named = [
      ...textOf(document).matchAll(/`(log-gap|session-[a-z]+|gate-[a-z]+|operator-[a-z]+|config-changed)`/g),
    ];
    expect(
      named
        .map(([, type = '']) => type)
        .filter((type) => !Object.hasOwn({ ...eventSchemas, ...evidenceSchemas }, type)),
    ).toEqual([]);
  }
});

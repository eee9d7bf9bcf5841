import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const dialogues = new Set(
  readdirSync(join(root, 'test/dialogues'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.dialogue'))
    .map((name) => name.replace(/^.*\/|\.dialogue$/g, '')),
);

/** How GitHub and its like name a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

function isBroken(document: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? document : join(dirname(document), path);
  if (!existsSync(join(root, file))) return true;
  return anchor !== undefined && !anchorsOf(readFileSync(join(root, file), 'utf8')).includes(anchor);
}

describe.each(documents)('%s', (document) => {
  const text = readFileSync(join(root, document), 'utf8');

  test('its links lead somewhere', () => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const local = targets.filter((target) => !/^[a-z]+:/.test(target));
    expect(local.filter((target) => isBroken(document, target))).toEqual([]);
  });

  test('the source files it names exist', () => {
    const named = [...text.matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|md|json|yaml|service|dialogue))`/g)].map(
      ([, file = '']) => file,
    );
    const ours = named.filter((file) =>
      /^(?:lib|events|log|blocklist|proxy|cli|test|bench|docs|packaging|scripts)\//.test(file),
    );
    expect(ours.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('the cases it names exist', () => {
    const named = [...text.matchAll(/\b(?:LF|EOD|BD|PI|CA|AU|TL|UR|EN|RT|DO|ID|LG|ND|PO|PV|G|R)-\d{2}\b/g)];
    expect(named.map(([id]) => id).filter((id) => !dialogues.has(id))).toEqual([]);
  });
});

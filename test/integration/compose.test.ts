import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { describeNeeds } from '../support/needs.ts';
import { type Compose, compose, composeText, envExample, pathOf, services } from '../support/packaging.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Compose without an engine: it reads the file by its schema, and fills in variables. */
function composeConfig(file: string, variables: Readonly<Record<string, string>>) {
  const env = { PATH: process.env['PATH'] ?? '', HOME: temporaryDirectory(), ...variables };
  const args = ['--project-directory', pathOf('.'), '--file', file, '--profile', 'story', 'config'];
  return spawnSync('docker-compose', args, { env, encoding: 'utf8', timeout: 60_000 });
}

const secrets = [...envExample].flatMap(([name, value]) => (value === '' ? [name] : []));
const filledIn = Object.fromEntries(secrets.map((name) => [name, `of-${name.toLowerCase()}`]));

describeNeeds(['docker-compose'], 'docker-compose.yml', () => {
  test('is one by the schema of Compose, with every variable filled in', () => {
    const { stdout, stderr, status } = composeConfig(pathOf('docker-compose.yml'), filledIn);
    expect([stderr, status]).toEqual(['', 0]);
    const read = parse(stdout) as Compose;
    expect(Object.keys(read.services).toSorted()).toEqual(services.map(([name]) => name).toSorted());
    expect(stdout).not.toContain('${');
    for (const name of secrets) expect(stdout).toContain(filledIn[name]);
    expect(read.services['gate']).toMatchObject({ image: compose.services['gate']?.image, read_only: true });
  });

  test.each(secrets)('is refused without %s', (missing) => {
    const { [missing]: _, ...others } = filledIn;
    const { stderr, status } = composeConfig(pathOf('docker-compose.yml'), others);
    expect(status).not.toBe(0);
    expect(stderr).toContain(missing);
    expect(stderr).toContain('.env.example');
  });

  test('a setting that Compose does not know is refused', () => {
    const file = join(temporaryDirectory(), 'docker-compose.yml');
    writeFileSync(file, composeText.replace('mem_limit: 1g', 'memory_limit: 1g'));
    const { stderr, status } = composeConfig(file, filledIn);
    expect(status).not.toBe(0);
    expect(stderr).toContain('memory_limit');
  });
});

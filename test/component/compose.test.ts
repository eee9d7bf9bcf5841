import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeSiteFiles, siteFilesIn } from '../../cli/demo/files.ts';
import { MailStore } from '../../cli/demo/mail-store.ts';
import { OldServer } from '../../cli/demo/old-server.ts';
import { story } from '../../cli/demo/story.ts';
import { playTraffic } from '../../cli/demo/traffic.ts';
import { SECRET_OCTETS_MIN } from '../../cli/io/site-secret.ts';
import { configFileOf, textOf } from '../support/packaging.ts';
import { postern } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test.each(['gate', 'analyze', 'store', 'web'])('`postern check` accepts the configuration of %s', async (service) => {
  const folder = temporaryDirectory();
  await makeSiteFiles(folder);
  const file = join(folder, 'postern.yaml');
  // As in the container, but for where it is.
  writeFileSync(file, textOf(configFileOf(service)).replaceAll('/run/postern/', `${folder}/`));
  const checked = await postern(['check', '--config', file]);
  expect([checked.stdout, checked.code]).toEqual([`${file} is in order\n`, 0]);
});

test('files of the site are made once, for their user alone; what is there stays', async () => {
  const folder = temporaryDirectory();
  const { secret, certificate, key } = siteFilesIn(folder);
  const read = (): readonly string[] => [secret, certificate, key].map((path) => readFileSync(path, 'latin1'));
  expect((await postern(['demo', '--part', 'files', '--folder', folder])).code).toBe(0);
  for (const path of [secret, certificate, key]) expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(secret).size).toBe(SECRET_OCTETS_MIN);
  const first = read();
  await makeSiteFiles(folder);
  expect(read()).toEqual(first);
  // The certificate did not get there.
  const other = temporaryDirectory();
  mkdirSync(other, { recursive: true });
  writeFileSync(siteFilesIn(other).key, 'cut off');
  await makeSiteFiles(other);
  expect(readFileSync(siteFilesIn(other).key, 'utf8')).toContain('PRIVATE KEY');
});

test('a part that is none is a wrong command line', async () => {
  const { code, stderr } = await postern(['demo', '--part', 'mailserver']);
  expect([code, stderr]).toEqual([2, 'postern: --part: there is no part "mailserver": files, mail-server, traffic\n']);
});

test('the mail server behind keeps the latest messages, and no more', async () => {
  const directory = join(temporaryDirectory(), 'mail');
  const store = await MailStore.open(directory, 2);
  const server = await OldServer.listen(store, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => server[Symbol.asyncDispose]());
  const client = await RawClient.connect(server.port);
  onTestFinished(() => client.destroy());
  client.send('PROXY TCP4 192.0.2.7 192.0.2.1 4242 25\r\n');
  expect(await client.code()).toBe(220);
  for (const subject of ['one', 'two', 'three']) {
    expect(await client.say('MAIL FROM:<a@example.net>')).toBe(250);
    expect(await client.say('RCPT TO:<alice@example.com>')).toBe(250);
    expect(await client.say('DATA')).toBe(354);
    expect(await client.say(`${subject}\r\n.`)).toBe(250);
  }
  expect(readdirSync(directory).toSorted()).toEqual(['0002.eml', '0003.eml']);
  expect(store.deliveries.map(({ number }) => number)).toEqual([2, 3]);
  for (const { file } of store.deliveries) expect(existsSync(file)).toBe(true);
});

test('the traffic plays every line that goes to a gate, and goes on where nobody listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  const told: string[] = [];
  const ports = { mx: port, submission: port, submissions: port, 'server behind': port };
  await playTraffic(
    {
      stage: { host: '127.0.0.1', ports, certificate: '' },
      rounds: 1,
      told: (id, _source, fault) => told.push(`${id} ${fault?.includes('ECONNREFUSED')}`),
    },
    new AbortController().signal,
  );
  const expected = story.flatMap(({ id, door }) => (door === 'server behind' ? [] : [`${id} true`]));
  expect(told.toSorted()).toEqual(expected.toSorted());
});

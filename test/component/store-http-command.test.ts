import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Postern } from '../support/postern.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A log and a store that runs beside it. */
function running(http: string) {
  const folder = temporaryDirectory();
  const data = join(folder, 'data');
  const config = join(folder, 'postern.yaml');
  writeFileSync(
    config,
    `hostname: mx.example.com
dataDirectory: ${data}
listeners: [{ role: mx, withoutCertificate: true, port: 0 }]
upstreams: { default: { host: 192.0.2.10 } }
domains: { names: [example.com] }
store: { kind: chdb, http: ${http} }
`,
  );
  const log = new Postern(['log', '--config', config]);
  const store = new Postern(['store', '--config', config]);
  return { folder, data, log, store };
}

const addressOf = async (store: Postern): Promise<string> => {
  await store.line('the store keeps the history');
  return (
    store.lines.map(({ msg }) => /http:\/\/127\.0\.0\.1:\d+/.exec(msg)?.[0]).find((url) => url !== undefined) ?? ''
  );
};

test('postern store serves the history, with a password that it made for its own user', async () => {
  const { data, store } = running('{ port: 0 }');
  const url = await addressOf(store);
  const file = join(data, 'store', 'http.key');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const password = readFileSync(file, 'utf8').trim();
  expect(password).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(store.stderr).not.toContain(password);
  const ask = async (key: string) => {
    const headers = { authorization: `Basic ${Buffer.from(`postern:${key}`).toString('base64')}` };
    const response = await fetch(`${url}/?query=SELECT+count()+FROM+events`, { headers });
    return { status: response.status, text: await response.text() };
  };
  expect(await ask(password)).toMatchObject({ status: 200, text: expect.stringMatching(/^\d+\n$/) });
  expect((await ask('')).status).toBe(403);
  expect(await store.stop()).toBe(0);
  expect(readFileSync(file, 'utf8').trim()).toBe(password);
});

test('a port that is taken is told, and the history is kept all the same', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const bound = other.address();
  const port = typeof bound === 'object' ? bound?.port : 0;
  const { store } = running(`{ port: ${port} }`);
  await store.line('the store keeps the history');
  expect((await store.line('the history cannot be read over HTTP'))['fault']).toContain('EADDRINUSE');
  expect(await store.stop()).toBe(0);
});

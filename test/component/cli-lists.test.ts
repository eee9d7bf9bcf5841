import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { minimalConfig } from '../../cli/config/document.ts';
import { loadConfig } from '../../cli/config/load.ts';
import { DomainFetcher } from '../../cli/io/domain-fetcher.ts';
import { LIST_OCTETS_MAX } from '../../cli/io/kept-list.ts';
import { ListWatcher } from '../../cli/io/list-watcher.ts';
import { until } from '../support/postern.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A web server on loopback; gives its address without a slash at the end. */
async function webServer(handler: Handler): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const bound = server.address();
  return `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
}

test('a list is fetched once as long as it does not change', async () => {
  const asked: (string | undefined)[] = [];
  const host = await webServer((request, response) => {
    asked.push(request.headers['if-none-match']);
    if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
    else response.writeHead(200, { etag: '"1"' }).end('example.com\n');
  });
  const fetcher = new DomainFetcher(`http://${host}/list`);
  expect(await fetcher.read()).toEqual({ ok: true, value: 'example.com\n' });
  expect(await fetcher.read()).toEqual({ ok: true, value: 'example.com\n' });
  expect(asked).toEqual([undefined, '"1"']);
});

test('name and password go to the server of the list, and not to where it points', async () => {
  const seen: (string | undefined)[] = [];
  const other = await webServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end('example.net\n');
  });
  const host = await webServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(302, { location: `http://${other}/` }).end();
  });
  const fetcher = new DomainFetcher(`http://user:p%40ss@${host}/list`);
  expect(await fetcher.read()).toEqual({ ok: true, value: 'example.net\n' });
  expect(seen).toEqual([`Basic ${Buffer.from('user:p@ss').toString('base64')}`, undefined]);
});

const refusals: readonly { readonly name: string; readonly handler: Handler; readonly want: RegExp }[] = [
  {
    name: 'an error page',
    handler: (_, response) => response.writeHead(500).end('no'),
    want: /^the server of the list answered 500$/,
  },
  { name: 'silence', handler: () => undefined, want: /^no answer in time$/ },
  {
    name: 'half a list and silence',
    handler: (_, response) => void response.writeHead(200).write('example.com\n'),
    want: /^no answer in time$/,
  },
  { name: 'a connection that breaks', handler: (request) => request.socket.destroy(), want: /./ },
  { name: 'what is no text', handler: (_, response) => response.end(Buffer.of(0xff, 0xfe)), want: /./ },
  {
    name: 'a list without end',
    handler: (_, response) => {
      const chunk = Buffer.alloc(8_388_608, 0x23);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    },
    want: new RegExp(`^the list has more than ${LIST_OCTETS_MAX} octets$`),
  },
];
test.each(refusals)('$name is no list, and the reason does not show the address', async ({ name, handler, want }) => {
  const host = await webServer(handler);
  const fetcher = new DomainFetcher(
    `http://user:HUNTER2@${host}/HUNTER2`,
    name === 'a list without end' ? 20_000 : 500,
  );
  const read = await fetcher.read();
  expect(read.ok).toBe(false);
  const reason = read.ok ? '' : read.error;
  expect(reason).toMatch(want);
  expect(reason).not.toContain('HUNTER2');
});

test('nobody there is no list', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  server.close();
  await once(server, 'close');
  expect(await new DomainFetcher(`http://127.0.0.1:${port}/`).read()).toEqual({
    ok: false,
    error: 'nobody listens there',
  });
});

/** A watcher over files of a folder, and what it told the operator. */
async function watcherIn(folder: string, settings: string, domainsUrl?: string) {
  const loaded = loadConfig(minimalConfig.replace('  names: [example.com]\n', settings), 'postern.yaml', {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const told: string[] = [];
  const tell = (fields: object, message: string) => void told.push(`${message} ${JSON.stringify(fields)}`);
  const watcher = await ListWatcher.open({
    config: loaded.value,
    folder,
    copies: join(folder, 'copies'),
    domainsUrl,
    ownAddresses: new Set(['192.0.2.1']),
    logger: { error: tell, warn: tell, info: tell },
  });
  onTestFinished(() => watcher[Symbol.dispose]());
  return { watcher, told };
}

test('names, file and address are added up; wildcards stand for what is below', async () => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'domains.txt'), '*.file.example\n');
  const host = await webServer((_, response) => response.end('web.example\n'));
  const { watcher } = await watcherIn(folder, '  names: [names.example]\n  file: domains.txt\n', `http://${host}/`);
  const { lists } = watcher;
  const domains = ['names.example', 'a.file.example', 'file.example', 'web.example', 'other.example'];
  expect(domains.map((domain) => lists.isOwnDomain(domain))).toEqual([true, true, false, true, false]);
  expect(lists.isOwnAddress('192.0.2.1')).toBe(true);
  expect(watcher.states.map(({ name, entries, failing }) => ({ name, entries, failing }))).toEqual([
    { name: 'domains-file', entries: 1, failing: false },
    { name: 'domains-url', entries: 1, failing: false },
  ]);
});

test('nothing is written before the rights of root are given up', async () => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'domains.txt'), 'file.example\n');
  const { watcher } = await watcherIn(folder, '  file: domains.txt\n');
  expect(existsSync(join(folder, 'copies'))).toBe(false);
  watcher.watch(() => undefined);
  const copy = join(folder, 'copies/domains-file.txt');
  await until(
    () => (existsSync(copy) ? true : undefined),
    () => copy,
  );
  expect(readFileSync(copy, 'utf8')).toBe('file.example\n');
});

test('a list that is gone at the next start is replaced by the copy of the last good one', async () => {
  const folder = temporaryDirectory();
  const file = join(folder, 'domains.txt');
  writeFileSync(file, 'file.example\n');
  const first = await watcherIn(folder, '  file: domains.txt\n');
  first.watcher.watch(() => undefined);
  await until(
    () => (existsSync(join(folder, 'copies/domains-file.txt')) ? true : undefined),
    () => 'a copy',
  );
  rmSync(file);
  const second = await watcherIn(folder, '  file: domains.txt\n');
  expect(second.watcher.lists.isOwnDomain('file.example')).toBe(true);
  expect(second.watcher.states).toMatchObject([{ entries: 1, failing: true, readAtMs: undefined }]);
  expect(second.told).toEqual([
    expect.stringContaining('the list cannot be used, and there is no earlier one'),
    expect.stringContaining('the copy of the last good list is in force'),
  ]);
});

test('a list that was never there is unavailable, not empty: mail is deferred, not refused', async () => {
  const folder = temporaryDirectory();
  const { watcher } = await watcherIn(folder, '  file: domains.txt\nrecipients: { file: recipients.txt }\n');
  expect(watcher.lists.isOwnDomain('file.example')).toBe('unavailable');
  expect(watcher.lists.isKnownRecipient('a', 'file.example')).toBe('unavailable');
});

test('a list from the web that comes late does not hold up the start, and is taken when it comes', async () => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'x'), '');
  let answers = false;
  const host = await webServer((_, response) => {
    if (answers) response.end('web.example\n');
    else response.writeHead(503).end();
  });
  const { watcher } = await watcherIn(folder, '  names: []\n  url: http://lists.example/\n', `http://${host}/`);
  expect(watcher.lists.isOwnDomain('web.example')).toBe('unavailable');
  answers = true;
  let changes = 0;
  watcher.watch(() => {
    changes += 1;
  });
  await until(
    () => (watcher.lists.isOwnDomain('web.example') === true ? true : undefined),
    () => 'the list',
  );
  expect(changes).toBeGreaterThan(1);
});

test('a broken list is told of once, not every time it is looked at', async () => {
  const folder = temporaryDirectory();
  const file = join(folder, 'domains.txt');
  writeFileSync(file, 'file.example\n');
  const { watcher, told } = await watcherIn(folder, '  file: domains.txt\n');
  watcher.watch(() => undefined);
  writeFileSync(file, 'a b\nc d\n');
  await until(
    () => told.find((line) => line.includes('cannot be used')),
    () => told.join('\n'),
  );
  writeFileSync(file, 'a b\nc d\n\n');
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(told.filter((line) => line.includes('cannot be used'))).toHaveLength(1);
  expect(told.at(-1)).toContain('line 1: not a domain name; line 2: not a domain name');
  expect(watcher.lists.isOwnDomain('file.example')).toBe(true);
  writeFileSync(file, 'file.example\n');
  await until(
    () => told.find((line) => line.startsWith('the list can be read again')),
    () => told.join('\n'),
  );
});

test('lists that a reload replaced say nothing any more, even if their answer comes later', async () => {
  const waiting: ServerResponse[] = [];
  let isSlow = false;
  const host = await webServer((_, response) => {
    if (isSlow) waiting.push(response);
    else response.end('old.example\n');
  });
  const { watcher } = await watcherIn(temporaryDirectory(), '  names: [example.com]\n', `http://${host}/`);
  isSlow = true;
  let changes = 0;
  watcher.watch(() => {
    changes += 1;
  });
  const response = await until(
    () => waiting[0],
    () => 'a request',
  );
  const before = changes;
  watcher[Symbol.dispose]();
  response.end('new.example\n');
  await until(
    () => (watcher.lists.isOwnDomain('new.example') === true ? true : undefined),
    () => 'the answer',
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(changes).toBe(before);
});

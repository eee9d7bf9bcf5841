import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { attacks } from '../../dashboards/attacks.ts';
import { expandMacros } from '../../dashboards/macros.ts';
import { inCountry, mmdbOf } from '../support/mmdb.ts';
import { postern, until } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';
import { Site } from '../support/site.ts';

const LOOKED_UP = 'the countries of sources are looked up';
const FILE = 'countries.mmdb';

/** A site behind a balancer, which says who its clients are, with a history. */
const openSite = (): Promise<Site> =>
  Site.open({
    listeners: [
      { role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true },
    ],
    networks: { balancers: ['127.0.0.1'] },
    store: { kind: 'chdb', http: { port: 0 }, countries: { file: FILE } },
  });

function writeCountries(site: Site, networks: Readonly<Record<string, string>>): void {
  const records = Object.entries(networks).map(([network, code]) => [network, inCountry(code)] as const);
  writeFileSync(join(site.folder, FILE), mmdbOf({ networks: Object.fromEntries(records) }));
}

/** A client with that address. @returns The code of its forward-path; a message is sent where it is accepted. */
async function visit(site: Site, ip: string, forwardPath: string): Promise<number> {
  const client = await RawClient.connect(site.port);
  client.send(`PROXY ${ip.includes(':') ? `TCP6 ${ip} 2001:db8::25` : `TCP4 ${ip} 192.0.2.1`} 4242 25\r\n`);
  expect(await client.code()).toBe(220);
  expect(await client.say('EHLO c.example.net')).toBe(250);
  expect(await client.say('MAIL FROM:<a@example.net>')).toBe(250);
  const code = await client.say(`RCPT TO:<${forwardPath}>`);
  if (code === 250) {
    expect(await client.say('DATA')).toBe(354);
    expect(await client.say('Subject: x\r\n\r\nhello\r\n.')).toBe(250);
  }
  expect(await client.say('QUIT')).toBe(221);
  client.destroy();
  return code;
}

/** The panel, as somebody who reads the history over HTTP sees it: sources, refused, mails by country. */
async function panel(site: Site): Promise<Readonly<Record<string, string>>> {
  const address = site.process.lines.findLast(({ msg }) => msg.startsWith('the history is at '))?.msg.slice(18) ?? '';
  const password = readFileSync(join(site.data, 'store', 'http.key'), 'utf8').trim();
  const sql = attacks.panels.find(({ id }) => id === 'countries')?.sql ?? '';
  const selection = { fromMs: Date.now() - 3_600_000, toMs: Date.now() + 60_000, intervalMs: 60_000, values: {} };
  const statement = expandMacros(sql, selection);
  const response = await fetch(`${address}/?default_format=JSONEachRow`, {
    method: 'POST',
    body: statement.ok ? statement.value : statement.error,
    headers: { authorization: `Basic ${Buffer.from(`postern:${password}`).toString('base64')}` },
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const rows = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return Object.fromEntries(
    rows.map(({ country, sources, refused, mails }) => [country, `${sources} ${refused} ${mails}`]),
  );
}

/** Waits for the panel to be like this. The history is away for a moment while its process starts again. */
async function shows(site: Site, expected: Readonly<Record<string, string>>): Promise<void> {
  let last: unknown;
  await until(
    async () => {
      last = await panel(site).catch(String);
      return JSON.stringify(last) === JSON.stringify(expected) ? true : undefined;
    },
    () => `${JSON.stringify(expected)}, last ${JSON.stringify(last)}`,
  );
}

test('sources have countries in the dashboard, over a kill of the store and with another file', async () => {
  const site = await openSite();
  writeCountries(site, { '198.51.100.0/24': 'DE', '203.0.113.0/24': 'BR', '2001:db8::/32': 'SE' });
  const running = await site.start();
  expect(await running.line(LOOKED_UP)).toMatchObject({ part: 'store', type: 'Test-Country', madeOn: '2026-02-17' });
  expect(await visit(site, '198.51.100.7', 'b@example.com')).toBe(250);
  expect(await visit(site, '198.51.100.8', 'b@example.com')).toBe(250);
  expect(await visit(site, '203.0.113.9', 'x@elsewhere.example')).toBe(554);
  expect(await visit(site, '192.0.2.77', 'b@example.com')).toBe(250);
  expect(await visit(site, '2001:db8::7', 'b@example.com')).toBe(250);
  await shows(site, { BR: '1 1 0', DE: '2 0 2', SE: '1 0 1', unknown: '1 0 1' });

  const { pid } = await running.line('the store keeps the history');
  process.kill(pid, 'SIGKILL');
  expect(await visit(site, '203.0.113.10', 'x@elsewhere.example')).toBe(554);
  await until(
    () => (running.lines.filter(({ msg }) => msg === LOOKED_UP).length === 2 ? true : undefined),
    () => `the store to look up countries again: ${running.stderr}`,
  );
  await shows(site, { BR: '2 2 0', DE: '2 0 2', SE: '1 0 1', unknown: '1 0 1' });

  writeCountries(site, { '198.51.100.0/25': 'AT', '203.0.113.0/24': 'BR', '192.0.2.0/24': 'US' });
  await shows(site, { BR: '2 2 0', AT: '2 0 2', US: '1 0 1', unknown: '1 0 1' });
  writeFileSync(join(site.folder, FILE), 'half of a new one');
  const { reason } = await running.line('the file of countries cannot be used: the earlier one stays in use');
  expect(reason).toBe('is no MaxMind DB, or its end is missing');
  expect(await visit(site, '203.0.113.11', 'x@elsewhere.example')).toBe(554);
  await shows(site, { BR: '3 3 0', AT: '2 0 2', US: '1 0 1', unknown: '1 0 1' });
  expect(await running.stop()).toBe(0);
}, 120_000);

test('a file that is not there is told once, by check as well; history is kept, and a file that comes is taken', async () => {
  const site = await openSite();
  site.write();
  const checked = await postern(['check', '--config', site.file]);
  expect([checked.code, checked.stdout]).toEqual([
    1,
    expect.stringMatching(/store\.countries\.file.*cannot be read: there is no such file/),
  ]);
  const running = await site.start();
  const { reason, level } = await running.line('the file of countries cannot be used: no country is looked up');
  expect([reason, level]).toEqual(['cannot be read: there is no such file', 40]);
  expect(await visit(site, '198.51.100.7', 'b@example.com')).toBe(250);
  await shows(site, { 'not looked up': '1 0 1' });
  writeCountries(site, { '198.51.100.0/24': 'DE' });
  await shows(site, { DE: '1 0 1' });
  expect((await postern(['check', '--config', site.file])).code).toBe(0);
  rmSync(join(site.folder, FILE));
  await running.line('the file of countries cannot be used: the earlier one stays in use');
  expect(running.lines.filter(({ msg }) => msg.startsWith('the file of countries cannot be used'))).toHaveLength(2);
  expect(await running.stop()).toBe(0);
}, 120_000);

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WATCHED_MS } from '../../cli/gate/sender-memory.ts';
import { until } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';
import { Site } from '../support/site.ts';

const change = {
  listeners: [
    { role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true },
  ],
  networks: { balancers: ['127.0.0.1'], trusted: ['192.0.2.64/28'] },
  policy: { outgoingSeen: true },
  watch: { documentationRanges: true, scenarios: { 'bounce-flood': 'enforce' } },
};

/** The code that the server with this address gets for a forward-path. */
async function rcpt(site: Site, ip: string, from: string, to: string): Promise<number> {
  const client = await RawClient.connect(site.port);
  client.send(`PROXY TCP4 ${ip} 192.0.2.1 4242 25\r\n`);
  expect(await client.code()).toBe(220);
  for (const line of ['EHLO mx.example.net', `MAIL FROM:<${from}>`]) expect(await client.say(line)).toBe(250);
  const code = await client.say(`RCPT TO:<${to}>`);
  client.destroy();
  return code;
}

/** Bounces to addresses that nobody has, until the domain verifies them: a bounce to one that exists waits. */
async function flood(site: Site): Promise<void> {
  for (let count = 0; count < 40; count += 1)
    await rcpt(site, `198.51.100.${count + 1}`, '', `forged${count}@example.com`);
  await until(
    async () => (await rcpt(site, '203.0.113.9', '', 'silent@example.com')) !== 250 || undefined,
    () => 'bounces to be verified',
  );
}

test('while bounces flood a domain those of its own mail come in, others wait, and once everything is known they are refused', async () => {
  const answer = (line: string) => (line.includes('forged') ? '550 5.1.1 no such user' : undefined);
  const site = await Site.open(change, { answer });
  await site.start();
  expect(await rcpt(site, '192.0.2.70', 'Writer@example.com', 'friend@elsewhere.example')).toBe(250);
  await flood(site);
  const bounce = (to: string): Promise<number> => rcpt(site, '203.0.113.9', '', to);
  expect(await bounce('writer@EXAMPLE.com')).toBe(250);
  expect(await bounce('silent@example.com')).toBe(451);
  expect(await bounce('postmaster@example.com')).toBe(250);
  expect(await rcpt(site, '203.0.113.9', 'a@example.net', 'silent@example.com')).toBe(250);

  // A week later, as far as the file tells.
  await site.process.stop();
  const file = join(site.data, 'senders.txt');
  const text = readFileSync(file, 'utf8');
  expect(text).not.toContain('riter');
  writeFileSync(file, text.replace(/^since \d+/, `since ${Date.now() - WATCHED_MS - 1000}`));
  await site.start();
  expect(await bounce('silent@example.com')).toBe(550);
  expect(await bounce('writer@example.com')).toBe(250);
});

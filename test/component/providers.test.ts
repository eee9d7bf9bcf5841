import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RawClient } from '../support/raw-client.ts';
import { Site } from '../support/site.ts';

test('the ranges of large providers reach the gate, and a reload takes others', async () => {
  const site = await Site.open({
    listeners: [
      { role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true },
    ],
    networks: { balancers: ['127.0.0.1'] },
    watch: { documentationRanges: true, providersFile: 'providers.txt' },
  });
  const providers = (text: string): void => writeFileSync(join(site.folder, 'providers.txt'), text);
  const visit = async (ip: string): Promise<void> => {
    const client = await RawClient.connect(site.port);
    client.send(`PROXY TCP4 ${ip} 192.0.2.1 4242 25\r\n`);
    expect(await client.code()).toBe(220);
    expect(await client.say('QUIT')).toBe(221);
  };
  providers('198.51.100.0/24 # some.example\n');
  await site.start();
  await visit('198.51.100.7');
  await visit('203.0.113.7');
  providers('203.0.113.0/24\n');
  site.process.signal('SIGHUP');
  await site.process.line('the new configuration is in force');
  await visit('198.51.100.7');
  await visit('203.0.113.7');
  expect((await site.of('session-opened')).map(({ ip, sourceClass }) => `${ip} ${sourceClass}`)).toEqual([
    '198.51.100.7 provider',
    '203.0.113.7 stranger',
    '198.51.100.7 stranger',
    '203.0.113.7 provider',
  ]);
});

import { expect, test } from 'vitest';
import { encodeProxyHeaderV1 } from '../../proxy/proxy-header.ts';
import { prefixes, TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

/** Spellings of a domain that is not ours, with what refuses them. */
const foreign = [
  { forwardPath: 'x@elsewhere.example', code: 554 },
  { forwardPath: 'x%elsewhere.example@example.com', code: 550 },
  { forwardPath: '@elsewhere.example:x@example.com', code: 550 },
];

/** Tries to relay; the server behind would take everything. */
async function expectNoRelay(client: RawClient, upstream: ScriptedUpstream): Promise<void> {
  expect(await client.code()).toBe(220);
  await client.say('EHLO c.example.net');
  await client.say('MAIL FROM:<a@example.net>');
  for (const { forwardPath, code } of foreign) expect(await client.say(`RCPT TO:<${forwardPath}>`)).toBe(code);
  expect(await client.say('RCPT TO:<b@example.com>')).toBe(250);
  expect((await upstream.connection()).received).not.toContain('elsewhere');
  client.destroy();
}

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['172.16.0.1', '172.17.0.1'],
  ['172.31.255.254', '172.17.0.1'],
  ['10.1.2.3', '10.0.0.1'],
  ['192.168.1.1', '192.168.1.2'],
  ['169.254.1.1', '169.254.1.2'],
  ['100.64.0.1', '100.64.0.2'],
  ['::1', '::1'],
  ['fd00::1', 'fd00::2'],
  ['fe80::1', 'fe80::2'],
])('a client at %s, behind a balancer, is a stranger', async (address, local) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, {
    listener: { proxyProtocol: true },
    options: { balancers: prefixes('127.0.0.0/8') },
  });
  const client = await RawClient.connect(gate.port());
  client.send(encodeProxyHeaderV1({ address, port: 4242 }, { address: local, port: 25 }));
  await expectNoRelay(client, upstream);
  expect(gate.of('session-opened')).toMatchObject([{ ip: address, sourceClass: 'stranger' }]);
});

test.each([['127.0.0.1'], ['::1']])('a client of %s itself is a stranger', async (host) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { listener: { address: host } });
  await expectNoRelay(await RawClient.connect(gate.port(), host), upstream);
});

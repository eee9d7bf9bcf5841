import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { BlocklistAction } from '../../blocklist/entry.ts';
import { DOOR_LINGER_MS, DOOR_OCTETS_MAX, DOOR_SOCKETS_MAX, Door } from '../../proxy/io/door.ts';
import { openGate } from '../../proxy/io/gate.ts';
import { NAMELESS_MAX } from '../../proxy/io/listener.ts';
import { certificateFor } from '../support/certificates.ts';
import { aDecision, blocklistOf } from '../support/decisions.ts';
import { gateOptions, TestGate } from '../support/gate.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

test('over a limit: 421 as the greeting, no session, the server behind is not dialled, counted (DO-06)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, {
    options: { connections: { totalMax: 100, perSourceMax: 2, perMinuteMax: 1000, reservedShare: 0 } },
  });
  const clients = [await RawClient.connect(gate.port()), await RawClient.connect(gate.port())];
  for (const client of clients) expect(await client.code()).toBe(220);
  const refused = await RawClient.connect(gate.port());
  const reply = await refused.reply();
  expect(reply.code).toBe(421);
  expect(reply.lines[0]).toMatch(/^4\.7\.\d+ .*limits\.per-source/);
  await refused.toEnd();
  refused.fin();
  await refused.until(() => refused.closed, 'the close');
  expect(refused.error).toBeUndefined();
  expect(gate.gate.stats).toMatchObject({ sessions: 2, sessionsOpened: 2, refused: 1 });
  expect(upstream.connections).toHaveLength(2);
  for (const client of clients) client.destroy();
  await gate.empty();
  // The slots are free again.
  const again = await RawClient.connect(gate.port());
  expect(await again.code()).toBe(220);
  again.destroy();
  await gate.gate.drain(0);
  expect(gate.of('refusals')).toMatchObject([
    { rule: 'limits.per-source', ip: '127.0.0.1', count: 1, action: 'close' },
  ]);
});

test('a refused client that talked first can still read its reply', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, {
    options: { connections: { totalMax: 0, perSourceMax: 2, perMinuteMax: 1000, reservedShare: 0 } },
  });
  for (let round = 0; round < 20; round += 1) {
    const client = await RawClient.connect(gate.port());
    client.send('EHLO c.example.net\r\n'.repeat(100));
    expect(await client.code()).toBe(421);
    client.destroy();
  }
});

test('over a limit on a TLS port: closed without a word in clear', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  const certificate = await certificateFor('mx.example.com');
  await using gate = await TestGate.open(upstream.port, {
    listener: { tls: 'implicit' },
    options: {
      tls: { certificates: [certificate], legacyNetworks: [] },
      connections: { totalMax: 0, perSourceMax: 2, perMinuteMax: 1000, reservedShare: 0 },
    },
  });
  const client = await RawClient.connect(gate.port());
  await client.until(() => client.closed || client.ended, 'the close');
  expect(client.received).toBe('');
  client.destroy();
});

const blocked = (action: BlocklistAction, observed = false) =>
  blocklistOf([aDecision({ value: '127.0.0.0/8', action })], observed ? ['recipient-harvest'] : []);

test.each([
  { action: 'drop', observed: false, got: '' },
  { action: 'defer', observed: false, got: '421' },
  { action: 'refuse', observed: false, got: '554' },
  { action: 'refuse', observed: true, got: '220' },
  { action: 'slow', observed: false, got: '220' },
] as const)(
  'a source with a decision "$action" in force (observed: $observed) reads "$got" (PO-01)',
  async ({ action, observed, got }) => {
    await using upstream = await ScriptedUpstream.listen(smtpServer());
    await using gate = await TestGate.open(upstream.port, { modes: { 'source.blocked': 'enforce' } });
    gate.gate.setBlocklist(blocked(action, observed));
    const client = await RawClient.connect(gate.port());
    await client.until(() => client.received !== '' || client.closed || client.ended, 'something');
    expect(client.received.slice(0, 3)).toBe(got);
    if (got === '554') {
      await client.code();
      expect(await client.say('EHLO c.example.net')).toBe(503);
      expect(await client.say('QUIT')).toBe(221);
    }
    expect(upstream.connections.length).toBe(got === '220' ? 1 : 0);
    client.destroy();
    await gate.empty();
  },
);

test('connections that have not shaken hands are limited by their own number', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  const certificate = await certificateFor('mx.example.com');
  await using gate = await TestGate.open(upstream.port, {
    listener: { tls: 'implicit' },
    options: { tls: { certificates: [certificate], legacyNetworks: [] } },
  });
  const silent: RawClient[] = [];
  for (let count = 0; count < 50; count += 1) silent.push(await RawClient.connect(gate.port()));
  await gate.until(() => gate.gate.stats.nameless === 50, '50 nameless');
  const client = await RawClient.connectTls(gate.port());
  expect(await client.code()).toBe(220);
  expect(gate.gate.stats.nameless).toBe(50);
  for (const each of silent) each.destroy();
  await gate.until(() => gate.gate.stats.nameless === 0, 'no nameless');
  client.destroy();
  expect(NAMELESS_MAX).toBeGreaterThan(1000);
});

test('a port that is taken is one clear line, and nothing stays open', async () => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { options } = gateOptions(1, { listeners: [{ name: 'free' }, { name: 'busy', port }] });
  const opened = await openGate(options);
  expect(opened).toEqual({
    ok: false,
    error: `listener busy: cannot listen on 127.0.0.1 port ${port}: another program listens there`,
  });
  taken.close();
});

test.each([
  { changes: { listeners: [{ name: 'a', address: '192.0.2.77' }] }, line: /listener a: .*no such address/ },
  { changes: { listener: { tls: 'starttls' } }, line: /listener mx: no certificate/ },
  {
    changes: {
      listeners: [
        { name: 'a', port: 2525 },
        { name: 'b', port: 2525 },
      ],
    },
    line: /same address and port/,
  },
  {
    changes: { options: { tls: { certificates: [{ certificate: 'nonsense', key: 'nonsense' }], legacyNetworks: [] } } },
    line: /tls: certificate 1: /,
  },
  {
    changes: {
      target: { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    },
    line: /upstream certificates: /,
  },
] as const)('a configuration that cannot be opened says why: $line', async ({ changes, line }) => {
  const opened = await openGate(gateOptions(1, changes).options);
  expect(opened).toMatchObject({ ok: false, error: expect.stringMatching(line) });
});

/** A server on loopback whose connections are all refused at a door. */
async function serveDoor(clock: ManualClock, reply: string) {
  const door = new Door(clock);
  const server = createServer({ allowHalfOpen: true }, (socket) => door.refuse(socket, Buffer.from(reply)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { door, server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

test('a refused client that stays is cut off after a moment', async () => {
  const clock = new ManualClock();
  const { door, server, port } = await serveDoor(clock, '421 no\r\n');
  const client = await RawClient.connect(port);
  expect(await client.code()).toBe(421);
  expect(door.sockets.size).toBe(1);
  clock.advance(DOOR_LINGER_MS);
  await client.until(() => client.closed || client.ended, 'the close');
  while (door.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(clock.timers.size).toBe(0);
  client.destroy();
  server.close();
});

test('a refused client that talks on is cut off', async () => {
  const clock = new ManualClock();
  const { door, server, port } = await serveDoor(clock, '421 no\r\n');
  const client = await RawClient.connect(port);
  expect(await client.code()).toBe(421);
  client.send(Buffer.alloc(DOOR_OCTETS_MAX + 1));
  while (door.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
  client.destroy();
  server.close();
});

test('refused clients are kept up to a number, then destroyed at once', async () => {
  const clock = new ManualClock();
  const { door, server, port } = await serveDoor(clock, '421 no\r\n');
  const clients: RawClient[] = [];
  for (let count = 0; count < DOOR_SOCKETS_MAX + 5; count += 1) clients.push(await RawClient.connect(port));
  await Promise.all(
    clients.slice(DOOR_SOCKETS_MAX).map((client) => client.until(() => client.ended || client.closed, 'the close')),
  );
  expect(door.sockets.size).toBe(DOOR_SOCKETS_MAX);
  door.close();
  for (const client of clients) client.destroy();
  server.close();
});

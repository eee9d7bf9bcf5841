import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { expect, test } from 'vitest';
import { encodeProxyHeaderV1, encodeProxyHeaderV2 } from '../../proxy/proxy-header.ts';
import { certificateFor } from '../support/certificates.ts';
import { aDecision, blocklistOf } from '../support/decisions.ts';
import { type GateChanges, prefixes, TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

const certificate = await certificateFor('mx.example.com');

/** A gate behind a load balancer on loopback. */
const openBehindBalancer = (upstream: ScriptedUpstream, changes: GateChanges = {}): Promise<TestGate> =>
  TestGate.open(upstream.port, {
    ...changes,
    listener: { proxyProtocol: true, ...changes.listener },
    options: { balancers: prefixes('127.0.0.0/8'), ...changes.options },
  });

const from = { address: '192.0.2.107', port: 4242 };
const to = { address: '192.0.2.1', port: 25 };
const from6 = { address: '2001:db8::7', port: 4242 };
const to6 = { address: '2001:db8::1', port: 25 };

test.each([
  { what: 'version 1, IPv4', header: encodeProxyHeaderV1(from, to), ip: '192.0.2.107' },
  { what: 'version 1, IPv6', header: encodeProxyHeaderV1(from6, to6), ip: '2001:db8::7' },
  { what: 'version 2, IPv4', header: encodeProxyHeaderV2(from, to), ip: '192.0.2.107' },
  { what: 'version 2, IPv6', header: encodeProxyHeaderV2(from6, to6), ip: '2001:db8::7' },
  { what: 'version 1, UNKNOWN (ID-08)', header: Buffer.from('PROXY UNKNOWN\r\n'), ip: '127.0.0.1' },
  { what: 'version 2, LOCAL (ID-08)', header: Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex'), ip: '127.0.0.1' },
])('$what: the greeting comes after it, and events name the client', async ({ header, ip }) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openBehindBalancer(upstream);
  const client = await RawClient.connect(gate.port());
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(client.received).toBe('');
  client.send(header);
  expect(await client.code()).toBe(220);
  expect(await client.say('EHLO c.example.net')).toBe(250);
  expect(gate.of('session-opened')).toMatchObject([{ ip, viaProxyProtocol: ip !== '127.0.0.1' }]);
  expect(gate.of('command')).toMatchObject([{ ip }]);
  client.destroy();
});

test('a header one octet at a time', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openBehindBalancer(upstream);
  const client = await RawClient.connect(gate.port());
  for (const octet of encodeProxyHeaderV2(from, to)) {
    client.send(Uint8Array.of(octet));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await client.code()).toBe(220);
  client.destroy();
});

test.each([
  { method: 'proxy-v1', header: encodeProxyHeaderV1(from, to) },
  { method: 'proxy-v2', header: encodeProxyHeaderV2(from, to) },
] as const)('the server behind is told by $method what the balancer told us', async ({ method, header }) => {
  const { promise: seen, resolve } = Promise.withResolvers<string | undefined>();
  await using upstream = await ScriptedUpstream.listen(async (connection) => {
    resolve(await connection.takeOctets(header.length));
    await smtpServer()(connection);
  });
  await using gate = await openBehindBalancer(upstream, { upstream: { clientAddress: method } });
  const client = await RawClient.connect(gate.port());
  client.send(encodeProxyHeaderV1(from, to));
  expect(await client.code()).toBe(220);
  expect(await seen).toBe(Buffer.from(header).toString('latin1'));
  client.destroy();
});

test('a header from a peer that is no balancer is not believed (ID-01)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openBehindBalancer(upstream, { options: { balancers: prefixes('192.0.2.0/24') } });
  const client = await RawClient.connect(gate.port());
  client.send('PROXY TCP4 192.0.2.107 192.0.2.1 4242 25\r\n');
  const code = await client.code();
  expect(code === 220 ? await client.code() : code).toBeGreaterThanOrEqual(500);
  await client.toEnd();
  client.fin();
  await gate.empty();
  expect(gate.events.filter((event) => 'ip' in event && event.ip !== '127.0.0.1')).toEqual([]);
  expect(gate.of('anomaly').map(({ kind }) => kind)).toContain('proxy-untrusted');
});

test.each([
  { what: 'silence', octets: '' },
  { what: 'EHLO', octets: 'EHLO c.example.net\r\n' },
  { what: 'a header that does not end (ID-05)', octets: `PROXY TCP4 ${'1'.repeat(100_000)}` },
])('a balancer that sends $what gets no banner (ID-02)', async ({ octets }) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openBehindBalancer(upstream, { deadlines: { proxyHeaderMs: 100 } });
  const client = await RawClient.connect(gate.port());
  client.send(octets);
  await client.until(() => client.closed || client.ended, 'the close');
  expect(client.received).toBe('');
  client.destroy();
  await gate.empty();
  expect(upstream.connections).toHaveLength(0);
});

test('a second header from the client behind the balancer changes nothing (ID-03)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openBehindBalancer(upstream);
  const client = await RawClient.connect(gate.port());
  client.send(encodeProxyHeaderV1(from, to));
  await client.code();
  expect(await client.say('PROXY TCP4 192.0.2.209 192.0.2.1 1 25')).toBeGreaterThanOrEqual(500);
  expect(new Set(gate.events.flatMap((event) => ('ip' in event ? [event.ip] : [])))).toEqual(new Set(['192.0.2.107']));
  client.destroy();
});

test('a version 2 header on a plain listener is recognised, never forwarded (ID-04)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.code();
  client.send(encodeProxyHeaderV2(from, to));
  await client.until(() => client.closed || client.ended, 'the close');
  client.destroy();
  await gate.empty();
  const received = upstream.connections[0]?.received ?? '';
  expect(received).not.toContain('\x21\x11');
  expect(received).not.toContain('QUIT\n');
});

/** Sends the first octets a TLS client writes behind these octets, in one segment. */
class Prefixed extends Duplex {
  private readonly raw: Socket;
  private first: Uint8Array;

  constructor(raw: Socket, first: Uint8Array) {
    super();
    this.raw = raw;
    this.first = first;
    raw.on('data', (octets: Uint8Array) => this.push(octets));
    raw.on('end', () => this.push(null));
    raw.on('error', (error) => this.destroy(error));
  }
  override _read(): void {
    // The raw socket pushes.
  }
  override _write(octets: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.raw.write(Buffer.concat([this.first, octets]), done);
    this.first = new Uint8Array(0);
  }
}

test('header and ClientHello in one segment: only the header is consumed (ID-06)', async () => {
  const bodies: string[] = [];
  await using upstream = await ScriptedUpstream.listen(smtpServer({ bodies }));
  await using gate = await openBehindBalancer(upstream, {
    listener: { tls: 'implicit', proxyProtocol: true },
    options: { balancers: prefixes('127.0.0.0/8'), tls: { certificates: [certificate], legacyNetworks: [] } },
  });
  const raw = connect({ port: gate.port(), host: '127.0.0.1' });
  await once(raw, 'connect');
  const header = encodeProxyHeaderV2(from, to);
  const socket = tlsConnect({ socket: new Prefixed(raw, header), rejectUnauthorized: false });
  const client = new RawClient(socket);
  expect(await client.code()).toBe(220);
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>', 'DATA'])
    await client.say(line);
  const body = `${'0123456789\r\n'.repeat(20_000)}.\r\n`;
  client.send(body);
  expect(await client.code()).toBe(250);
  expect(await client.say('QUIT')).toBe(221);
  raw.destroy();
  await gate.empty();
  expect(bodies).toEqual([body]);
  expect(gate.of('session-opened')).toMatchObject([{ ip: '192.0.2.107', tls: true, viaProxyProtocol: true }]);
});

test('the header in a segment of its own before TLS', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openBehindBalancer(upstream, {
    listener: { tls: 'implicit', proxyProtocol: true },
    options: { balancers: prefixes('127.0.0.0/8'), tls: { certificates: [certificate], legacyNetworks: [] } },
  });
  const client = await RawClient.connect(gate.port());
  client.send(encodeProxyHeaderV1(from, to));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await client.startTls();
  expect(await client.code()).toBe(220);
  client.destroy();
});

test.each(['fin', 'reset'] as const)('%s before the header: the slot is freed (ID-07)', async (leave) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openBehindBalancer(upstream);
  for (let round = 0; round < 20; round += 1) {
    const client = await RawClient.connect(gate.port());
    if (round % 2 === 1) client.send('PROXY TCP4 ');
    client[leave]();
    if (leave === 'fin') client.destroy();
  }
  await gate.empty();
  expect(gate.gate.stats).toMatchObject({ sessions: 0, nameless: 0 });
});

test('the limits count the client that the header names, not the balancer (DO-06)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openBehindBalancer(upstream, {
    options: {
      balancers: prefixes('127.0.0.0/8'),
      connections: { totalMax: 100, perSourceMax: 2, perMinuteMax: 1000, reservedShare: 0 },
    },
  });
  const codes: number[] = [];
  const clients: RawClient[] = [];
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2']) {
    const client = await RawClient.connect(gate.port());
    client.send(encodeProxyHeaderV1({ address, port: 1 }, to));
    codes.push(await client.code());
    clients.push(client);
  }
  expect(codes).toEqual([220, 220, 421, 220]);
  expect(upstream.connections).toHaveLength(3);
  for (const client of clients) client.destroy();
});

test('who is turned away behind a balancer does not count while it reads why', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openBehindBalancer(upstream, {
    options: {
      balancers: prefixes('127.0.0.0/8'),
      connections: { totalMax: 10, perSourceMax: 1, perMinuteMax: 1000, reservedShare: 0 },
    },
  });
  const clients: RawClient[] = [];
  const codeFor = async (address: string): Promise<number> => {
    const client = await RawClient.connect(gate.port());
    clients.push(client);
    client.send(encodeProxyHeaderV1({ address, port: 1 }, to));
    return client.code();
  };
  expect(await codeFor('192.0.2.1')).toBe(220);
  for (let count = 0; count < 20; count += 1) expect(await codeFor('192.0.2.1')).toBe(421);
  // Twenty of them are still there, and there are only ten places.
  expect(await codeFor('192.0.2.2')).toBe(220);
  for (const client of clients) client.destroy();
  await gate.empty();
  expect(await codeFor('192.0.2.1')).toBe(220);
  for (const client of clients) client.destroy();
});

test('IPv4 peers of an IPv6 listener are IPv4 in rules and events (ID-09)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, {
    listener: { address: '::', proxyProtocol: true },
    modes: { 'source.blocked': 'enforce' },
    options: { balancers: prefixes('127.0.0.1/32') },
  });
  const client = await RawClient.connect(gate.port());
  client.send('PROXY UNKNOWN\r\n');
  expect(await client.code()).toBe(220);
  client.destroy();
  await gate.empty();
  expect(gate.of('session-opened')).toMatchObject([{ ip: '127.0.0.1' }]);
  gate.gate.setBlocklist(blocklistOf([aDecision({ value: '127.0.0.0/8', action: 'refuse' })]));
  const refused = await RawClient.connect(gate.port());
  refused.send('PROXY UNKNOWN\r\n');
  expect(await refused.code()).toBe(554);
  refused.destroy();
});

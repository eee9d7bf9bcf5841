import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { expect, test } from 'vitest';
import { certificateFor } from '../support/certificates.ts';
import { type GateChanges, prefix, TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

const certificate = await certificateFor('mx.example.com');

/** A gate that offers STARTTLS, or TLS from the first octet. */
const openTlsGate = (
  upstream: ScriptedUpstream,
  tls: 'starttls' | 'implicit',
  changes: GateChanges = {},
): Promise<TestGate> =>
  TestGate.open(upstream.port, {
    ...changes,
    listener: { tls, ...changes.listener },
    options: { tls: { certificates: [certificate], legacyNetworks: [] }, ...changes.options },
  });

async function hello(gate: TestGate, name = 'mx'): Promise<RawClient> {
  const client = await RawClient.connect(gate.port(name));
  await client.reply();
  await client.say('EHLO c.example.net');
  return client;
}

test('after STARTTLS everything before it is forgotten, and the server behind is asked again (TL-03, TL-04, TL-19)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'starttls');
  const client = await hello(gate);
  await client.say('MAIL FROM:<a@example.net>');
  await client.say('RCPT TO:<b@example.com>');
  expect(await client.say('starttls')).toBe(220);
  await client.startTls();
  expect(await client.say('MAIL FROM:<a@example.net>')).toBe(503);
  client.send('EHLO c.example.net\r\n');
  const offered = (await client.reply()).lines;
  expect(offered).not.toContain('STARTTLS');
  expect(offered).toContain('PIPELINING');
  expect(await client.say('DATA')).toBe(503);
  expect(await client.say('STARTTLS')).toBe(503);
  expect(await client.say('NOOP')).toBe(250);
  expect((await upstream.connection()).received.match(/EHLO/g)).toHaveLength(2);
  expect(gate.of('tls-started')).toMatchObject([{ leg: 'client', version: 'TLSv1.3', sni: 'mx.example.com' }]);
  client.destroy();
});

test('a message over STARTTLS goes through', async () => {
  const bodies: string[] = [];
  await using upstream = await ScriptedUpstream.listen(smtpServer({ bodies }));
  await using gate = await openTlsGate(upstream, 'starttls');
  const client = await hello(gate);
  await client.say('STARTTLS');
  await client.startTls();
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>', 'DATA'])
    await client.say(line);
  const body = `${'0123456789\r\n'.repeat(50_000)}.\r\n`;
  client.send(body);
  expect(await client.code()).toBe(250);
  expect(await client.say('QUIT')).toBe(221);
  client.fin();
  await client.until(() => client.closed, 'the close');
  expect(client.error).toBeUndefined();
  expect(bodies).toEqual([body]);
  await gate.empty();
});

test.each([
  { glued: 'EHLO evil.example\r\nMAIL FROM:<x@example.com>\r\n', what: 'commands' },
  { glued: '\x16\x03\x01\x00\xa5\x01', what: 'the start of a handshake (ND-04)' },
])('$what glued behind STARTTLS: refused, closed, never executed (TL-01)', async ({ glued }) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'starttls');
  const client = await hello(gate);
  expect(await client.say(`STARTTLS\r\n${glued}`.replace(/\r\n$/, ''))).toBe(503);
  expect(await client.toEnd()).toBe('');
  client.fin();
  await gate.empty();
  const { received } = await upstream.connection();
  expect(received).not.toContain('evil');
  expect(received).not.toContain('MAIL');
  expect(gate.of('anomaly').map(({ kind }) => kind)).toEqual(['starttls-injection']);
});

test('octets in clear behind STARTTLS in the next segment of the same burst are seen too (TL-01)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'starttls');
  const client = await hello(gate);
  client.send('STARTTLS\r\n');
  client.send('EHLO evil.example\r\n');
  const first = await client.reply();
  // Either it was seen in time, or the octets went to the TLS engine: never an SMTP reply to them.
  if (first.code === 220) expect(await client.toEnd()).not.toMatch(/^250/m);
  else expect(first.code).toBe(503);
  expect((await upstream.connection()).received).not.toContain('evil');
  client.destroy();
  await gate.empty();
});

test('octets in clear between the 220 and the handshake end the session without an SMTP reply (TL-02)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'starttls');
  const client = await hello(gate);
  expect(await client.say('STARTTLS')).toBe(220);
  client.send('EHLO evil.example\r\n');
  await client.until(() => client.ended || client.closed, 'the end');
  expect(client.received).not.toMatch(/\d{3}[ -]/);
  await gate.empty();
  expect((await upstream.connection()).received).not.toContain('evil');
  expect(gate.of('tls-failed')).toMatchObject([{ leg: 'client' }]);
});

test('without a certificate STARTTLS is not there, and the session goes on in clear (TL-08)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const client = await hello(gate);
  expect(await client.say('STARTTLS')).toBeGreaterThanOrEqual(400);
  expect(await client.say('NOOP')).toBe(250);
  client.destroy();
});

test('a handshake that never comes is cut off, and its slot and the connection behind are freed (TL-12)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'starttls', { deadlines: { tlsHandshakeMs: 100 } });
  const client = await hello(gate);
  expect(await client.say('STARTTLS')).toBe(220);
  const trickle = setInterval(() => client.send('\x16'), 20);
  await client.until(() => client.closed || client.ended, 'the close');
  clearInterval(trickle);
  await gate.empty();
  expect(gate.of('session-closed')).toMatchObject([{ rule: 'deadline.tls' }]);
});

test.each([
  { tls: 'starttls', what: 'garbage' },
  { tls: 'implicit', what: 'garbage' },
] as const)('$what instead of a ClientHello ($tls): the process lives, an event tells (TL-13)', async ({ tls }) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, tls);
  const client = tls === 'starttls' ? await hello(gate) : await RawClient.connect(gate.port());
  if (tls === 'starttls') await client.say('STARTTLS');
  client.send(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 255, 255]));
  await client.until(() => client.closed || client.ended, 'the end');
  await gate.empty();
  expect(gate.of('tls-failed')).toHaveLength(1);
  expect(gate.of('tls-failed')[0]?.reason).not.toBe('');
});

test('a client that leaves in the midst of its handshake frees its slot', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'implicit');
  for (const leave of ['fin', 'reset'] as const) {
    const client = await RawClient.connect(gate.port());
    client.send(Buffer.from([0x16, 3, 1, 2, 0, 1]));
    await new Promise((resolve) => setTimeout(resolve, 30));
    client[leave]();
    await gate.empty();
    client.destroy();
  }
  expect(gate.of('tls-failed')).toHaveLength(2);
  expect(upstream.connections).toHaveLength(0);
});

test('SMTP in clear on a TLS port gets no SMTP in clear back (TL-15)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'implicit');
  const client = await RawClient.connect(gate.port());
  client.send('EHLO c.example.net\r\n');
  await client.until(() => client.closed || client.ended, 'the end');
  expect(client.received).not.toMatch(/\d{3}[ -]/);
  await gate.empty();
  expect(upstream.connections).toHaveLength(0);
});

test('a message on a TLS port', async () => {
  const bodies: string[] = [];
  await using upstream = await ScriptedUpstream.listen(smtpServer({ bodies }));
  await using gate = await openTlsGate(upstream, 'implicit');
  const client = await RawClient.connectTls(gate.port());
  expect(await client.code()).toBe(220);
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>', 'DATA'])
    await client.say(line);
  client.send('hello\r\n.\r\n');
  expect(await client.code()).toBe(250);
  expect(await client.say('STARTTLS')).toBe(503);
  client.destroy();
  await gate.empty();
  expect(gate.of('session-opened')).toMatchObject([{ tls: true }]);
  expect(bodies).toHaveLength(1);
});

test('renegotiation by the client ends the session (TL-16)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'implicit');
  const client = await RawClient.connectTls(gate.port(), { maxVersion: 'TLSv1.2' });
  await client.reply();
  expect(await client.say('NOOP')).toBe(250);
  const { socket } = client;
  (socket as TLSSocket).renegotiate({}, () => undefined);
  await client.until(() => client.closed || client.ended, 'the end');
  await gate.empty();
  expect(gate.of('session-closed')).toHaveLength(1);
});

/** Shakes hands; waits for the greeting, which comes when the gate has seen the whole handshake. */
async function shakeHands(
  port: number,
  options: ConnectionOptions,
): Promise<{ socket: TLSSocket; error: string | undefined }> {
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  socket.on('error', (error) => resolve(error.message));
  socket.once('data', () => resolve(undefined));
  return { socket, error: await promise };
}

/** Connects with a session of before; says whether it was resumed. */
async function resumes(port: number, session: Buffer, options: ConnectionOptions): Promise<boolean> {
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, session, ...options });
  await once(socket, 'secureConnect');
  const resumed = socket.isSessionReused();
  socket.destroy();
  return resumed;
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a %s ticket of one listener is worth nothing at another, and something at its own (TL-17)',
  async (version) => {
    await using upstream = await ScriptedUpstream.listen(smtpServer());
    await using gate = await openTlsGate(upstream, 'implicit', {
      listeners: [
        { name: 'one', tls: 'implicit' },
        { name: 'two', tls: 'implicit' },
      ],
    });
    const options = { minVersion: version, maxVersion: version } as const;
    const socket = tlsConnect({ port: gate.port('one'), host: '127.0.0.1', rejectUnauthorized: false, ...options });
    const [session] = (await once(socket, 'session')) as [Buffer];
    socket.destroy();
    expect(await resumes(gate.port('one'), session, options)).toBe(true);
    expect(await resumes(gate.port('two'), session, options)).toBe(false);
  },
);

test.each([
  { protocols: ['http/1.1'], accepted: false },
  { protocols: ['smtp'], accepted: true },
  { protocols: ['http/1.1', 'smtp'], accepted: true },
  { protocols: undefined, accepted: true },
])('ALPN $protocols: accepted is $accepted (TL-18)', async ({ protocols, accepted }) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'implicit');
  const { socket, error } = await shakeHands(gate.port(), protocols === undefined ? {} : { ALPNProtocols: protocols });
  if (accepted) expect(error).toBeUndefined();
  else expect(error).toMatch(/no.application.protocol/i);
  socket.destroy();
  await gate.empty();
  if (accepted && protocols !== undefined) expect(gate.of('tls-started')).toMatchObject([{ alpn: 'smtp' }]);
});

test.each([
  { version: 'TLSv1.1', legacy: [], accepted: false },
  { version: 'TLSv1.1', legacy: ['127.0.0.0/8'], accepted: true },
  { version: 'TLSv1.1', legacy: ['192.0.2.0/24'], accepted: false },
  { version: 'TLSv1.2', legacy: [], accepted: true },
] as const)('$version with legacy networks $legacy: accepted is $accepted', async ({ version, legacy, accepted }) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'implicit', {
    options: { tls: { certificates: [certificate], legacyNetworks: legacy.map(prefix) } },
  });
  const { socket, error } = await shakeHands(gate.port(), {
    minVersion: version,
    maxVersion: version,
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  socket.destroy();
  expect(error === undefined).toBe(accepted);
  await gate.empty();
});

test.each([
  { name: 'mx.example.com', got: 'mx.example.com' },
  { name: 'other.example.net', got: 'other.example.net' },
  { name: 'OTHER.example.net', got: 'other.example.net' },
  { name: 'a.wild.example', got: '*.wild.example' },
  { name: 'a.b.wild.example', got: 'mx.example.com' },
  { name: 'unknown.example', got: 'mx.example.com' },
  { name: undefined, got: 'mx.example.com' },
])('SNI $name is served the certificate of $got', async ({ name, got }) => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  const certificates = [certificate, await certificateFor('other.example.net'), await certificateFor('*.wild.example')];
  await using gate = await openTlsGate(upstream, 'implicit', {
    options: { tls: { certificates, legacyNetworks: [] } },
  });
  const { socket } = await shakeHands(gate.port(), name === undefined ? {} : { servername: name });
  expect(socket.getPeerCertificate().subject.CN).toBe(got);
  socket.destroy();
});

test('a client that ends TLS ends the session: what it says in clear afterwards is ignored', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await openTlsGate(upstream, 'starttls');
  const raw = connect({ port: gate.port(), host: '127.0.0.1', allowHalfOpen: true });
  const client = new RawClient(raw);
  await client.reply();
  await client.say('EHLO c.example.net');
  await client.say('STARTTLS');
  const secured = await client.startTls();
  secured.end();
  await client.until(() => client.ended || client.closed, 'the end of TLS');
  if (!raw.destroyed) raw.write('NOOP\r\n');
  await gate.empty();
  expect(client.received).toBe('');
});

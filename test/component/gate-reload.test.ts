import { once } from 'node:events';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { expect, test } from 'vitest';
import type { GateListener } from '../../proxy/io/gate.ts';
import { certificateFor, make } from '../support/certificates.ts';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

/** The listener of the test gate, changed. */
function listenerOf(gate: TestGate, changes: Partial<GateListener>): GateListener {
  const [first] = gate.options.listeners;
  if (first === undefined) throw new Error('no listener');
  return { ...first, ...changes };
}

test('a reload drops no session: live ones keep their settings, new ones get the new ones', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const old = await RawClient.connect(gate.port());
  await old.code();
  const port = gate.port();
  const { session } = gate.options;
  const reloaded = await gate.gate.reload({
    ...gate.options,
    configHash: 'next',
    session: { ...session, greetingText: 'new text ESMTP' },
    lists: { ...gate.options.lists, isOwnDomain: (domain) => domain === 'new.example' },
  });
  expect(reloaded.ok).toBe(true);
  expect(gate.port()).toBe(port);
  expect(await old.say('EHLO c.example.net')).toBe(250);
  const fresh = await RawClient.connect(gate.port());
  expect(await fresh.reply()).toEqual({ code: 220, lines: ['new text ESMTP'] });
  // Lists are facts of the moment: they hold for live sessions too.
  await old.say('MAIL FROM:<a@example.net>');
  expect(await old.say('RCPT TO:<b@example.com>')).toBe(554);
  expect(await old.say('RCPT TO:<b@new.example>')).toBe(250);
  expect(gate.of('config-changed')).toMatchObject([{ outcome: 'applied', configHash: 'next' }]);
  old.destroy();
  fresh.destroy();
});

test('listeners come and go with a reload; sessions of one that is gone go on', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { listeners: [{ name: 'a' }, { name: 'b' }] });
  const old = await RawClient.connect(gate.port('b'));
  await old.code();
  const gone = gate.port('b');
  const kept = gate.port('a');
  const listeners = [listenerOf(gate, { name: 'a' }), listenerOf(gate, { name: 'c' })];
  expect((await gate.gate.reload({ ...gate.options, listeners })).ok).toBe(true);
  expect([...gate.gate.bound.keys()]).toEqual(['a', 'c']);
  expect(gate.port('a')).toBe(kept);
  await expect(RawClient.connect(gone)).rejects.toThrow('ECONNREFUSED');
  expect(await old.say('EHLO c.example.net')).toBe(250);
  const fresh = await RawClient.connect(gate.port('c'));
  expect(await fresh.code()).toBe(220);
  old.destroy();
  fresh.destroy();
});

test('a reload that cannot be done changes nothing, and an event says why', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const listeners = [
    listenerOf(gate, {}),
    listenerOf(gate, { name: 'd' }),
    listenerOf(gate, { name: 'bad', address: '192.0.2.77', port: 2525 }),
  ];
  const session = { ...gate.options.session, greetingText: 'never seen' };
  const reloaded = await gate.gate.reload({ ...gate.options, configHash: 'bad', listeners, session });
  expect(reloaded).toMatchObject({ ok: false, error: expect.stringContaining('listener bad') });
  expect([...gate.gate.bound.keys()]).toEqual(['mx']);
  const client = await RawClient.connect(gate.port());
  expect(await client.reply()).toEqual({ code: 220, lines: ['upstream.example ESMTP'] });
  expect(gate.of('config-changed')).toMatchObject([
    { outcome: 'refused', configHash: 'bad', faults: [expect.stringContaining('listener bad')] },
  ]);
  client.destroy();
});

test('a lower connection limit after a reload counts those that are in', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const clients = [await RawClient.connect(gate.port()), await RawClient.connect(gate.port())];
  for (const client of clients) await client.code();
  await gate.gate.reload({
    ...gate.options,
    connections: { totalMax: 2, perSourceMax: 100, perMinuteMax: 1000, reservedShare: 0 },
  });
  const refused = await RawClient.connect(gate.port());
  expect(await refused.code()).toBe(421);
  for (const client of [...clients, refused]) client.destroy();
});

async function certificateName(port: number): Promise<string> {
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test('other certificates for new handshakes, without dropping a session', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  const certificate = await certificateFor('mx.example.com');
  await using gate = await TestGate.open(upstream.port, {
    listener: { tls: 'implicit' },
    options: { tls: { certificates: [certificate], legacyNetworks: [] } },
  });
  const old = await RawClient.connectTls(gate.port());
  await old.code();
  const before = await certificateName(gate.port());
  expect(gate.gate.setCertificates({ certificates: [await make(['mx.example.com'])], legacyNetworks: [] }).ok).toBe(
    true,
  );
  expect(await certificateName(gate.port())).not.toBe(before);
  expect(await old.say('EHLO c.example.net')).toBe(250);
  old.destroy();
});

test('STARTTLS of a session from before a swap shows the new certificate', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, {
    listener: { tls: 'starttls' },
    options: { tls: { certificates: [await make(['mx.example.com'])], legacyNetworks: [] } },
  });
  const client = await RawClient.connect(gate.port());
  await client.code();
  await client.say('EHLO c.example.net');
  const next = await make(['next.example.com']);
  await gate.gate.reload({ ...gate.options, tls: { certificates: [next], legacyNetworks: [] } });
  await client.say('STARTTLS');
  const secured: TLSSocket = await client.startTls();
  expect(secured.getPeerCertificate().subject.CN).toBe('next.example.com');
  client.destroy();
});

test('certificates that are not usable are refused, and the old ones stay', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  const certificate = await certificateFor('mx.example.com');
  await using gate = await TestGate.open(upstream.port, {
    listener: { tls: 'implicit' },
    options: { tls: { certificates: [certificate], legacyNetworks: [] } },
  });
  const before = await certificateName(gate.port());
  const other = await certificateFor('other.example.net');
  const mixed = {
    certificates: [certificate, { certificate: certificate.certificate, key: other.key }],
    legacyNetworks: [],
  };
  expect(gate.gate.setCertificates(mixed)).toMatchObject({
    ok: false,
    error: expect.stringMatching(/^tls: certificate 2: /),
  });
  expect((await gate.gate.reload({ ...gate.options, tls: mixed })).ok).toBe(false);
  expect(await certificateName(gate.port())).toBe(before);
});

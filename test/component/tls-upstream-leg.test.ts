import { expect, test } from 'vitest';
import type { UpstreamTarget } from '../../proxy/io/upstream.ts';
import type { UpstreamSettings } from '../../proxy/settings.ts';
import { certificateFor } from '../support/certificates.ts';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { type Script, ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

const certificate = await certificateFor('mail.example.com');
const other = await certificateFor('other.example.net');

/** A gate whose leg to the server behind is set as the test says. */
const openGate = (
  upstream: ScriptedUpstream,
  settings: Partial<UpstreamSettings>,
  target: Partial<UpstreamTarget> = {},
): Promise<TestGate> => TestGate.open(upstream.port, { upstream: settings, target });

test.each(['opportunistic', 'required'] as const)(
  'STARTTLS to the server behind (%s): the message arrives, and capabilities from before TLS are forgotten (TL-11)',
  async (tls) => {
    const bodies: string[] = [];
    let ehlos = 0;
    await using upstream = await ScriptedUpstream.listen(
      smtpServer({
        bodies,
        tls: certificate,
        answer: (line) => {
          if (!line.startsWith('EHLO')) return undefined;
          ehlos += 1;
          return ehlos === 1 ? '250-up\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 SIZE 1000' : '250-up\r\n250 8BITMIME';
        },
      }),
    );
    await using gate = await openGate(upstream, { tls });
    const client = await RawClient.connect(gate.port());
    expect(await client.code()).toBe(220);
    client.send('EHLO c.example.net\r\n');
    const offered = (await client.reply()).lines.join('\n');
    expect(offered).toContain('8BITMIME');
    expect(offered).not.toContain('AUTH');
    expect(offered).not.toMatch(/SIZE 1000$/m);
    for (const line of ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>', 'DATA']) await client.say(line);
    client.send(`${'0123456789\r\n'.repeat(30_000)}.\r\n`);
    expect(await client.code()).toBe(250);
    expect(await client.say('QUIT')).toBe(221);
    client.fin();
    await gate.empty();
    expect(bodies[0]).toHaveLength(12 * 30_000 + 3);
    expect(gate.of('tls-started')).toMatchObject([{ leg: 'upstream', version: 'TLSv1.3', verified: false }]);
  },
);

test('TLS from the first octet to the server behind', async () => {
  await using upstream = await ScriptedUpstream.listen(async (connection) => {
    await connection.startTls(certificate);
    await smtpServer()(connection);
  });
  await using gate = await openGate(upstream, { tls: 'implicit' });
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(220);
  expect(await client.say('EHLO c.example.net')).toBe(250);
  expect(await client.say('QUIT')).toBe(221);
  client.fin();
  await gate.empty();
  expect(gate.of('tls-started')).toMatchObject([{ leg: 'upstream' }]);
});

test('a PROXY header goes before TLS, in clear', async () => {
  const { promise: header, resolve } = Promise.withResolvers<string | undefined>();
  await using upstream = await ScriptedUpstream.listen(async (connection) => {
    resolve(await connection.take('\r\n'));
    await connection.startTls(certificate);
    await smtpServer()(connection);
  });
  await using gate = await openGate(upstream, { tls: 'implicit', clientAddress: 'proxy-v1' });
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(220);
  expect(await header).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 ${client.socket.localPort} ${gate.port()}\r\n`);
  client.destroy();
});

/** Answers EHLO with STARTTLS, and STARTTLS with these octets. */
const starttlsAnswer =
  (octets: string): Script =>
  async (connection) => {
    connection.send('220 up ESMTP\r\n');
    await connection.answer('250-up\r\n250 STARTTLS');
    await connection.line();
    connection.send(octets);
    await connection.toEnd();
  };

test.each(['220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n', '220 go\r\n250-AUT', '220 go\r\n250 AUTH PLAIN\r\n'])(
  'octets behind the reply to STARTTLS are an attack: %j (TL-09)',
  async (octets) => {
    await using upstream = await ScriptedUpstream.listen(starttlsAnswer(octets));
    await using gate = await openGate(upstream, { tls: 'opportunistic' });
    const client = await RawClient.connect(gate.port());
    expect(await client.code()).toBe(421);
    await client.toEnd();
    client.fin();
    await gate.empty();
    const { received } = await upstream.connection();
    expect(received.match(/EHLO/g)).toHaveLength(1);
    expect(received).not.toContain('\x16\x03');
    expect(gate.of('anomaly').map(({ kind }) => kind)).toContain('upstream-starttls-injection');
  },
);

test.each([
  { what: 'does not offer STARTTLS', script: smtpServer(), settings: {}, target: {} },
  { what: 'answers 454', script: starttlsAnswer('454 4.7.0 not now\r\n'), settings: {}, target: {} },
  {
    what: 'shows a certificate nobody vouches for',
    script: smtpServer({ tls: certificate }),
    settings: { verifyCertificate: true },
    target: { serverName: 'mail.example.com' },
  },
  {
    what: 'shows a certificate for another name',
    script: smtpServer({ tls: other }),
    settings: { verifyCertificate: true },
    target: { serverName: 'mail.example.com', ca: other.certificate },
  },
])(
  'TLS is required and the server behind $what: 421, and nothing of the client in clear (TL-10)',
  async ({ script, settings, target }) => {
    await using upstream = await ScriptedUpstream.listen(script);
    await using gate = await openGate(upstream, { tls: 'required', ...settings }, target);
    const client = await RawClient.connect(gate.port());
    expect(await client.code()).toBe(421);
    await client.toEnd();
    client.fin();
    await gate.empty();
    expect((await upstream.connection()).received).not.toContain('c.example.net');
  },
);

test('a certificate that a trusted one vouches for, for the right name', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer({ tls: certificate }));
  const target = { serverName: 'mail.example.com', ca: certificate.certificate };
  await using gate = await openGate(upstream, { tls: 'required', verifyCertificate: true }, target);
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(220);
  expect(gate.of('tls-started')).toMatchObject([{ leg: 'upstream', verified: true }]);
  client.destroy();
});

test('garbage instead of a ServerHello: 421, an event, the process lives (TL-13)', async () => {
  await using upstream = await ScriptedUpstream.listen(async (connection) => {
    connection.send('220 up ESMTP\r\n');
    await connection.answer('250-up\r\n250 STARTTLS');
    await connection.answer('220 go');
    await connection.takeOctets(50);
    connection.send('this is no ServerHello\r\n');
    await connection.toEnd();
  });
  await using gate = await openGate(upstream, { tls: 'opportunistic' });
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(421);
  client.fin();
  await gate.empty();
  expect(gate.of('tls-failed')).toMatchObject([{ leg: 'upstream' }]);
});

test('a server behind that never answers the handshake is given up', async () => {
  await using upstream = await ScriptedUpstream.listen(starttlsAnswer('220 go\r\n'));
  await using gate = await TestGate.open(upstream.port, {
    upstream: { tls: 'required' },
    deadlines: { tlsHandshakeMs: 100 },
  });
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(421);
  client.fin();
  await gate.empty();
});

test('the server behind ends TLS and goes on in clear: ignored, and the session ends (TL-14)', async () => {
  await using upstream = await ScriptedUpstream.listen(async (connection) => {
    connection.send('220 up ESMTP\r\n');
    await connection.answer('250-up\r\n250 STARTTLS');
    await connection.answer('220 go');
    const raw = connection.socket;
    await connection.startTls(certificate);
    await connection.answer('250 up');
    await connection.line();
    connection.socket.end();
    setTimeout(() => {
      if (!raw.destroyed) raw.write('221 bye\r\n');
    }, 20);
    await connection.toEnd();
  });
  await using gate = await openGate(upstream, { tls: 'opportunistic' });
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(220);
  expect(await client.say('EHLO c.example.net')).toBe(250);
  client.send('QUIT\r\n');
  const code = await client.code();
  // 221 of our own or 421: never what came in clear.
  expect(client.received).not.toContain('bye');
  expect([221, 421]).toContain(code);
  client.fin();
  await gate.empty();
});

import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { defaultKeywords, ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

/** A port on loopback where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('the server behind cannot be reached: 421 as the greeting, never 220 (UR-16)', async () => {
  await using gate = await TestGate.open(await freePort());
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(421);
  expect(await client.toEnd()).toBe('');
  client.fin();
  await gate.empty();
  expect(gate.of('upstream-failed')).toMatchObject([{ reason: 'ECONNREFUSED' }]);
});

test('the server behind is reached and silent: 421 as the greeting (UR-16)', async () => {
  await using upstream = await ScriptedUpstream.listen((connection) => connection.toEnd());
  await using gate = await TestGate.open(upstream.port, { deadlines: { upstreamGreetingMs: 100 } });
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(421);
  client.fin();
  await gate.empty();
});

test.each(['fin', 'reset'] as const)('the server behind leaves (%s) before its greeting: 421', async (leave) => {
  await using upstream = await ScriptedUpstream.listen(async (connection) => connection[leave]());
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(421);
  client.fin();
  await gate.empty();
});

test('a 421 greeting of the server behind is passed on', async () => {
  await using upstream = await ScriptedUpstream.listen(async (connection) => {
    connection.send('421 4.3.2 shutting down\r\n');
    connection.fin();
  });
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  expect(await client.reply()).toEqual({ code: 421, lines: ['4.3.2 shutting down'] });
  expect(await client.toEnd()).toBe('');
  client.fin();
  await gate.empty();
});

test('connections to the server behind have a limit: beyond it 421, and again 220 when one is free', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { upstreamConnectionsMax: 2 });
  const clients = [await RawClient.connect(gate.port()), await RawClient.connect(gate.port())];
  for (const client of clients) expect(await client.code()).toBe(220);
  const refused = await RawClient.connect(gate.port());
  expect(await refused.code()).toBe(421);
  expect(upstream.connections).toHaveLength(2);
  expect(gate.of('upstream-failed')).toMatchObject([{ reason: 'budget' }]);
  for (const client of [...clients, refused]) client.destroy();
  await gate.empty();
  const again = await RawClient.connect(gate.port());
  expect(await again.code()).toBe(220);
  again.destroy();
});

test.each([
  { answer: '220 upstream.example ESMTP again', code: 220 },
  { answer: '550 5.7.0 not you', code: 421 },
])('XCLIENT tells the server behind who the client is; answered "$answer" (ID-11)', async ({ answer, code }) => {
  const heard: string[] = [];
  await using upstream = await ScriptedUpstream.listen(
    smtpServer({
      keywords: [...defaultKeywords, 'XCLIENT NAME ADDR PORT'],
      answer: (line) => {
        heard.push(line);
        return line.startsWith('XCLIENT') ? answer : undefined;
      },
    }),
  );
  await using gate = await TestGate.open(upstream.port, {
    upstream: { clientAddress: 'xclient', xclientRequired: true },
  });
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(code);
  if (code === 220) {
    client.send('EHLO c.example.net\r\n');
    expect((await client.reply()).lines.join()).not.toContain('XCLIENT');
    expect(heard).toEqual([
      'EHLO gate.example.com',
      `XCLIENT ADDR=127.0.0.1 PORT=${client.socket.localPort}`,
      'EHLO c.example.net',
    ]);
  }
  client.destroy();
});

test('XCLIENT is never sent to a server that does not offer it (ID-11)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { upstream: { clientAddress: 'xclient' } });
  const client = await RawClient.connect(gate.port());
  expect(await client.code()).toBe(220);
  expect((await upstream.connection()).received).not.toContain('XCLIENT');
  client.destroy();
});

test('one connection behind for each session, and none left after it', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  for (let round = 0; round < 5; round += 1) {
    const client = await RawClient.connect(gate.port());
    await client.code();
    expect(gate.gate.stats.upstreamConnections).toBe(1);
    expect(await client.say('QUIT')).toBe(221);
    client.fin();
    await gate.empty();
  }
  expect(upstream.connections).toHaveLength(5);
});

test.each(['fin', 'reset'] as const)(
  'the server behind leaves (%s) in the midst of a body: the client reads 451 at its end (RT-04)',
  async (leave) => {
    await using upstream = await ScriptedUpstream.listen(async (connection) => {
      connection.send('220 up ESMTP\r\n');
      for (const reply of ['250 up', '250 ok', '250 ok', '354 go']) await connection.answer(reply);
      await connection.takeOctets(100_000);
      connection[leave]();
    });
    await using gate = await TestGate.open(upstream.port);
    const client = await RawClient.connect(gate.port());
    await client.code();
    for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>', 'DATA'])
      await client.say(line);
    for (let piece = 0; piece < 50; piece += 1) {
      client.send('0123456789\r\n'.repeat(2000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.send('.\r\n');
    expect(await client.code()).toBe(451);
    client.destroy();
    await gate.empty();
  },
);

test.each(['fin', 'reset'] as const)(
  'the client leaves (%s) in the midst of a body: the server behind never sees an end of data (RT-06)',
  async (leave) => {
    await using upstream = await ScriptedUpstream.listen(smtpServer());
    await using gate = await TestGate.open(upstream.port);
    const client = await RawClient.connect(gate.port());
    await client.code();
    for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>', 'DATA'])
      await client.say(line);
    client.send('half a mess');
    await new Promise((resolve) => setTimeout(resolve, 30));
    client[leave]();
    const connection = await upstream.connection();
    await connection.toEnd();
    await gate.empty();
    expect(connection.received).not.toContain('\r\n.\r\n');
    expect(gate.of('mail')).toMatchObject([{ outcome: 'aborted-by-client' }]);
    client.destroy();
  },
);

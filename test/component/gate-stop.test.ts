import { expect, test } from 'vitest';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

async function beginBody(client: RawClient): Promise<void> {
  await client.reply();
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>', 'DATA'])
    await client.say(line);
}

test('stop while idle: 421, and the port is free at once (RT-11)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const port = gate.port();
  const client = await RawClient.connect(port);
  await client.reply();
  await client.say('EHLO c.example.net');
  const drained = gate.gate.drain(10_000, 'test');
  expect(await client.code()).toBe(421);
  await client.toEnd();
  client.fin();
  await drained;
  await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED');
  expect(gate.of('gate-stopped')).toMatchObject([{ reason: 'test' }]);
  expect(gate.gate.stats).toMatchObject({ sessions: 0, upstreamConnections: 0 });
});

test('stop in the midst of a body: it may be finished within the grace (RT-11)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await beginBody(client);
  client.send('half a mess');
  const drained = gate.gate.drain(10_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.send('age\r\n.\r\n');
  expect(await client.code()).toBe(250);
  expect(await client.code()).toBe(421);
  client.fin();
  await drained;
  expect(gate.of('mail')).toMatchObject([{ outcome: 'accepted' }]);
});

test('stop in the midst of a body that does not end: the server behind sees no end of data, the client 421 (RT-11)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await beginBody(client);
  client.send('half a mess');
  const drained = gate.gate.drain(100);
  expect(await client.code()).toBe(421);
  client.fin();
  await drained;
  const connection = await upstream.connection();
  await connection.toEnd();
  expect(connection.received).not.toContain('\r\n.\r\n');
});

test('stop while the verdict on a body is awaited: waited for, then closed without a made-up code (RT-11)', async () => {
  await using upstream = await ScriptedUpstream.listen(
    smtpServer({ answer: (line) => (line === '.' ? new Promise<undefined>(() => undefined) : undefined) }),
  );
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await beginBody(client);
  client.send('whole message\r\n.\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  await gate.gate.drain(200);
  await client.until(() => client.closed || client.ended, 'the close');
  expect(client.received).toBe('');
  expect(gate.of('mail')).toMatchObject([{ outcome: 'unknown' }]);
  client.destroy();
});

test('stop while the verdict comes within the grace: it is delivered (RT-11)', async () => {
  await using upstream = await ScriptedUpstream.listen(
    smtpServer({
      answer: (line) =>
        line === '.' ? new Promise((resolve) => setTimeout(() => resolve(undefined), 200)) : undefined,
    }),
  );
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await beginBody(client);
  client.send('whole message\r\n.\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const drained = gate.gate.drain(5000);
  expect(await client.code()).toBe(250);
  expect(await client.code()).toBe(421);
  client.fin();
  await drained;
});

test('a client that neither reads nor leaves cannot keep a gate from stopping', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { deadlines: { closeDrainMs: 600_000 } });
  const clients = [await RawClient.connect(gate.port()), await RawClient.connect(gate.port())];
  for (const client of clients) {
    await client.reply();
    client.pause();
  }
  const startMs = Date.now();
  await gate.gate.drain(0);
  expect(Date.now() - startMs).toBeLessThan(8000);
  expect(gate.gate.stats.sessions).toBe(0);
  expect(gate.of('session-closed')).toHaveLength(2);
  for (const client of clients) client.destroy();
});

test('nothing is left of a gate that stopped: no socket, no timer', async () => {
  const before = countResources();
  {
    await using upstream = await ScriptedUpstream.listen(smtpServer());
    await using gate = await TestGate.open(upstream.port);
    const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.connect(gate.port())));
    for (const [index, client] of clients.entries()) {
      if (index % 3 === 0) await client.reply();
      if (index % 3 === 1) client.send('MAIL FROM:<');
      if (index % 3 === 2) client.reset();
    }
    await gate.gate.drain(50);
    for (const client of clients) client.destroy();
  }
  for (let round = 0; round < 200 && different(countResources(), before); round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(different(countResources(), before)).toBe(false);
});

function countResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of process.getActiveResourcesInfo()) counts[each] = (counts[each] ?? 0) + 1;
  return counts;
}

/** More sockets or servers, or more timers than the one that this test itself waits with. */
function different(now: Record<string, number>, before: Record<string, number>): boolean {
  const more = (kind: string, allowed: number): boolean => (now[kind] ?? 0) > (before[kind] ?? 0) + allowed;
  return more('TCPSocketWrap', 0) || more('TCPServerWrap', 0) || more('Timeout', 1);
}

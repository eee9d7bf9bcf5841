import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { CLIENT_BUFFER_OCTETS_MAX } from '../../proxy/io/client-side.ts';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

const MiB = 1_048_576;
/** What two kernel buffers a connection, on two connections, may hold at most on loopback. */
const KERNEL_OCTETS_MAX = 24 * MiB;

/** A mail server whose socket the test reads, or does not: it says its lines without looking. */
async function bulkServer() {
  const sockets: Socket[] = [];
  let octets = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write('220 bulk ESMTP\r\n');
    let inBody = false;
    socket.on('data', (data: Buffer) => {
      octets += data.length;
      if (inBody) {
        if (data.subarray(-5).toString('latin1').endsWith('.\r\n')) {
          inBody = false;
          socket.write('250 2.0.0 ok\r\n');
        }
        return;
      }
      const line = data.toString('latin1');
      inBody = line.startsWith('DATA');
      socket.write(inBody ? '354 go\r\n' : line.startsWith('QUIT') ? '221 bye\r\n' : '250 ok\r\n');
      if (inBody) socket.emit('body');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    sockets,
    octets: () => octets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function beginBody(client: RawClient): Promise<void> {
  await client.reply();
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>', 'DATA'])
    await client.say(line);
}

/** Writes until the socket has taken nothing for a while, or `octetsMax`; gives how much was taken. */
async function writeUntilBlocked(
  socket: Socket,
  piece: Buffer,
  octetsMax: number,
  patienceMs: number,
): Promise<number> {
  let sent = 0;
  while (sent < octetsMax) {
    sent += piece.length;
    if (socket.write(piece)) continue;
    const waited = await Promise.race([
      once(socket, 'drain').then(() => 'drained'),
      new Promise((resolve) => setTimeout(() => resolve('blocked'), patienceMs)),
    ]);
    if (waited === 'blocked') return sent;
  }
  return sent;
}

const textPiece = Buffer.from(`${'x'.repeat(76)}\r\n`.repeat(1000));

test('a server behind that does not read stops the client; then everything arrives, and no timer ran out meanwhile (DO-05)', async () => {
  await using upstream = await bulkServer();
  await using gate = await TestGate.open(upstream.port, {
    limits: { messageOctetsMax: 1000 * MiB },
    deadlines: { dataMs: 400 },
  });
  const client = await RawClient.connect(gate.port());
  await beginBody(client);
  const [behind] = upstream.sockets;
  behind?.pause();
  const sent = await writeUntilBlocked(client.socket, textPiece, 200 * MiB, 1000);
  expect(sent).toBeLessThan(KERNEL_OCTETS_MAX);
  behind?.resume();
  client.send('\r\n.\r\n');
  expect(await client.code()).toBe(250);
  expect(upstream.octets()).toBeGreaterThan(sent);
  expect(gate.of('mail')).toMatchObject([{ outcome: 'accepted', octets: sent + 2 }]);
  client.destroy();
});

test('a server behind that stops reading for good ends the session by its own deadline', async () => {
  await using upstream = await bulkServer();
  await using gate = await TestGate.open(upstream.port, {
    limits: { messageOctetsMax: 1000 * MiB },
    deadlines: { upstreamWriteMs: 300 },
  });
  const client = await RawClient.connect(gate.port());
  await beginBody(client);
  upstream.sockets[0]?.pause();
  await writeUntilBlocked(client.socket, textPiece, 60 * MiB, 200);
  client.send('\r\n.\r\n');
  expect(await client.code()).toBe(451);
  client.destroy();
  await gate.empty();
});

test('memory stays flat over 400 MiB (DO-05)', { timeout: 120_000 }, async () => {
  await using upstream = await bulkServer();
  await using gate = await TestGate.open(upstream.port, { limits: { messageOctetsMax: 1000 * MiB } });
  const client = await RawClient.connect(gate.port());
  await beginBody(client);
  // What is in use and what waits for the collector, at most, in the first half and in the second.
  const peaks = [0, 0];
  for (let sent = 0; sent < 400 * MiB; sent += textPiece.length) {
    if (client.socket.write(textPiece)) continue;
    await once(client.socket, 'drain');
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const half = sent < 200 * MiB ? 0 : 1;
    peaks[half] = Math.max(peaks[half] ?? 0, heapUsed + arrayBuffers);
  }
  client.send('\r\n.\r\n');
  expect(await client.code()).toBe(250);
  const [first = 0, second = 0] = peaks;
  expect(second - first).toBeLessThan(32 * MiB);
  client.destroy();
});

test('pipelined commands beyond the mark wait in the kernel, and every one is answered (PI-10)', async () => {
  let held = true;
  const { promise: release, resolve } = Promise.withResolvers<void>();
  await using upstream = await ScriptedUpstream.listen(
    smtpServer({
      answer: async (line) => {
        if (line.startsWith('NOOP') && held) await release;
        return undefined;
      },
    }),
  );
  await using gate = await TestGate.open(upstream.port, { modes: { 'junk.limit': 'off' } });
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  const line = `NOOP ${'x'.repeat(1000)}\r\n`;
  const piece = Buffer.from(line.repeat(1000));
  const sent = await writeUntilBlocked(client.socket, piece, 100 * MiB, 500);
  expect(sent).toBeLessThan(KERNEL_OCTETS_MAX);
  expect(sent).toBeGreaterThan(CLIENT_BUFFER_OCTETS_MAX);
  held = false;
  resolve();
  for (let answered = 0; answered < 50; answered += 1) expect(await client.code()).toBe(250);
  client.destroy();
  await gate.empty();
});

test('a client that sends and never reads is not read any more, and is cut off by its deadline (PI-11)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, {
    modes: { 'junk.limit': 'off', 'errors.limit': 'off' },
    deadlines: { clientWriteMs: 500 },
  });
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  client.pause();
  const sent = await writeUntilBlocked(client.socket, Buffer.from('VRFY x\r\n'.repeat(8000)), 300 * MiB, 3000).catch(
    () => 0,
  );
  expect(sent).toBeLessThan(200 * MiB);
  await gate.empty();
  expect(gate.of('session-closed')).toMatchObject([{ rule: 'deadline.write' }]);
  client.destroy();
});

test('a client that reads late gets every reply, in order', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { modes: { 'junk.limit': 'off', 'errors.limit': 'off' } });
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  client.pause();
  const count = 30_000;
  client.send('VRFY x\r\n'.repeat(count));
  client.send('QUIT\r\n');
  await new Promise((resolve) => setTimeout(resolve, 500));
  client.resume();
  await client.toEnd();
  expect(client.received.match(/^252 /gm)).toHaveLength(count);
  expect(client.received.endsWith('221 2.0.0 bye\r\n')).toBe(true);
  client.destroy();
});

test('a line that does not end is cut off by its own deadline, however slowly it goes on (DO-01)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { deadlines: { commandLineMs: 200 } });
  const client = await RawClient.connect(gate.port());
  await client.reply();
  const trickle = setInterval(() => client.send('x'), 20);
  expect(await client.code()).toBe(421);
  clearInterval(trickle);
  client.destroy();
  await gate.empty();
  expect(gate.of('session-closed')).toMatchObject([{ rule: 'deadline.command-line' }]);
});

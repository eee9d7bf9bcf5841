import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { connectLog, type LogClient } from '../../log/io/log-client.ts';
import { RECONNECT_DELAY_MS_MIN, WELCOME_TIMEOUT_MS } from '../../log/io/log-link.ts';
import { encodeAnswer, WIRE_VERSION } from '../../log/wire.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Something that answers where the log should be, and a client of it. */
async function opened(onConnection: (socket: Socket) => void): Promise<{ client: LogClient; server: Server }> {
  const socketPath = join(temporaryDirectory(), 'log.sock');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    onConnection(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  onTestFinished(() => void server.close());
  const client = connectLog({ socketPath });
  onTestFinished(() => client[Symbol.asyncDispose]());
  return { client, server };
}

test('attempts to connect become rarer', async () => {
  const attemptsMs: number[] = [];
  const { client } = await opened((socket) => {
    attemptsMs.push(performance.now());
    socket.destroy();
  });
  await sleep(RECONNECT_DELAY_MS_MIN * 20);
  expect(client.connected).toBe(false);
  expect(attemptsMs.length).toBeGreaterThan(2);
  // After 1, 3, 7 and 15 times the first delay, and not again before 31 times.
  expect(attemptsMs.length).toBeLessThanOrEqual(5);
});

test('once the log has greeted, the next attempt is soon again', async () => {
  const attemptsMs: number[] = [];
  await opened((socket) => {
    attemptsMs.push(performance.now());
    socket.end(encodeAnswer({ kind: 'welcome', version: WIRE_VERSION, partitionCount: 4 }));
  });
  await sleep(RECONNECT_DELAY_MS_MIN * 20);
  expect(attemptsMs.length).toBeGreaterThan(8);
});

test.each([
  ['another version', encodeAnswer({ kind: 'welcome', version: WIRE_VERSION + 1, partitionCount: 4 })],
  ['an answer before the greeting', encodeAnswer({ kind: 'done', requestId: 1, value: 1 })],
  ['rubbish', Buffer.from('220 mail.example.org ESMTP\r\n')],
])('%s is not taken for the log', async (_name, octets) => {
  let closed = 0;
  const { client } = await opened((socket) => {
    socket.on('close', () => {
      closed += 1;
    });
    socket.resume();
    socket.write(octets);
  });
  await expect.poll(() => closed).toBeGreaterThan(1);
  expect(client.connected).toBe(false);
});

test('a log that does not greet is given up', { timeout: 2 * WELCOME_TIMEOUT_MS }, async () => {
  let attempts = 0;
  const { client } = await opened(() => {
    attempts += 1;
  });
  await sleep(WELCOME_TIMEOUT_MS - 500);
  expect(attempts).toBe(1);
  await expect.poll(() => attempts, { timeout: 2000 }).toBe(2);
  expect(client.connected).toBe(false);
});

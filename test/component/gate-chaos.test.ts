import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { encodeProxyHeaderV1 } from '../../proxy/proxy-header.ts';
import { certificateFor } from '../support/certificates.ts';
import { prefixes, TestGate } from '../support/gate.ts';

/**
 * Resets and other rudeness of both peers at every moment of a session (ND-02). `CHAOS_RUNS` sets how many sessions, `CHAOS_SEED` which
 * ones; a failure names its seed.
 */
const RUNS = Number(process.env['CHAOS_RUNS'] ?? 10_000);
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000_007);
/** Sessions at once. */
const PARALLEL = 80;
/** Longest time one session may take, milliseconds. */
const RUN_MS = 800;

/** A small generator of numbers (mulberry32), so that a run can be repeated. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = randomOf(SEED);
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
const chance = (share: number): boolean => random() < share;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const rudeness = ['reset', 'destroy', 'fin', 'silence'] as const;

function leave(socket: Socket | TLSSocket, how: (typeof rudeness)[number]): void {
  if (how === 'reset' && !('encrypted' in socket)) socket.resetAndDestroy();
  else if (how === 'fin') socket.end();
  else if (how !== 'silence') socket.destroy();
}

const steps = [
  'EHLO c.example.net\r\n',
  'MAIL FROM:<a@example.net>\r\n',
  'RCPT TO:<b@example.com>\r\n',
  'DATA\r\n',
  `Subject: x\r\n\r\n${'0123456789\r\n'.repeat(2000)}.\r\n`,
  'MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nBDAT 5\r\nabcdeBDAT 3 LAST\r\nxyz',
  'AUTH PLAIN\r\n',
  'AGEAYg==\r\n',
  'QUIT\r\n',
];

/** What the server behind says to a whole body, and to nothing else. */
const QUEUED = '250 2.0.0 queued';
/** How often it was said, and how often clients heard it; what a client hears may be cut in two only by a reset. */
const queued = { said: 0, heard: 0 };
/** Replies 250 that clients heard and that neither the server behind nor the gate has for them. */
const invented: string[] = [];
const known250 =
  /^250(?:[ -]ok|[ -]extra|[ -]rude|[ -]CHUNKING|[ -]PIPELINING|[ -]STARTTLS|[ -]SIZE \d+|[ -]AUTH PLAIN)$/;

/** Listens to what a client is told, line by line. */
function listen(socket: Socket): void {
  let rest = '';
  socket.on('data', (octets: Buffer) => {
    const lines = (rest + octets.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === QUEUED) queued.heard += 1;
      else if (line.startsWith('250') && !known250.test(line)) invented.push(line);
    }
  });
}

/** Something was received, or the socket is gone, or it was waited long enough. */
async function heard(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, 60);
  const done = (): void => resolve();
  socket.once('data', done).once('close', done).once('end', done);
  await promise;
  clearTimeout(timer);
  socket.off('data', done).off('close', done).off('end', done);
}

/** A client that goes some steps, waiting or not, and then leaves in some way or other. */
async function rudeClient(port: number, kind: 'plain' | 'implicit' | 'proxied'): Promise<void> {
  const raw = connect({ port, host: '127.0.0.1', allowHalfOpen: chance(0.5) });
  raw.on('error', () => undefined);
  let socket: Socket | TLSSocket = raw;
  const stop = setTimeout(() => raw.destroy(), RUN_MS);
  raw.on('close', () => clearTimeout(stop));
  if (chance(0.05)) leave(raw, pick(['reset', 'destroy']));
  if (kind === 'proxied' && chance(0.9)) {
    const header = encodeProxyHeaderV1({ address: '192.0.2.1', port: 1 }, { address: '192.0.2.2', port: 25 });
    raw.write(chance(0.8) ? header : header.subarray(0, Math.floor(random() * header.length)));
  }
  if (kind === 'implicit' && chance(0.9)) {
    socket = tlsConnect({ socket: raw, rejectUnauthorized: false });
    socket.on('error', () => undefined);
  }
  listen(socket);
  if (chance(0.03)) socket.pause();
  if (chance(0.95)) await heard(socket);
  const last = Math.floor(random() * (steps.length + 1));
  for (const step of steps.slice(0, last)) {
    if (socket.destroyed || !socket.writable) break;
    const cut = chance(0.1) ? Math.floor(random() * step.length) : step.length;
    socket.write(step.slice(0, cut));
    if (chance(0.9)) await heard(socket);
    else await pause(random() * 3);
  }
  if (kind === 'plain' && chance(0.3) && socket.writable) {
    socket.write('STARTTLS\r\n');
    await heard(socket);
    if (chance(0.7) && !raw.destroyed) {
      raw.removeAllListeners('data');
      socket = tlsConnect({ socket: raw, rejectUnauthorized: false });
      socket.on('error', () => undefined);
      listen(socket);
      if (chance(0.7)) socket.on('secureConnect', () => socket.write('EHLO c.example.net\r\n'));
      if (chance(0.3)) raw.write(Buffer.from([0x16, 3, 1, 0, 200, 1]));
    }
    await pause(random() * 10);
  }
  leave(socket, pick(rudeness));
  if (!raw.destroyed) await Promise.race([once(raw, 'close').catch(() => undefined), pause(RUN_MS)]);
  raw.destroy();
}

/** A server behind that answers, late or not, sometimes nonsense, and leaves whenever it likes. */
function rudeServer(socket: Socket): void {
  socket.on('error', () => undefined);
  if (chance(0.05)) return void leave(socket, pick(['reset', 'destroy', 'fin']));
  const manners = chance(0.5) ? 0 : 0.1;
  let inBody = false;
  const say = (text: string): void => {
    if (chance(manners)) leave(socket, pick(rudeness));
    else if (chance(manners / 3)) socket.write('nonsense\r\n');
    else if (socket.writable) {
      if (text.startsWith(QUEUED)) queued.said += 1;
      // In one piece: what comes later may as well be the answer to what was asked meanwhile.
      socket.write(chance(manners / 3) ? `${text}250 extra\r\n` : text);
    }
  };
  const answer = (text: string): void => {
    if (chance(0.7)) say(text);
    else setTimeout(say, random() * 8, text);
  };
  if (chance(0.97)) answer('220 rude ESMTP\r\n');
  socket.on('end', () => {
    if (chance(0.8)) socket.end();
  });
  socket.on('data', (octets: Buffer) => {
    const text = octets.toString('latin1');
    if (inBody) {
      if (chance(manners / 5)) leave(socket, pick(rudeness));
      if (!text.endsWith('.\r\n')) return;
      inBody = false;
      answer(`${QUEUED}\r\n`);
      return;
    }
    inBody = text.startsWith('DATA');
    if (inBody) answer('354 go\r\n');
    else if (text.startsWith('EHLO')) answer('250-rude\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n');
    else if (text.startsWith('AUTH PLAIN')) answer('334 \r\n');
    else answer(text.startsWith('QUIT') ? '221 bye\r\n' : '250 ok\r\n');
  });
}

const unexpected: unknown[] = [];
const note = (error: unknown): void => void unexpected.push(error);
process.on('uncaughtException', note);
process.on('unhandledRejection', note);
afterAll(() => {
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
});

test(`${RUNS} sessions with rude peers: nothing crashes, nothing leaks, no wrong 250 (ND-02, seed ${SEED})`, {
  timeout: 30_000 + RUNS * 60,
}, async () => {
  const server = createServer({ allowHalfOpen: true }, rudeServer);
  const behind = new Set<Socket>();
  server.on('connection', (socket) => {
    behind.add(socket);
    socket.on('close', () => behind.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const upstreamPort = typeof address === 'object' && address !== null ? address.port : 0;
  const certificates = [await certificateFor('mx.example.com')];
  const gate = await TestGate.open(upstreamPort, {
    listeners: [
      { name: 'plain', tls: 'starttls' },
      { name: 'implicit', tls: 'implicit' },
      { name: 'proxied', proxyProtocol: true, greetingHoldMs: 5 },
    ],
    deadlines: {
      upstreamDataMs: 500,
      upstreamEndOfDataMs: 500,
      upstreamRsetMs: 500,
      upstreamQuitMs: 500,
      closeDrainMs: 300,
      upstreamReplyMs: 1000,
      upstreamGreetingMs: 1000,
      tlsHandshakeMs: 1000,
      proxyHeaderMs: 500,
    },
    options: { balancers: prefixes('127.0.0.0/8'), tls: { certificates, legacyNetworks: [] } },
  });
  let left = RUNS;
  const runner = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const kind = pick(['plain', 'plain', 'implicit', 'proxied'] as const);
      await rudeClient(gate.port(kind), kind);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, runner));
  await gate.empty();
  const { sessionsOpened } = gate.gate.stats;
  expect(gate.of('session-closed')).toHaveLength(sessionsOpened);
  expect(gate.gate.stats).toMatchObject({ sessions: 0, upstreamConnections: 0, nameless: 0, crashed: 0 });
  expect(gate.log.errors).toEqual([]);
  expect(unexpected).toEqual([]);
  // A body is accepted only where the server behind took it.
  const accepted = gate.of('mail').filter(({ outcome, octets }) => outcome === 'accepted' && octets > 1000);
  expect(queued.heard).toBeGreaterThan(0);
  expect(queued.said).toBeGreaterThanOrEqual(accepted.length);
  expect(accepted.length).toBeGreaterThanOrEqual(queued.heard);
  expect(invented).toEqual([]);
  await gate.gate.drain(0);
  for (const socket of behind) socket.destroy();
  server.close();
});

import { connect, type Socket } from 'node:net';

/** A process may hold this many sockets here; a relay holds two a session. */
export const IDLE_SESSIONS = 9000;
/** Sessions that are opened at a time. */
const OPENING_MAX = 100;
/** Before memory is looked at: what the opening left behind is collected by then. */
const SETTLING_MS = 15_000;

/** Opens a session up to the answer to its EHLO; undefined where that fails. */
function open(port: number): Promise<Socket | undefined> {
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    if (/^220 [^\n]*\n$/.test(text)) socket.write('EHLO client.example.net\r\n');
    if (/^250 [^\n]*\n$/m.test(text)) resolve(socket);
  });
  socket.on('error', () => resolve(undefined));
  socket.on('close', () => resolve(undefined));
  return promise;
}

/** Memory before and while {@link IDLE_SESSIONS} sessions are open and silent, in the unit of `resident`. */
export async function idle(port: number, resident: () => number) {
  await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
  const before = resident();
  const sockets: (Socket | undefined)[] = [];
  while (sockets.length < IDLE_SESSIONS) {
    const count = Math.min(OPENING_MAX, IDLE_SESSIONS - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: count }, () => open(port)))));
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
  const during = resident();
  const failures = sockets.filter((socket) => socket === undefined || socket.destroyed).length;
  for (const socket of sockets) socket?.destroy();
  return { before, during, failures };
}

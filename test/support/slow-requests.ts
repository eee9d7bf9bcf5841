import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** How often a request that drips sends an octet, milliseconds. */
const DRIP_MS = 20;

/** A connection whose request does not come to its end. */
export interface SlowRequest {
  readonly socket: Socket;
  closed: boolean;
  /** How long it was there, milliseconds. */
  lastedMs: number;
}

/** Sends nothing, half a head, a head that drips, or half a body: each request the next of these. */
export function slowRequests(port: number, headers: string, count: number): readonly SlowRequest[] {
  const head = `POST / HTTP/1.1\r\nHost: x\r\n${headers}`;
  const beginnings = ['', head, `${head}X-Long: `, `${head}Content-Length: 1000\r\n\r\nSELECT `];
  return Array.from({ length: count }, (_, index) => {
    const socket = connect({ host: '127.0.0.1', port });
    const beganMs = performance.now();
    const slow: SlowRequest = { socket, closed: false, lastedMs: 0 };
    socket.on('error', () => undefined).resume();
    socket.write(beginnings[index % beginnings.length] ?? '');
    const drip = setInterval(() => index % beginnings.length >= 2 && socket.write('x'), DRIP_MS);
    socket.once('close', () => {
      clearInterval(drip);
      slow.closed = true;
      slow.lastedMs = performance.now() - beganMs;
    });
    onTestFinished(() => void socket.destroy());
    return slow;
  });
}

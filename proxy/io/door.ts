import type { Socket } from 'node:net';
import type { Clock, TimerHandle, Wakeable } from './clock.ts';

/** Longest time a refused connection is kept so that its reply arrives, milliseconds. */
export const DOOR_LINGER_MS = 2000;
/** Refused connections kept at once; more are destroyed without waiting for their reply to arrive. */
export const DOOR_SOCKETS_MAX = 1024;
/** Octets read and dropped of a refused connection. */
export const DOOR_OCTETS_MAX = 65_536;

function swallow(): void {
  // A refused client may reset the connection: there is nobody to tell.
}

/** A refused connection on its way out. */
class Refused implements Wakeable {
  private readonly socket: Socket;
  private readonly door: Door;
  private readonly timer: TimerHandle;
  private octets = 0;

  constructor(socket: Socket, door: Door) {
    this.socket = socket;
    this.door = door;
    this.timer = door.clock.setTimer(DOOR_LINGER_MS, this);
    socket.on('close', () => this.gone());
    socket.on('data', (octets: Uint8Array) => this.drop(octets));
  }

  wake(): void {
    this.socket.destroy();
  }

  private drop(octets: Uint8Array): void {
    this.octets += octets.length;
    if (this.octets > DOOR_OCTETS_MAX) this.socket.destroy();
  }

  private gone(): void {
    this.door.clock.clearTimer(this.timer);
    this.door.sockets.delete(this.socket);
  }
}

/**
 * Sends away connections that never become sessions: one reply line, half-close, and what the client still says is read and
 * dropped for a moment, because unread octets would turn the close into a reset and the reply would be lost.
 */
export class Door {
  readonly clock: Clock;
  readonly sockets = new Set<Socket>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** `reply`: undefined to close without a word. */
  refuse(socket: Socket, reply: Uint8Array | undefined): void {
    socket.on('error', swallow);
    if (reply === undefined || this.sockets.size >= DOOR_SOCKETS_MAX) {
      if (reply !== undefined) socket.write(reply);
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    new Refused(socket, this);
    socket.end(reply);
  }

  /** Destroys those that are still there. */
  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

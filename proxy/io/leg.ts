import { Buffer } from 'node:buffer';
import type { OnReadOpts, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TlsFacts } from '../input.ts';

/** Octets that may wait in a socket's write buffer before the other side stops being read. */
export const WRITE_BUFFER_OCTETS_MAX = 65_536;

/** Whoever owns a leg hears of everything that happens on it; nothing after `release` or `destroy`. */
export interface LegOwner {
  legData(leg: Leg, octets: Uint8Array): void;
  /** FIN, after all data. */
  legEnded(leg: Leg): void;
  /** The write buffer is empty again after it was over its mark. */
  legDrained(leg: Leg): void;
  /** The TCP connection is there. */
  legConnected(leg: Leg): void;
  /** The TLS handshake is done. */
  legSecured(leg: Leg, tls: TlsFacts): void;
  /** At most once: an error, or the socket closed before its end. */
  legFailed(leg: Leg, reason: string): void;
  /** At most once: nothing of the socket is left. */
  legClosed(leg: Leg): void;
}

/** Up to this many octets, copying pieces together is cheaper than handing them over one by one. */
const GATHERED_OCTETS_MAX = 4096;

const legOf = Symbol('leg');
/** A socket knows its leg, so that its listeners are shared by all sockets instead of made for each. */
type LegSocket = Socket & { [legOf]?: Leg | undefined };

function onData(this: LegSocket, octets: Uint8Array): void {
  this[legOf]?.received(octets);
}
/** One buffer for all: what it brings is copied before the next read. */
function onRead(this: LegSocket, count: number, buffer: Uint8Array): boolean {
  this[legOf]?.received(buffer.slice(0, count));
  return true;
}
function onEnd(this: LegSocket): void {
  this[legOf]?.sawEnd();
}
function onDrain(this: LegSocket): void {
  this[legOf]?.sawDrain();
}
function onConnect(this: LegSocket): void {
  this[legOf]?.sawConnect();
}
function onSecure(this: LegSocket): void {
  this[legOf]?.sawSecure();
}
function onError(this: LegSocket, error: Error & { code?: string }): void {
  this[legOf]?.fail(error.code ?? error.message);
}
/** After the handshake a TLS socket of the server side only tells of an error here, and stays open (renegotiation). */
function onTlsError(this: LegSocket, error: Error & { code?: string }): void {
  this[legOf]?.fail(error.code ?? error.message);
  this.destroy();
}
function onClose(this: LegSocket): void {
  this[legOf]?.sawClose();
}

/**
 * Reads for sockets that mostly receive a line at a time: without this option of `connect` Node gets itself 64 KiB for every
 * read. Such a socket reads from its connection on and emits no `data`.
 */
export const smallReads: OnReadOpts = { buffer: new Uint8Array(65_536), callback: onRead };

/** One side of a session: a socket, and over it TLS once it has begun. */
export class Leg {
  /** What is read and written: the TCP socket, or the TLS socket over it. */
  private socket: LegSocket;
  private readonly owner: LegOwner;
  private handshaking = false;
  /** TLS is on it, or begins. */
  private secured = false;
  private paused = false;
  private failed = false;
  private watchesDrain = false;

  /** Application octets, without the overhead of TLS. */
  octetsIn = 0;
  octetsOut = 0;
  /** The write buffer is over its mark. */
  blocked = false;
  /** FIN was received. */
  ended = false;
  /** Nothing can be read or written any more. */
  closed = false;

  /** Listens for errors at once, and until the socket is gone; reads nothing yet. */
  constructor(socket: Socket, owner: LegOwner) {
    this.socket = socket;
    this.owner = owner;
    this.adopt(socket);
  }

  /** Begins to read. */
  read(): void {
    this.socket.on('data', onData);
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (!this.closed) this.socket.resume();
  }

  /** Writes; sets `blocked` when the write buffer is over its mark. Nothing is written once the leg has failed or was ended. */
  write(octets: Uint8Array): void {
    if (octets.length === 0 || !this.writable) return;
    this.octetsOut += octets.length;
    if (!this.socket.write(octets)) this.noteBlocked();
  }

  /** Writes pieces in one go; large ones are not copied. */
  writeAll(pieces: readonly Uint8Array[]): void {
    const [first] = pieces;
    if (first === undefined || !this.writable) return;
    const octetCount = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (pieces.length === 1 || octetCount <= GATHERED_OCTETS_MAX) {
      this.write(pieces.length === 1 ? first : Buffer.concat(pieces, octetCount));
      return;
    }
    this.octetsOut += octetCount;
    let flowing = true;
    this.socket.cork();
    for (const piece of pieces) flowing = this.socket.write(piece);
    this.socket.uncork();
    if (!flowing) this.noteBlocked();
  }

  /** Half-closes after what is written. */
  end(): void {
    if (this.writable) this.socket.end();
  }

  /** Closes in an orderly way, when nothing of the other side matters any more. */
  leave(): void {
    // Whatever was written is with the kernel, which delivers it before its FIN. TLS has a goodbye of its own.
    if (this.socket.writableLength === 0 && !this.secured) this.destroy();
    else this.end();
  }

  /** Destroys at once; what waits in the write buffer is dropped, and the owner hears nothing more of it. */
  destroy(): void {
    this.socket[legOf] = undefined;
    this.closed = true;
    this.socket.destroy();
  }

  /**
   * Gives the socket away, paused and without its readers: TLS takes it over. Errors of it are swallowed from here on,
   * since the TLS socket over it reports them.
   */
  release(): Socket {
    const { socket } = this;
    socket[legOf] = undefined;
    socket.pause();
    socket.removeListener('data', onData);
    socket.removeListener('end', onEnd);
    socket.removeListener('drain', onDrain);
    this.watchesDrain = false;
    this.paused = false;
    this.blocked = false;
    return socket;
  }

  /** Goes on with a TLS socket whose handshake is under way. `event`: what tells that it is done. */
  secure(socket: TLSSocket, event: 'secure' | 'secureConnect'): void {
    this.handshaking = true;
    this.secured = true;
    this.adopt(socket);
    socket.on(event, onSecure);
    if (event === 'secure') {
      socket.disableRenegotiation();
      socket.on('_tlsError', onTlsError);
    }
    socket.on('data', onData);
  }

  received(octets: Uint8Array): void {
    this.octetsIn += octets.length;
    this.owner.legData(this, octets);
  }

  sawEnd(): void {
    if (this.handshaking) {
      this.fail('closed during the handshake');
      this.socket.destroy();
      return;
    }
    this.ended = true;
    this.owner.legEnded(this);
  }

  sawDrain(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.owner.legDrained(this);
  }

  sawConnect(): void {
    this.owner.legConnected(this);
  }

  sawSecure(): void {
    if (!this.handshaking || this.failed) return;
    this.handshaking = false;
    this.owner.legSecured(this, tlsFactsOf(this.socket as TLSSocket));
  }

  fail(reason: string): void {
    if (this.failed) return;
    this.failed = true;
    this.owner.legFailed(this, reason);
  }

  sawClose(): void {
    if (this.closed) return;
    this.closed = true;
    // A socket that ended on both sides closes by itself: that is no failure.
    if (!this.ended || !this.socket.writableFinished) this.fail('closed');
    this.owner.legClosed(this);
  }

  private get writable(): boolean {
    return !this.closed && !this.failed && this.socket.writable;
  }

  private adopt(socket: LegSocket): void {
    this.socket = socket;
    socket[legOf] = this;
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', onClose);
    if (socket.connecting) socket.on('connect', onConnect);
  }

  private noteBlocked(): void {
    // What the kernel took at once is not waiting, although the stream asks for a pause.
    if (this.socket.writableLength < WRITE_BUFFER_OCTETS_MAX) return;
    this.blocked = true;
    if (this.watchesDrain) return;
    this.watchesDrain = true;
    this.socket.on('drain', onDrain);
  }
}

function tlsFactsOf(socket: TLSSocket): TlsFacts {
  const { alpnProtocol, servername } = socket;
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    sni: typeof servername === 'string' && servername !== '' ? servername : undefined,
    alpn: typeof alpnProtocol === 'string' ? alpnProtocol : undefined,
    verified: socket.authorized,
  };
}

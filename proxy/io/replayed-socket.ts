import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * A socket whose first octets were read already: they are read again, then what the socket brings. Only for TLS behind a PROXY
 * header, where the header and the ClientHello may come in one segment; octets pushed back into the socket itself would be
 * lost or crash the handshake.
 */
export class ReplayedSocket extends Duplex {
  private readonly raw: Socket;

  constructor(raw: Socket, first: Uint8Array) {
    super({ allowHalfOpen: true });
    this.raw = raw;
    this.push(first);
    raw.on('data', (octets: Uint8Array) => {
      if (!this.push(octets)) raw.pause();
    });
    raw.on('end', () => this.push(null));
    raw.on('error', (error) => this.destroy(error));
    raw.on('close', () => this.destroy());
  }

  override _read(): void {
    this.raw.resume();
  }

  override _write(octets: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.raw.write(octets, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.raw.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.raw.destroy();
    done(error);
  }
}

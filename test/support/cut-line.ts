import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A line to a program on this machine that can be cut, as if that program were killed. */
export class CutLine implements AsyncDisposable {
  /** Where connections are passed on to. */
  target = 0;
  private isCut = false;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
    server.on('connection', (socket) => this.pass(socket));
  }

  static async listen(): Promise<CutLine> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CutLine(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Breaks every connection; new ones break at once until it is mended. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await once(this.server.close(), 'close');
  }

  private pass(socket: Socket): void {
    this.keep(socket);
    if (this.isCut) {
      socket.resetAndDestroy();
      return;
    }
    const onward = connect({ host: '127.0.0.1', port: this.target });
    this.keep(onward);
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
  }
}

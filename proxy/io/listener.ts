import { createServer, type Server, type Socket } from 'node:net';
import { canonicalAddress } from '../../lib/ip.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Admission } from '../input.ts';
import { encodeOwnReply } from '../reply.ts';
import { Connection } from './connection.ts';
import type { Door } from './door.ts';
import { WRITE_BUFFER_OCTETS_MAX } from './leg.ts';
import type { RefusalCounter } from './refusals.ts';
import type { Arrived, HostedSession, Peer, SessionContext, SessionHost } from './session-context.ts';
import { Slots } from './slots.ts';

/** Connections of one listener that have not sent their PROXY header, or not finished their TLS handshake. */
export const NAMELESS_MAX = 4096;
/** Connections the kernel holds until they are accepted. */
export const BACKLOG = 1024;

/** What a listener asks of its gate. */
export interface ListenerHost extends SessionHost {
  readonly door: Door;
  readonly refusals: RefusalCounter;
  /** May this address name other clients in a PROXY header? */
  isBalancer(ip: string): boolean;
  /** A new session id (UUIDv7). */
  nextSid(wallMs: number): string;
  /** The connect-stage rules on the peer of a socket. What it lets in is given back by `sessionOver`. */
  admitPeer(peer: Peer, context: SessionContext, sid: string): Admission;
  /** Nothing was opened for what `admitPeer` judged. */
  turnedAway(admission: Admission): void;
  sessionOpened(session: HostedSession): void;
}

/** One listening socket. Its sessions outlive it. */
export class Listener {
  /** What new sessions get; a reload replaces it. */
  context: SessionContext;
  private readonly host: ListenerHost;
  private readonly server: Server;
  private readonly nameless = new Slots(NAMELESS_MAX);
  /** Where every connection arrives; undefined when the listener is on all addresses, and each has to be asked. */
  private local: Local | undefined;

  private constructor(context: SessionContext, host: ListenerHost) {
    this.context = context;
    this.host = host;
    this.server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: WRITE_BUFFER_OCTETS_MAX });
    this.server.on('connection', (socket) => this.accept(socket));
  }

  /** Listens as the settings say; an error is one line for the operator. */
  static open(context: SessionContext, host: ListenerHost): Promise<Result<Listener, string>> {
    const { name, address, port } = context.settings.listener;
    const listener = new Listener(context, host);
    const { server } = listener;
    const { promise, resolve } = Promise.withResolvers<Result<Listener, string>>();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(err(`listener ${name}: cannot listen on ${address} port ${port}: ${reasonOf(error)}`));
    });
    server.listen({ host: address, port, backlog: BACKLOG }, () => {
      server.removeAllListeners('error');
      listener.local = localOf(listener.bound);
      // Out of file descriptors, say: connections wait in the kernel, and sessions go on.
      server.on('error', (error) =>
        host.logger.error({ err: error, listener: name }, 'connections cannot be accepted'),
      );
      resolve(ok(listener));
    });
    return promise;
  }

  get name(): string {
    return this.context.settings.listener.name;
  }

  /** Where it listens; the port is the one the system chose where the settings say 0. */
  get bound(): { readonly address: string; readonly port: number } {
    const bound = this.server.address();
    return bound === null || typeof bound === 'string' ? { address: '', port: 0 } : bound;
  }

  /** Connections that have not named themselves yet. */
  get namelessCount(): number {
    return this.nameless.used;
  }

  /** Accepts nothing more; resolves when the port is free. Sessions go on. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.server.close();
    // The server's own callback waits for the sessions too; the port is free as soon as the handle is closed.
    setImmediate(resolve);
    return promise;
  }

  private accept(socket: Socket): void {
    const { context, host } = this;
    const peer = peerOf(socket, this.local);
    if (peer === undefined) {
      // It was reset before we looked.
      host.door.refuse(socket, undefined);
      return;
    }
    const { listener } = context.settings;
    const arrived = { peer, sid: host.nextSid(host.clock.wallMs()) };
    if (listener.proxyProtocol && host.isBalancer(peer.ip)) {
      this.openNameless(socket, arrived, undefined);
      return;
    }
    const admission = host.admitPeer(peer, context, arrived.sid);
    const { verdict } = admission;
    if (verdict.action === 'defer' || verdict.action === 'close') {
      host.refusals.count(context.settings, peer.ip, verdict.rule, verdict.action);
      host.turnedAway(admission);
      // No SMTP text in clear on a TLS port.
      const silent = verdict.silent === true || listener.tls === 'implicit';
      host.door.refuse(socket, silent ? undefined : encodeOwnReply(verdict.reply, true));
    } else if (listener.tls === 'implicit') this.openNameless(socket, arrived, admission);
    else this.open(new Connection(socket, arrived, context, undefined), admission);
  }

  private openNameless(socket: Socket, arrived: Arrived, admission: Admission | undefined): void {
    const { context, host, nameless } = this;
    if (nameless.take()) {
      this.open(new Connection(socket, arrived, context, nameless), admission);
      return;
    }
    host.refusals.count(context.settings, arrived.peer.ip, 'limits.total', 'close');
    if (admission !== undefined) host.turnedAway(admission);
    host.door.refuse(socket, undefined);
  }

  private open(connection: Connection, admission: Admission | undefined): void {
    this.host.sessionOpened(connection);
    connection.open(admission);
  }
}

type Local = Pick<Peer, 'localAddress' | 'localPort'>;

function localOf({ address, port }: { address: string; port: number }): Local | undefined {
  const localAddress = address === '0.0.0.0' || address === '::' ? undefined : canonicalOf(address);
  return localAddress === undefined ? undefined : { localAddress, localPort: port };
}

/** Addresses are canonical from here on: an IPv4 client of an IPv6 socket is an IPv4 client. */
function peerOf(socket: Socket, local: Local | undefined): Peer | undefined {
  const { remoteAddress, remotePort } = socket;
  const ip = canonicalOf(remoteAddress);
  if (ip === undefined || remotePort === undefined) return undefined;
  if (local !== undefined) return { ip, port: remotePort, ...local };
  return {
    ip,
    port: remotePort,
    localAddress: canonicalOf(socket.localAddress) ?? ip,
    localPort: socket.localPort ?? 0,
  };
}

/** A link-local peer has a zone behind its address, which is ours and no part of it. */
function canonicalOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : canonicalAddress(address.split('%')[0] ?? '');
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') return 'another program listens there';
  if (error.code === 'EACCES') return 'not allowed (ports below 1024 need the capability CAP_NET_BIND_SERVICE)';
  if (error.code === 'EADDRNOTAVAIL') return 'this machine has no such address';
  return error.message;
}

import { X509Certificate } from 'node:crypto';
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { createSecureContext, type SecureContext, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { UpstreamSettings } from '../settings.ts';
import { smallReads, WRITE_BUFFER_OCTETS_MAX } from './leg.ts';
import type { Slots } from './slots.ts';

/** Where the server behind is, and how its certificate is judged. */
export interface UpstreamTarget {
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  /** Name in SNI and in the certificate; undefined: `host`. */
  readonly serverName: string | undefined;
  /** PEM certificates to trust instead of those of the system; undefined: the system's. */
  readonly ca: string | undefined;
}

/** A server behind, and how it is spoken to. */
export interface UpstreamRoute {
  readonly target: UpstreamTarget;
  readonly settings: UpstreamSettings;
  /** Connections to it at once. */
  readonly connectionsMax: number;
}

/** The stream's own mark is higher than ours, so that one whole read of the client never looks like a stall. */
const STREAM_MARK_OCTETS = 2 * WRITE_BUFFER_OCTETS_MAX;

const slotsOf = Symbol('slots');
type CountedSocket = Socket & { [slotsOf]?: Slots };

function giveSlot(this: CountedSocket): void {
  this[slotsOf]?.give();
}

/** Dials the server behind. One per configuration: the trusted certificates are read once. */
export class Upstream {
  private readonly target: UpstreamTarget;
  private readonly verifyCertificate: boolean;
  private readonly slots: Slots;
  private readonly secureContext: SecureContext;

  private constructor(target: UpstreamTarget, verifyCertificate: boolean, slots: Slots, secureContext: SecureContext) {
    this.target = target;
    this.verifyCertificate = verifyCertificate;
    this.slots = slots;
    this.secureContext = secureContext;
  }

  /**
   * @param verifyCertificate - Without it TLS only hides the connection from onlookers.
   * @param slots - Bounds the connections to the server behind.
   * @returns One line for the operator when the trusted certificates cannot be read.
   */
  static create(target: UpstreamTarget, verifyCertificate: boolean, slots: Slots): Result<Upstream, string> {
    try {
      const trusted = target.ca === undefined ? {} : { ca: certificatesOf(target.ca) };
      const secureContext = createSecureContext({ ...trusted, minVersion: 'TLSv1.2' });
      return ok(new Upstream(target, verifyCertificate, slots, secureContext));
    } catch (error) {
      return err(`upstream certificates: ${messageOf(error)}`);
    }
  }

  /** Begins to connect; undefined when there are no connections left for a client. The slot is given back when the socket is gone. */
  dial(isStranger: boolean): Socket | undefined {
    if (!this.slots.take(isStranger)) return undefined;
    const options: TcpNetConnectOpts & { writableHighWaterMark: number } = {
      host: this.target.host,
      port: this.target.port,
      allowHalfOpen: true,
      noDelay: true,
      writableHighWaterMark: STREAM_MARK_OCTETS,
      onread: smallReads,
    };
    const socket: CountedSocket = connect(options);
    socket[slotsOf] = this.slots;
    socket.on('close', giveSlot);
    return socket;
  }

  /** Begins a TLS handshake as a client on a connected socket. Node may throw on what the configuration says. */
  secure(socket: Socket): Result<TLSSocket, string> {
    const { host, serverName } = this.target;
    const name = serverName ?? host;
    try {
      return ok(
        tlsConnect({
          socket,
          host: name,
          ...(isIP(name) === 0 ? { servername: name } : {}),
          secureContext: this.secureContext,
          rejectUnauthorized: this.verifyCertificate,
        }),
      );
    } catch (error) {
      return err(messageOf(error));
    }
  }
}

/** Each certificate of a PEM text. Node ignores what it cannot read, and every verification would fail later; so it throws here. */
function certificatesOf(pem: string): string[] {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) throw new Error('no certificate in it');
  return certificates.map((each) => new X509Certificate(each).toString());
}

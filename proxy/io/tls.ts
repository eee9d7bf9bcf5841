import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, TLSSocket, type TLSSocketOptions } from 'node:tls';
import { type Prefix, PrefixSet, parseAddress } from '../../lib/ip.ts';
import { messageOf } from '../../lib/message-of.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { ReplayedSocket } from './replayed-socket.ts';

/** A certificate with its chain, and its private key, both PEM. */
export interface CertificatePem {
  readonly certificate: string;
  readonly key: string;
}

export interface TlsSettings {
  /** At least one. The first serves clients that name no host, or one that no certificate is for. */
  readonly certificates: readonly CertificatePem[];
  /** Clients that may use TLS 1.0 and 1.1 (RFC 8996 forbids them to everybody else). */
  readonly legacyNetworks: readonly Prefix[];
}

/** The protocol names of RFC 7301 in wire form: a client that speaks another protocol is told so instead of being misread. */
const ALPN_PROTOCOLS = new Uint8Array([4, 0x73, 0x6d, 0x74, 0x70]);
/** Octets of the session ticket keys of one listener: a name, an HMAC key, an AES key. */
const TICKET_KEY_OCTETS = 48;
/** OpenSSL refuses TLS 1.0 and 1.1 above security level 0. */
const LEGACY = { minVersion: 'TLSv1', ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` } as const;
const MODERN = { minVersion: 'TLSv1.2' } as const;

/** One certificate, ready for handshakes, and the names it is for: lower case, wildcards as they stand. */
interface Identity {
  readonly names: readonly string[];
  readonly context: SecureContext;
}

/** What one handshake is begun with, apart from the socket. */
type Offer = TLSSocketOptions;

/** TLS as one listener offers it. */
export class ListenerTls {
  /** Tickets of one listener are worth nothing at another: what that asks of a client must not be skipped. */
  private readonly resumption: { readonly sessionIdContext: string; readonly ticketKeys: Buffer };
  private modern: Offer;
  private legacy: Offer | undefined;
  private legacyNetworks: PrefixSet;

  /** Throws what Node says where the certificates are not usable. */
  constructor(name: string, settings: TlsSettings) {
    this.resumption = {
      sessionIdContext: createHash('sha256').update(name).digest('hex').slice(0, 32),
      ticketKeys: randomBytes(TICKET_KEY_OCTETS),
    };
    [this.modern, this.legacy] = this.offers(settings);
    this.legacyNetworks = new PrefixSet(settings.legacyNetworks);
  }

  /** Takes other certificates for the handshakes from now on; throws, and changes nothing, where they are not usable. */
  replace(settings: TlsSettings): void {
    [this.modern, this.legacy] = this.offers(settings);
    this.legacyNetworks = new PrefixSet(settings.legacyNetworks);
  }

  /**
   * Begins a handshake as a server.
   *
   * @param socket - Without readers of its own.
   * @param first - Octets of the client that were read from it already.
   * @param ip - Canonical address of the client.
   */
  accept(socket: Socket, first: Uint8Array, ip: string): TLSSocket {
    return new TLSSocket(first.length === 0 ? socket : new ReplayedSocket(socket, first), this.offerFor(ip));
  }

  private offerFor(ip: string): Offer {
    if (this.legacy === undefined) return this.modern;
    const address = parseAddress(ip);
    return address !== undefined && this.legacyNetworks.contains(address) ? this.legacy : this.modern;
  }

  private offers(settings: TlsSettings): [Offer, Offer | undefined] {
    const modern = offerOf(settings.certificates.map((pem) => identityOf(pem, { ...this.resumption, ...MODERN })));
    if (settings.legacyNetworks.length === 0) return [modern, undefined];
    return [modern, offerOf(settings.certificates.map((pem) => identityOf(pem, { ...this.resumption, ...LEGACY })))];
  }
}

type ContextOptions = NonNullable<Parameters<typeof createSecureContext>[0]>;

function identityOf(pem: CertificatePem, options: ContextOptions): Identity {
  return {
    names: namesOf(new X509Certificate(pem.certificate)),
    context: createSecureContext({ ...options, cert: pem.certificate, key: pem.key }),
  };
}

/** DNS names a certificate is for (RFC 6125 section 6.4). Names that Node had to quote are no host names. */
function namesOf(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:') && !entry.includes('"'))
    .map((entry) => entry.slice('DNS:'.length).toLowerCase());
}

function offerOf(identities: readonly Identity[]): Offer {
  const [first] = identities;
  if (first === undefined) throw new Error('no certificate');
  const offer: Offer = { isServer: true, secureContext: first.context, ALPNProtocols: ALPN_PROTOCOLS };
  if (identities.length === 1) return offer;
  // Of two certificates for one name the earlier one is used.
  const byName = new Map(identities.toReversed().flatMap(({ names, context }) => names.map((name) => [name, context])));
  return {
    ...offer,
    SNICallback: (name, choose) => choose(null, contextFor(byName, name.toLowerCase()) ?? first.context),
  };
}

/** The name itself, or a wildcard for its first label. */
function contextFor(byName: ReadonlyMap<string, SecureContext>, name: string): SecureContext | undefined {
  const dot = name.indexOf('.');
  return byName.get(name) ?? (dot === -1 ? undefined : byName.get(`*${name.slice(dot)}`));
}

/** The certificates of a gate, and TLS of every listener made from them. */
export class TlsProvider {
  private settings: TlsSettings;
  private readonly listeners = new Map<string, ListenerTls>();

  private constructor(settings: TlsSettings) {
    this.settings = settings;
  }

  /** @returns One line for the operator that says which certificate is not usable, and why. */
  static create(settings: TlsSettings): Result<TlsProvider, string> {
    const fault = faultOf(settings);
    return fault === undefined ? ok(new TlsProvider(settings)) : err(fault);
  }

  /** Takes other certificates for the handshakes from now on; sessions that shook hands before are not touched. */
  replace(settings: TlsSettings): Result<undefined, string> {
    const fault = faultOf(settings);
    if (fault !== undefined) return err(fault);
    this.settings = settings;
    for (const listener of this.listeners.values()) listener.replace(settings);
    return ok(undefined);
  }

  /** TLS of the listener of that name; the same one every time, so that its tickets outlive a reload. */
  forListener(name: string): ListenerTls {
    const known = this.listeners.get(name);
    if (known !== undefined) return known;
    const created = new ListenerTls(name, this.settings);
    this.listeners.set(name, created);
    return created;
  }
}

function faultOf(settings: TlsSettings): string | undefined {
  if (settings.certificates.length === 0) return 'tls: no certificate';
  for (const [index, pem] of settings.certificates.entries()) {
    try {
      identityOf(pem, settings.legacyNetworks.length === 0 ? MODERN : LEGACY);
    } catch (error) {
      return `tls: certificate ${index + 1}: ${messageOf(error)}`;
    }
  }
  return undefined;
}

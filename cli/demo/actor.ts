import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { encodeProxyHeaderV1, encodeProxyHeaderV2 } from '../../proxy/proxy-header.ts';
import { sha256Of } from './mail-store.ts';
import { SocketReader } from './socket-reader.ts';
import { type Door, GATE_ADDRESS, GATE_NAME } from './world.ts';

/** Longest silence an actor bears, milliseconds; then it hangs up, which the judge will see. */
export const PATIENCE_MS = 15_000;
/** First client port that the PROXY headers name. */
const FIRST_CLIENT_PORT = 40_000;

/** What an actor can connect to. */
export interface Stage {
  readonly host: string;
  readonly ports: Readonly<Record<Door, number>>;
  /** The certificate that the gate must show, PEM. */
  readonly certificate: string;
}

/** A body that an actor meant to send, as it was on the wire. */
export interface Sent {
  readonly octets: number;
  readonly sha256: string;
}

/** One source of the story: an address, a door, and what it has sent so far. */
export class Actor {
  readonly source: string;
  readonly door: Door;
  readonly sent: Sent[] = [];
  readonly #stage: Stage;
  readonly #clients: Client[] = [];

  constructor(source: string, door: Door, stage: Stage) {
    this.source = source;
    this.door = door;
    this.#stage = stage;
  }

  get connectionCount(): number {
    return this.#clients.length;
  }

  /**
   * Connects, by way of a balancer that names the actor's address: PROXY version 1 for IPv4, 2 for IPv6.
   *
   * @param together - Octets that leave in the same packet as that header.
   */
  async connect(together = ''): Promise<Client> {
    const isIpv6 = this.source.includes(':');
    const { host, ports } = this.#stage;
    const port = ports[this.door];
    const from = { address: this.source, port: FIRST_CLIENT_PORT + this.#clients.length };
    const to = { address: GATE_ADDRESS[isIpv6 ? 6 : 4], port };
    const header = isIpv6 ? encodeProxyHeaderV2(from, to) : encodeProxyHeaderV1(from, to);
    const socket = connectTcp({ host, port, noDelay: true });
    const client = new Client(socket, this.#stage.certificate);
    this.#clients.push(client);
    await once(socket, 'connect');
    socket.write(Buffer.concat([header, Buffer.from(together, 'latin1')]));
    if (this.door === 'submissions') await client.shakeHands();
    return client;
  }

  /** Connects, waits for the greeting and says EHLO. */
  async greet(name: string): Promise<Client> {
    const client = await this.connect();
    await client.reply();
    await client.say(`EHLO ${name}`);
    return client;
  }

  /** Notes that this body is what the server behind should hold. */
  sends(body: Uint8Array): void {
    this.sent.push({ octets: body.length, sha256: sha256Of(body) });
  }

  /** Cuts what is still connected. */
  leave(): void {
    for (const client of this.#clients) client.cut();
  }
}

/** A client that sends exactly what it is told, and takes replies one at a time. */
export class Client {
  #socket: Socket | TLSSocket;
  #reader: SocketReader;
  readonly #certificate: string;

  constructor(socket: Socket, certificate: string) {
    this.#socket = socket;
    this.#certificate = certificate;
    this.#reader = new SocketReader(socket);
    socket.on('error', () => socket.destroy());
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  }

  send(octets: string | Uint8Array): void {
    this.#socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** The code of the next reply, however many lines it has; undefined when there is none any more. */
  async reply(): Promise<number | undefined> {
    for (;;) {
      const line = await this.#reader.line();
      if (line === undefined) return undefined;
      if (line[3] !== '-') return Number(line.slice(0, 3));
    }
  }

  /** Sends one line and takes its reply. */
  say(line: string): Promise<number | undefined> {
    this.send(`${line}\r\n`);
    return this.reply();
  }

  /** Sends lines in one packet (RFC 2920) and takes their replies. */
  async sayTogether(...lines: readonly string[]): Promise<(number | undefined)[]> {
    this.send(lines.map((line) => `${line}\r\n`).join(''));
    const codes: (number | undefined)[] = [];
    for (let count = 0; count < lines.length; count += 1) codes.push(await this.reply());
    return codes;
  }

  /** STARTTLS, then EHLO again. */
  async startTls(name: string): Promise<void> {
    await this.say('STARTTLS');
    await this.shakeHands();
    await this.say(`EHLO ${name}`);
  }

  /** Shakes hands as a TLS client; the gate's certificate must be the right one. */
  async shakeHands(): Promise<void> {
    this.#reader.detach();
    this.#socket.setTimeout(0);
    const secured = connectTls({ socket: this.#socket, ca: this.#certificate, servername: GATE_NAME });
    // Whoever waits for the handshake sees a failure there; one that comes later ends the reading.
    secured.on('error', () => secured.destroy());
    await once(secured, 'secureConnect');
    this.#socket = secured;
    this.#reader = new SocketReader(secured);
    secured.setTimeout(PATIENCE_MS, () => secured.destroy());
  }

  /** DATA and a body, whose dots are already doubled. */
  async data(body: string | Uint8Array): Promise<number | undefined> {
    await this.say('DATA');
    this.send(body);
    return this.say('.');
  }

  /** QUIT, and waits until the gate has closed. */
  async quit(): Promise<void> {
    await this.say('QUIT');
    await this.untilClosed();
  }

  /** Reads on until the other side closes. */
  async untilClosed(): Promise<void> {
    while ((await this.#reader.some()) !== undefined);
    this.#socket.end();
  }

  cut(): void {
    this.#socket.destroy();
  }
}

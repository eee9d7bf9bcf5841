import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Delivery, MailStore } from './mail-store.ts';
import { SocketReader } from './socket-reader.ts';
import { ACCOUNT, DOMAINS, KNOWN_LOCAL_PARTS } from './world.ts';

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

const EHLO_LINES = [
  'old-mail.example.com',
  'PIPELINING',
  'SIZE 52428800',
  '8BITMIME',
  'CHUNKING',
  'ENHANCEDSTATUSCODES',
  'AUTH PLAIN LOGIN',
];

/**
 * A stand-in for the mail server that cannot be replaced this year, with the faults such servers have: it relays for
 * everybody, sends `user%elsewhere@ours` on to elsewhere, takes passwords in clear, and ends a body at a dot between bare LF
 * or bare CR. It believes the PROXY header (version 1) that every connection must begin with.
 */
export class OldServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(store: MailStore) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
      new Dialogue(socket, store).run().then(
        () => socket.end(),
        () => socket.destroy(),
      );
    });
  }

  /** Listens; on a free port of the loopback where none is named. */
  static async listen(store: MailStore, { host, port } = { host: '127.0.0.1', port: 0 }): Promise<OldServer> {
    const server = new OldServer(store);
    server.#server.listen({ host, port });
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

type Envelope = Pick<Delivery, 'reversePath'> & { readonly forwardPaths: string[]; readonly chunks: Buffer[] };

/** One connection, one command at a time. */
class Dialogue {
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  readonly #store: MailStore;
  #source = '';
  #account: string | undefined;
  #envelope: Envelope | undefined;

  constructor(socket: Socket, store: MailStore) {
    this.#socket = socket;
    this.#reader = new SocketReader(socket);
    this.#store = store;
  }

  async run(): Promise<void> {
    const header = await this.#reader.line();
    const [word, , source] = header?.split(' ') ?? [];
    if (word !== 'PROXY' || source === undefined) return;
    this.#source = source;
    this.#say('220 old-mail.example.com ESMTP ready');
    for (;;) {
      const line = await this.#reader.line();
      if (line === undefined || !(await this.#answer(line))) return;
    }
  }

  /** False when the connection is to end. */
  async #answer(line: string): Promise<boolean> {
    const [verb = '', ...words] = line.split(' ');
    switch (verb.toUpperCase()) {
      case 'EHLO':
        this.#envelope = undefined;
        this.#say(...EHLO_LINES.map((text, index) => `250${index + 1 === EHLO_LINES.length ? ' ' : '-'}${text}`));
        return true;
      case 'MAIL':
        this.#envelope = { reversePath: pathOf(line), forwardPaths: [], chunks: [] };
        this.#say('250 2.1.0 go on');
        return true;
      case 'RCPT':
        this.#recipient(pathOf(line));
        return true;
      case 'DATA':
        return this.#data();
      case 'BDAT':
        return this.#chunk(Number(words[0]), words[1]?.toUpperCase() === 'LAST');
      case 'AUTH':
        return this.#authenticate(words[0]?.toUpperCase(), words[1]);
      case 'QUIT':
        this.#say('221 2.0.0 bye');
        return false;
      case 'HELO':
      case 'RSET':
        this.#envelope = undefined;
        this.#say('250 2.0.0 old-mail.example.com');
        return true;
      case 'NOOP':
        this.#say('250 2.0.0 fine');
        return true;
      case '':
        return true;
      default:
        this.#say('500 5.5.2 what?');
        return true;
    }
  }

  /** Unknown people of its own domains are all it refuses. */
  #recipient(path: string): void {
    const [, localPart = '', domain = ''] = /^([a-z0-9._-]+)@([a-z0-9.-]+)$/i.exec(path) ?? [];
    if (DOMAINS.includes(domain.toLowerCase()) && !KNOWN_LOCAL_PARTS.includes(localPart.toLowerCase())) {
      this.#say('550 5.1.1 no such user here');
      return;
    }
    this.#envelope?.forwardPaths.push(path);
    this.#say('250 2.1.5 will do');
  }

  async #data(): Promise<boolean> {
    const envelope = this.#envelope;
    if (envelope === undefined || envelope.forwardPaths.length === 0) {
      this.#say('503 5.5.1 for whom?');
      return true;
    }
    this.#say('354 tell me');
    const body = await this.#bodyToDot();
    if (body === undefined) return false;
    await this.#keep(envelope, body);
    return true;
  }

  async #chunk(octets: number, isLast: boolean): Promise<boolean> {
    const chunk = await this.#reader.octets(octets);
    const envelope = this.#envelope;
    if (chunk === undefined || envelope === undefined) return false;
    envelope.chunks.push(chunk);
    if (isLast) await this.#keep(envelope, Buffer.concat(envelope.chunks));
    else this.#say(`250 2.0.0 ${octets} octets`);
    return true;
  }

  async #keep({ reversePath, forwardPaths }: Envelope, octets: Buffer): Promise<void> {
    this.#envelope = undefined;
    const { number } = await this.#store.keep(
      { source: this.#source, account: this.#account, reversePath, forwardPaths },
      octets,
    );
    this.#say(`250 2.0.0 kept as ${number}`);
  }

  /** Reads a body up to a dot alone on its line, whatever its line ends are made of; undefined if the client leaves before. */
  async #bodyToDot(): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    const search = new DotSearch();
    for (;;) {
      const octets = await this.#reader.some();
      if (octets === undefined) return undefined;
      pieces.push(octets);
      const end = search.find(octets);
      if (end === undefined) continue;
      this.#reader.giveBack(octets.subarray(end));
      return Buffer.concat(pieces).subarray(0, search.dotAt);
    }
  }

  async #authenticate(mechanism: string | undefined, initial: string | undefined): Promise<boolean> {
    let credentials: string[];
    if (mechanism === 'PLAIN') {
      const response = initial ?? (await this.#ask(''));
      if (response === undefined) return false;
      credentials = decode(response).split('\0').slice(1);
    } else {
      const user = initial ?? (await this.#ask('Username:'));
      const password = user === undefined ? undefined : await this.#ask('Password:');
      if (user === undefined || password === undefined) return false;
      credentials = [decode(user), decode(password)];
    }
    const [user, password] = credentials;
    const isRight = user === ACCOUNT.user && password === ACCOUNT.password;
    if (isRight) this.#account = user;
    this.#say(isRight ? '235 2.7.0 welcome' : '535 5.7.8 wrong');
    return true;
  }

  #ask(prompt: string): Promise<string | undefined> {
    this.#say(`334 ${Buffer.from(prompt).toString('base64')}`);
    return this.#reader.line();
  }

  #say(...lines: string[]): void {
    this.#socket.write(`${lines.join('\r\n')}\r\n`, 'latin1');
  }
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString();

/** What stands between the angle brackets. */
const pathOf = (line: string): string => line.slice(line.indexOf('<') + 1, line.lastIndexOf('>'));

/** The sloppy search for the end of a body. */
class DotSearch {
  /** Where the dot is that ends the body, from its start. */
  dotAt = 0;
  #offset = 0;
  #state: 'line-start' | 'dot' | 'text' = 'line-start';

  /** Where what follows the body begins in this piece; undefined if it goes on. */
  find(octets: Buffer): number | undefined {
    for (let index = 0; index < octets.length; index += 1) {
      const octet = octets[index];
      const isLineEnd = octet === CR || octet === LF;
      if (isLineEnd && this.#state === 'dot') return index + (octet === CR && octets[index + 1] === LF ? 2 : 1);
      if (octet === DOT && this.#state === 'line-start') {
        this.#state = 'dot';
        this.dotAt = this.#offset + index;
      } else this.#state = isLineEnd ? 'line-start' : 'text';
    }
    this.#offset += octets.length;
    return undefined;
  }
}

import { createServer, type Socket } from 'node:net';

/**
 * The mail server behind every candidate: as little work as SMTP allows, so that the candidate is what is measured.
 * Usage: node bench/support/upstream.ts PORT
 */
const replies = new Map([
  ['EHLO', '250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n'],
  ['HELO', '250 mx.example.com\r\n'],
  ['MAIL', '250 2.1.0 Ok\r\n'],
  ['RCPT', '250 2.1.5 Ok\r\n'],
  ['RSET', '250 2.0.0 Ok\r\n'],
  ['NOOP', '250 2.0.0 Ok\r\n'],
  ['XCLI', '220 mx.example.com ESMTP\r\n'],
]);
const END = Buffer.from('\r\n.\r\n');

class Session {
  readonly #socket: Socket;
  #inBody = false;
  #rest = '';
  #tail: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.write('220 mx.example.com ESMTP\r\n');
  }

  #read(chunk: Buffer): void {
    if (this.#inBody) this.#readBody(chunk);
    else this.#readCommands(this.#rest + chunk.toString('latin1'));
  }

  #readBody(chunk: Buffer): void {
    const seen = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    if (seen.subarray(-END.length).equals(END)) {
      this.#inBody = false;
      this.#tail = Buffer.alloc(0);
      this.#socket.write('250 2.0.0 Ok: queued\r\n');
    } else this.#tail = Buffer.from(seen.subarray(-(END.length - 1)));
  }

  #readCommands(text: string): void {
    let from = 0;
    for (let end = text.indexOf('\r\n', from); end >= 0; end = text.indexOf('\r\n', from)) {
      this.#answer(text.slice(from, from + 4).toUpperCase());
      from = end + 2;
    }
    this.#rest = text.slice(from);
  }

  #answer(verb: string): void {
    if (verb === 'DATA') {
      this.#inBody = true;
      this.#tail = Buffer.from('\r\n');
      this.#socket.write('354 End data with <CR><LF>.<CR><LF>\r\n');
    } else if (verb === 'QUIT') this.#socket.end('221 2.0.0 Bye\r\n');
    else this.#socket.write(replies.get(verb) ?? '500 5.5.2 What?\r\n');
  }
}

createServer((socket) => new Session(socket)).listen(Number(process.argv[2]), '127.0.0.1', 4096, () =>
  process.send?.('ready'),
);

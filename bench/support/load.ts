import { connect, type Socket } from 'node:net';

/** What one load run does. Sent by the parent as the first IPC message; the answer is a {@link LoadResult}. */
export interface LoadOrder {
  readonly port: number;
  readonly sessions: number;
  readonly concurrency: number;
  readonly messagesPerSession: number;
  readonly bodyOctets: number;
  /** Times each command instead of only counting (one session at a time). */
  readonly latency: boolean;
}

export interface LoadResult {
  readonly elapsedMs: number;
  readonly failures: number;
  /** Microseconds, ascending; of MAIL and RCPT replies. */
  readonly latenciesUs: readonly number[];
}

function bodyOf(octets: number): Buffer {
  const line = `${'The quick brown fox jumps over the lazy dog, and then it does it again.....'}\r\n`;
  const text = line.repeat(Math.max(1, Math.floor(octets / line.length)));
  return Buffer.from(`Subject: measure\r\n\r\n${text}.\r\n`, 'latin1');
}

class Client {
  readonly #socket: Socket;
  readonly #order: LoadOrder;
  readonly #body: Buffer;
  readonly #latenciesUs: number[];
  readonly #done: (failed: boolean) => void;
  #step = 0;
  #messages = 0;
  #sentUs = 0;
  #ended = false;

  constructor(order: LoadOrder, body: Buffer, latenciesUs: number[], done: (failed: boolean) => void) {
    this.#order = order;
    this.#body = body;
    this.#latenciesUs = latenciesUs;
    this.#done = done;
    this.#socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#onReply(chunk));
    this.#socket.on('error', () => this.#end(true));
    this.#socket.on('close', () => this.#end(this.#step !== 7));
  }

  #end(failed: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    this.#done(failed);
  }

  #send(octets: string | Buffer): void {
    if (this.#order.latency) this.#sentUs = Number(process.hrtime.bigint() / 1000n);
    this.#socket.write(octets);
  }

  #onReply(chunk: Buffer): void {
    const text = chunk.toString('latin1');
    // The last line of a reply is the one with a space behind its code.
    const last = text.lastIndexOf('\r\n', text.length - 3) + (text.lastIndexOf('\r\n', text.length - 3) < 0 ? 1 : 2);
    if (text[last + 3] !== ' ') return;
    if (text.charCodeAt(last) > 0x33) return this.#end(true);
    if (this.#order.latency && (this.#step === 2 || this.#step === 3)) {
      this.#latenciesUs.push(Number(process.hrtime.bigint() / 1000n) - this.#sentUs);
    }
    this.#next();
  }

  #next(): void {
    switch (this.#step) {
      case 0:
        this.#step = 1;
        return this.#send('EHLO client.example.net\r\n');
      case 1:
      case 5:
        if (this.#step === 5 && this.#messages >= this.#order.messagesPerSession) {
          this.#step = 7;
          return this.#send('QUIT\r\n');
        }
        this.#step = 2;
        return this.#send('MAIL FROM:<someone@example.net>\r\n');
      case 2:
        this.#step = 3;
        return this.#send('RCPT TO:<anyone@example.com>\r\n');
      case 3:
        this.#step = 4;
        return this.#send('DATA\r\n');
      case 4:
        this.#step = 5;
        this.#messages += 1;
        return this.#send(this.#body);
      default:
        return undefined;
    }
  }
}

function run(order: LoadOrder): Promise<LoadResult> {
  const body = bodyOf(order.bodyOctets);
  const latenciesUs: number[] = [];
  const startedMs = performance.now();
  return new Promise((resolve) => {
    let started = 0;
    let finished = 0;
    let failures = 0;
    const begin = (): void => {
      if (started >= order.sessions) return;
      started += 1;
      new Client(order, body, latenciesUs, (failed) => {
        finished += 1;
        if (failed) failures += 1;
        if (finished < order.sessions) return begin();
        latenciesUs.sort((a, b) => a - b);
        resolve({ elapsedMs: performance.now() - startedMs, failures, latenciesUs });
      });
    };
    for (let at = 0; at < order.concurrency; at += 1) begin();
  });
}

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result));
});

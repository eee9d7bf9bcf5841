import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { err, ok, type Result } from '../../lib/result.ts';
import { textOf } from './text-of.ts';

/** How long a whole delivery may take, milliseconds. */
export const SEND_TIMEOUT_MS = 30_000;

/** One message for the server behind. */
export interface Outgoing {
  readonly host: string;
  readonly port: number;
  /** Our name in EHLO. */
  readonly hostname: string;
  readonly to: string;
  /** With CRLF line ends, dots doubled, without the end of data. */
  readonly message: string;
}

/**
 * Gives one message to a mail server, with a null reverse-path: what cannot be delivered must not come back as a bounce.
 *
 * @returns What went wrong, in one line.
 */
export async function sendMail({ host, port, hostname, to, message }: Outgoing): Promise<Result<undefined, string>> {
  const socket = createConnection({ host, port });
  socket.setTimeout(SEND_TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')));
  const deadline = setTimeout(() => socket.destroy(new Error('no answer in time')), SEND_TIMEOUT_MS);
  try {
    const replies = repliesOf(socket);
    const steps: readonly (readonly [text: string | undefined, code: number])[] = [
      [undefined, 220],
      [`EHLO ${hostname}\r\n`, 250],
      ['MAIL FROM:<>\r\n', 250],
      [`RCPT TO:<${to}>\r\n`, 250],
      ['DATA\r\n', 354],
      [`${message}.\r\n`, 250],
    ];
    for (const [text, code] of steps) {
      if (text !== undefined) socket.write(text);
      const { value, done } = await replies.next();
      if (done === true) return err('the mail server has closed the connection');
      if (value !== code) return err(`the mail server answered ${value}`);
    }
    socket.end('QUIT\r\n');
    return ok(undefined);
  } catch (error) {
    return err(textOf(error));
  } finally {
    clearTimeout(deadline);
    socket.destroySoon();
  }
}

/** Codes of whole replies. */
async function* repliesOf(socket: Socket): AsyncGenerator<number, undefined> {
  // An error of the socket ends the reading; what it was is thrown here.
  const failed = new Promise<never>((_resolve, reject) => socket.once('error', reject));
  failed.catch(() => undefined);
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await Promise.race([lines.next(), failed]);
    if (done === true) return undefined;
    if (value[3] !== '-') yield Number(value.slice(0, 3));
  }
}

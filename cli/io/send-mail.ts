import { createConnection, type Socket } from 'node:net';
import { err, ok, type Result } from '../../lib/result.ts';
import type { UpstreamUnit } from '../../proxy/input.ts';
import { UpstreamDecoder } from '../../proxy/upstream-decoder.ts';
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

/** What is said, one after the other, and the first digit of the reply that lets it go on (RFC 5321 section 4.2.1). */
const stepsOf = ({ hostname, to, message }: Outgoing): readonly (readonly [text: string, firstDigit: 2 | 3])[] => [
  ['', 2],
  [`EHLO ${hostname}\r\n`, 2],
  ['MAIL FROM:<>\r\n', 2],
  [`RCPT TO:<${to}>\r\n`, 2],
  ['DATA\r\n', 3],
  [`${message}.\r\n`, 2],
];

/**
 * Gives one message to a mail server, with a null reverse-path: what cannot be delivered must not come back as a bounce.
 *
 * @returns What went wrong, in one line.
 */
export async function sendMail(outgoing: Outgoing): Promise<Result<undefined, string>> {
  const { host, port } = outgoing;
  const socket = createConnection({ host, port });
  const deadline = setTimeout(() => socket.destroy(new Error('no answer in time')), SEND_TIMEOUT_MS);
  try {
    const replies = repliesOf(socket);
    for (const [text, firstDigit] of stepsOf(outgoing)) {
      if (text !== '') socket.write(text);
      const { value } = await replies.next();
      if (value === undefined) return err('the mail server has closed the connection');
      if (value.kind === 'fault') return err(`what answered is no mail server (${value.reason})`);
      const { code } = value.reply;
      if (Math.trunc(code / 100) !== firstDigit) return err(`the mail server answered ${code}`);
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

/** Whole replies, as the gate reads those of the server behind: bounded, and nothing that is not a reply. */
async function* repliesOf(socket: Socket): AsyncGenerator<UpstreamUnit, undefined> {
  const decoder = new UpstreamDecoder({ lenientLineEnds: true });
  for await (const octets of socket.iterator({ destroyOnReturn: false })) {
    decoder.push(octets);
    for (let unit = decoder.next(); unit !== undefined; unit = decoder.next()) yield unit;
  }
  return undefined;
}

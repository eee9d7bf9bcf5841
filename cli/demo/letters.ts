import { Buffer } from 'node:buffer';

/** Bodies that the actors send, as they go over the wire: lines end in CRLF, dots at the start of a line are doubled. */

const MEBIOCTET = 1024 * 1024;
/** Size of the large attachment, octets. */
export const ATTACHMENT_OCTETS = 10 * MEBIOCTET;
/** Longest line of base64 (RFC 2045 section 6.8). */
const BASE64_LINE_LENGTH = 76;

const lines = (...text: readonly string[]): string => text.map((line) => `${line}\r\n`).join('');

const header = (from: string, to: string, subject: string, ...more: readonly string[]): string =>
  lines(
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${subject}`,
    'Date: Thu, 01 Jan 2026 12:00:00 +0000',
    `Message-ID: <${subject.toLowerCase().replaceAll(' ', '-')}@partner.example>`,
    ...more,
    '',
  );

/** ASCII, with lines that begin with dots. */
export const plainLetter = (subject: string, to = 'alice@example.com'): Buffer =>
  Buffer.from(
    header('ann@partner.example', to, subject) +
      lines('Dear Alice,', '', '..  a line that begins with a dot,', '... and one with two.', '', 'Ann'),
  );

/** Octets beyond ASCII in header and body (RFC 6152). */
export const eightBitLetter = (): Buffer =>
  Buffer.from(
    header(
      'ann@partner.example',
      'alice@example.com',
      'Eight bits',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
    ) + lines('Schöne Grüße aus Łódź, Ångström und 東京.', 'Zero-width: \u200b; latin1 ends here.'),
  );

/** A letter with one attachment of random octets in base64; the same every time. */
export function largeLetter(): Buffer {
  const boundary = 'part-of-the-demo';
  const head = header(
    'ann@partner.example',
    'alice@example.com',
    'Ten megabytes',
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary=${boundary}`,
  );
  const part = lines(
    `--${boundary}`,
    'Content-Type: application/octet-stream',
    'Content-Transfer-Encoding: base64',
    '',
  );
  return Buffer.concat([
    Buffer.from(head + part),
    base64Lines(ATTACHMENT_OCTETS),
    Buffer.from(lines(`--${boundary}--`)),
  ]);
}

/** Lines of base64 of at least so many octets in all. */
function base64Lines(octetCount: number): Buffer {
  const lineCount = Math.ceil(octetCount / (BASE64_LINE_LENGTH + 2));
  const octets = Buffer.alloc((lineCount * BASE64_LINE_LENGTH * 3) / 4);
  // A linear congruential generator: all that matters is that nothing repeats.
  let state = 1;
  for (let index = 0; index + 4 <= octets.length; index += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    octets.writeUInt32LE(state, index);
  }
  const text = octets.toString('base64');
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += BASE64_LINE_LENGTH) {
    pieces.push(`${text.slice(at, at + BASE64_LINE_LENGTH)}\r\n`);
  }
  return Buffer.from(pieces.join(''), 'latin1');
}

/** The chunks of one message (RFC 3030). A dot alone on a line ends nothing here, and nothing is doubled. */
export const chunksOfLetter = (): readonly Buffer[] => [
  Buffer.from(header('ann@partner.example', 'alice@example.com', 'Three chunks', 'MIME-Version: 1.0')),
  Buffer.from(lines('First, a dot alone on its line:', '.', 'MAIL FROM:<not-a-command@partner.example>', '')),
  Buffer.from(lines('. and no dot doubled at all', 'Ann')),
];

/** A message hidden behind what some servers take for the end of the first one. */
export interface Smuggling {
  /** What the server would take for the whole first message. */
  readonly cover: Buffer;
  /** Everything between 354 and the true end of data. */
  readonly body: Buffer;
}

/**
 * SMTP smuggling: the body goes on behind a false end of data with commands and a second message.
 *
 * @param falseEnd - What should look like the end of data, from the line end before the dot on: `\n.\n`, `\r.\r`, …
 */
export function smuggling(falseEnd: string, reversePath: string): Smuggling {
  const cover = `${header(reversePath, 'alice@example.com', 'Harmless')}Nothing to see here.`;
  const hidden =
    lines('MAIL FROM:<admin@example.com>', 'RCPT TO:<bob@example.com>', 'DATA') +
    header('admin@example.com', 'bob@example.com', 'Your password') +
    lines('Please tell us your password.');
  const dotAt = falseEnd.indexOf('.');
  return {
    cover: Buffer.from(cover + falseEnd.slice(0, dotAt), 'latin1'),
    body: Buffer.from(cover + falseEnd + hidden, 'latin1'),
  };
}

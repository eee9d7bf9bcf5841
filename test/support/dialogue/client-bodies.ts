import { toLatin1 } from './octets.ts';

/**
 * Reads the bodies out of everything a client sent, independently of the gate: DATA bodies begin where the client was given a
 * 354, BDAT chunks follow their command line. It reads a well-behaved client; hostile framing yields no body here, so that
 * nothing a server took can match it.
 *
 * @param bodyStarts - Offsets at which a 354 was received, ascending.
 * @returns Bodies and chunks in order, terminators excluded.
 */
export function clientBodies(sent: Uint8Array, bodyStarts: readonly number[]): readonly Uint8Array[] {
  const octets = Buffer.from(sent.buffer, sent.byteOffset, sent.length);
  const bodies: Uint8Array[] = [];
  const starts = [...bodyStarts];
  let at = 0;
  while (at < octets.length) {
    if (starts[0] === at) {
      starts.shift();
      const end = endOfData(octets, at);
      if (end === undefined) return bodies;
      bodies.push(octets.subarray(at, end));
      at = end + 3;
      continue;
    }
    const end = octets.indexOf('\r\n', at);
    if (end < 0) return bodies;
    const line = toLatin1(octets.subarray(at, Math.min(end, at + 100)));
    at = end + 2;
    const chunk = /^bdat ([0-9]{1,15})( last)? *$/i.exec(line);
    if (!chunk) continue;
    bodies.push(octets.subarray(at, at + Number(chunk[1])));
    at += Number(chunk[1]);
  }
  return bodies;
}

/** Where the terminator `.` CRLF begins. */
function endOfData(octets: Buffer, start: number): number | undefined {
  if (octets.subarray(start, start + 3).equals(Buffer.from('.\r\n'))) return start;
  const at = octets.indexOf('\r\n.\r\n', start);
  return at < 0 ? undefined : at + 2;
}

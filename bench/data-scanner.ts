import { DataScanner } from '../proxy/data-scanner.ts';
import { octetwisePlainLines, type PlainLines, vectorPlainLines } from '../proxy/plain-lines.ts';
import { LineEndWatch } from '../proxy/text-scan.ts';

/** What does it cost to look at every octet of a body? Nanoseconds an octet, the best of many runs over one 64 KiB chunk. */

const CHUNK_OCTETS = 65_536;
const RUNS = 40;
const SCANS_A_RUN = 50;

/** A chunk full of one line, repeated. */
const chunkOf = (line: string): Uint8Array =>
  new Uint8Array(Buffer.from(line.repeat(Math.ceil(CHUNK_OCTETS / line.length)), 'latin1').subarray(0, CHUNK_OCTETS));

const chunks: Readonly<Record<string, Uint8Array>> = {
  'lines of 76 octets': chunkOf(`${'QUJDREVG'.repeat(10).slice(0, 76)}\r\n`),
  'lines of 998 octets': chunkOf(`${'plain text '.repeat(91).slice(0, 998)}\r\n`),
  'empty lines': chunkOf('\r\n'),
  'lines that begin with a dot': chunkOf('.a\r\n'),
};

/** The alternative in plain JavaScript: four octets at once that are all above CR, then line ends one by one. */
function wordwise(octets: Uint8Array): number {
  const words = new Int32Array(octets.buffer, octets.byteOffset, octets.length >> 2);
  let index = 0;
  while (index < octets.length) {
    let word = (index + 3) >> 2;
    for (const aligned = Math.min(octets.length, word << 2); index < aligned; index += 1) {
      if ((octets[index] ?? 0) <= 0x0d) break;
    }
    if (index === word << 2) {
      for (; word < words.length; word += 1) {
        const four = words[word] ?? 0;
        if (((four - 0x0e0e0e0e) & ~four & 0x80808080) !== 0) break;
      }
      index = word << 2;
      while (index < octets.length && (octets[index] ?? 0) > 0x0d) index += 1;
    }
    if (octets[index] === 0x0d && octets[index + 1] === 0x0a) index += 3;
    else index += 1;
  }
  return index;
}

function search({ window, find }: PlainLines): (octets: Uint8Array) => number {
  return (octets) => {
    window.set(octets);
    return find(0, octets.length);
  };
}

function nanosecondsAnOctet(scan: (octets: Uint8Array) => unknown, chunk: Uint8Array): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run += 1) {
    const startedNs = process.hrtime.bigint();
    for (let count = 0; count < SCANS_A_RUN; count += 1) scan(chunk);
    best = Math.min(best, Number(process.hrtime.bigint() - startedNs) / SCANS_A_RUN / chunk.length);
  }
  return best;
}

const scanner = new DataScanner();
const lineEnds = new LineEndWatch();
const vector = vectorPlainLines();
const copy = new Uint8Array(CHUNK_OCTETS);
const scans: Readonly<Record<string, (octets: Uint8Array) => unknown>> = {
  'DATA scanner': (octets) => scanner.read(octets, false),
  'BDAT line ends': (octets) => lineEnds.sees(octets),
  ...(vector === undefined ? {} : { 'search, 16 octets at once': search(vector) }),
  'search, octet by octet': search(octetwisePlainLines()),
  'loop over 32-bit words': wordwise,
  'copy, no look': (octets) => copy.set(octets),
};

console.log(`Node ${process.version}, ns an octet`);
console.table(
  Object.fromEntries(
    Object.entries(chunks).map(([what, chunk]) => [
      what,
      Object.fromEntries(
        Object.entries(scans).map(([name, scan]) => [name, Number(nanosecondsAnOctet(scan, chunk).toFixed(3))]),
      ),
    ]),
  ),
);

import { Buffer } from 'node:buffer';

/** Chunkings of one input at random places that {@link everyChunking} adds to the systematic ones. */
const RANDOM_CHUNKINGS = 20;

/** Octets of a text of U+0000 to U+00FF, one each. */
export const octetsOf = (latin1: string): Uint8Array => new Uint8Array(Buffer.from(latin1, 'latin1'));

/** The text whose characters are the octets, one each. */
export const latin1Of = (...chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString('latin1');

/** Numbers from 0 to below `below`, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Cuts the octets at places of `random`, at most `octetsMax` a chunk. */
export function randomChunking(octets: Uint8Array, random: (below: number) => number, octetsMax = 9): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < octets.length; ) {
    const end = start + 1 + random(octetsMax);
    chunks.push(octets.subarray(start, end));
    start = end;
  }
  return chunks;
}

/**
 * The ways in which TCP may deliver the octets: whole, one by one, every split in two, and some at random places. Each chunk
 * is a copy of its own, at an offset that is not always aligned.
 */
export function* everyChunking(octets: Uint8Array): Generator<readonly Uint8Array[]> {
  yield copied([octets]);
  yield copied(Array.from(octets, (octet) => Uint8Array.of(octet)));
  for (let cut = 1; cut < octets.length; cut += 1) yield copied([octets.subarray(0, cut), octets.subarray(cut)]);
  const random = seededRandom(octets.length);
  for (let count = 0; count < RANDOM_CHUNKINGS; count += 1) yield copied(randomChunking(octets, random));
}

const copied = (chunks: readonly Uint8Array[]): Uint8Array[] =>
  chunks.map((chunk, index) => {
    const offset = index % 5;
    const copy = new Uint8Array(chunk.length + offset);
    copy.set(chunk, offset);
    return copy.subarray(offset);
  });

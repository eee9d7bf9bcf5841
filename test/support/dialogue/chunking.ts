/** How the octets of one write arrive. */
export interface Chunking {
  readonly name: string;
  /** Cuts `octets`; `written`: the pieces the script asks for. */
  cut(octets: Uint8Array, written: readonly Uint8Array[]): readonly Uint8Array[];
}

/** A write longer than this is not cut into single octets throughout: only its ends, and around every such distance, are. */
const SINGLE_OCTETS_MAX = 8192;
const EDGE_OCTETS = 256;
/** Longest piece of a random cut, octets. */
const PIECE_OCTETS_MAX = 24;

/** A small seeded generator (mulberry32): integers from 0 to `below` - 1. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const asWritten: Chunking = { name: 'as written', cut: (_octets, written) => written };
const whole: Chunking = { name: 'in one segment', cut: (octets) => (octets.length > 0 ? [octets] : []) };

const singleOctets: Chunking = {
  name: 'one octet a segment',
  cut: (octets) => {
    const pieces: Uint8Array[] = [];
    const long = octets.length > SINGLE_OCTETS_MAX;
    for (let at = 0; at < octets.length; ) {
      const inside = at % SINGLE_OCTETS_MAX;
      const nearEdge = inside < EDGE_OCTETS || octets.length - at <= EDGE_OCTETS;
      const end = long && !nearEdge ? Math.min(at - inside + SINGLE_OCTETS_MAX, octets.length - EDGE_OCTETS) : at + 1;
      pieces.push(octets.subarray(at, end));
      at = end;
    }
    return pieces;
  },
};

/** Cuts at random; long writes get proportionally longer pieces, so that a run stays short. */
const random = (seed: number): Chunking => ({
  name: `random cut, seed ${seed}`,
  cut: (octets) => {
    const below = seeded(seed ^ octets.length);
    const pieceMax = Math.max(PIECE_OCTETS_MAX, octets.length >> 8);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < octets.length; ) {
      const end = Math.min(octets.length, at + 1 + below(pieceMax));
      pieces.push(octets.subarray(at, end));
      at = end;
    }
    return pieces;
  },
});

/** Seeded cuts every dialogue is run with, besides the three fixed ones. */
export const RANDOM_CUT_COUNT = 20;

/** The way a dialogue is written, which the others must agree with. */
export const reference: Chunking = asWritten;
export const otherChunkings: readonly Chunking[] = [
  whole,
  singleOctets,
  ...Array.from({ length: RANDOM_CUT_COUNT }, (_, index) => random(index + 1)),
];

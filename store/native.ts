import { type Shape, shapeOf } from './native-type.ts';

/**
 * Octets of the format Native for a client of a later revision of the protocol. chDB writes them for revision 0; clients that send
 * `client_protocol_version` (clickhouse-go, and so Grafana) read blocks with a few octets more. To know where they belong the
 * columns have to be walked through.
 */

/** From this revision on a block tells of itself. */
const BLOCK_INFO = 51_903;
/** From this revision on a column says whether it is serialized in a way of its own. */
const CUSTOM_SERIALIZATION = 54_454;
/** From this revision on a block names buckets that are out of order. */
const OUT_OF_ORDER_BUCKETS = 54_480;

/** Field 1: no overflow; field 2: bucket −1; the end. */
const blockInfo = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];
/** The same with field 3: none. */
const blockInfoWithBuckets = [...blockInfo.slice(0, -1), 3, 0, 0];

/** @returns Undefined for what is not Native of revision 0, or has columns of a type whose length only the engine can tell. */
export function nativeForRevision(octets: Uint8Array, revision: number): Uint8Array | undefined {
  if (revision < BLOCK_INFO) return octets;
  const info = Uint8Array.from(revision < OUT_OF_ORDER_BUCKETS ? blockInfo : blockInfoWithBuckets);
  const pieces: Uint8Array[] = [];
  const walk = new Walk(octets);
  while (!walk.isDone) {
    const from = walk.at;
    const columns = walk.number();
    const rows = walk.number();
    pieces.push(info, octets.subarray(from, walk.at));
    for (let column = 0; column < columns && !walk.isLost; column += 1) {
      const begin = walk.at;
      walk.skip(walk.number());
      const shape = shapeOf(walk.text());
      if (shape === undefined) return undefined;
      pieces.push(octets.subarray(begin, walk.at));
      if (revision >= CUSTOM_SERIALIZATION) pieces.push(Uint8Array.of(0));
      const data = walk.at;
      if (rows > 0) walk.column(shape, rows);
      pieces.push(octets.subarray(data, walk.at));
    }
    if (walk.isLost) return undefined;
  }
  return Buffer.concat(pieces);
}

/** Walks through octets; lost once it would go beyond their end. */
class Walk {
  at = 0;
  isLost = false;
  private readonly octets: Uint8Array;
  private readonly view: DataView;

  constructor(octets: Uint8Array) {
    this.octets = octets;
    this.view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  }

  get isDone(): boolean {
    return this.isLost || this.at >= this.octets.length;
  }

  skip(count: number): void {
    if (count > this.octets.length - this.at) this.isLost = true;
    else this.at += count;
  }

  /** LEB128. */
  number(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const octet = this.octets[this.at];
      if (octet === undefined) break;
      this.at += 1;
      value += (octet & 0x7f) * factor;
      if (octet < 0x80) return value;
    }
    this.isLost = true;
    return 0;
  }

  text(): string {
    const length = this.number();
    const from = this.at;
    this.skip(length);
    return this.isLost ? '' : Buffer.from(this.octets.subarray(from, this.at)).toString('utf8');
  }

  column(shape: Shape, rows: number): void {
    this.prefix(shape);
    this.data(shape, rows);
  }

  /** What stands before all values: of each dictionary its version. */
  private prefix(shape: Shape): void {
    if (shape.kind === 'dictionary') this.skip(8);
    else if (shape.kind === 'tuple') for (const element of shape.of) this.prefix(element);
    else if (shape.kind === 'nullable' || shape.kind === 'array') this.prefix(shape.of);
  }

  private data(shape: Shape, rows: number): void {
    if (this.isLost) return;
    switch (shape.kind) {
      case 'fixed':
        return this.skip(rows * shape.octets);
      case 'string':
        return this.strings(rows);
      case 'nullable':
        this.skip(rows);
        return this.data(shape.of, rows);
      case 'array':
        this.skip(8 * rows);
        return this.data(shape.of, rows === 0 || this.isLost ? 0 : this.uint64At(this.at - 8));
      case 'tuple':
        for (const element of shape.of) this.data(element, rows);
        return;
      case 'dictionary':
        if (rows > 0) this.dictionary(shape.of);
    }
  }

  private strings(rows: number): void {
    for (let row = 0; row < rows && !this.isLost; row += 1) this.skip(this.number());
  }

  /** The width of an index, the keys, and the indexes. */
  private dictionary(of: Shape): void {
    const width = 1 << ((this.octets[this.at] ?? 0) & 3);
    this.skip(8);
    this.data(of, this.uint64());
    this.skip(width * this.uint64());
  }

  private uint64(): number {
    this.skip(8);
    return this.isLost ? 0 : this.uint64At(this.at - 8);
  }

  private uint64At(at: number): number {
    return Number(this.view.getBigUint64(at, true));
  }
}

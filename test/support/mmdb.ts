import { parsePrefix } from '../../lib/ip.ts';

/** A value of the data of a MaxMind DB: a number is an unsigned 32-bit one, a bigint an unsigned 64-bit one. */
export type MmdbValue =
  | string
  | number
  | bigint
  | boolean
  | readonly MmdbValue[]
  | { readonly [key: string]: MmdbValue };

export interface MmdbContent {
  /** Records by network in CIDR notation. A network may lie within another one that comes before it. */
  readonly networks: Readonly<Record<string, MmdbValue>>;
  /** Of the tree: that of IPv6 has IPv4 in `::/96`. Default: 6. */
  readonly ipVersion?: 4 | 6;
  /** Bits. Default: 24. */
  readonly recordSize?: 24 | 28 | 32;
  /** Other metadata, or others than there would be. */
  readonly metadata?: Readonly<Record<string, MmdbValue>>;
}

/** 2026-02-17, in seconds. */
const MADE_AT = 1_771_286_400n;

/** A record of GeoLite2 Country, as short as it can be. */
export const inCountry = (code: string): MmdbValue => ({ country: { iso_code: code } });

/** A file in the MaxMind DB format 2.0: search tree, data, metadata. */
export function mmdbOf({ networks, ipVersion = 6, recordSize = 24, metadata = {} }: MmdbContent): Buffer {
  const nodes: Node[] = [[undefined, undefined]];
  const records = new Map<string, number>();
  const data: Buffer[] = [];
  let dataLength = 0;
  for (const [network, value] of Object.entries(networks)) {
    const encoded = encode(value);
    const key = encoded.toString('latin1');
    const offset = records.get(key) ?? dataLength;
    if (offset === dataLength) {
      records.set(key, offset);
      data.push(encoded);
      dataLength += encoded.length;
    }
    put(nodes, bitsOfNetwork(network, ipVersion), { offset });
  }
  const all = {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: MADE_AT,
    database_type: 'Test-Country',
    description: { en: 'made by a test' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.length,
    record_size: recordSize,
    ...metadata,
  };
  const tree = nodes.map((node) => encodeNode(node, nodes.length, recordSize));
  return Buffer.concat([
    ...tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    encode(all),
  ]);
}

/** Where one bit leads: to another node, to a record, or nowhere. */
type Branch = { readonly node: number } | { readonly offset: number } | undefined;
type Node = [Branch, Branch];

function bitsOfNetwork(network: string, ipVersion: 4 | 6): readonly (0 | 1)[] {
  const prefix = parsePrefix(network);
  if (prefix === undefined || prefix.family > ipVersion) throw new Error(`${network} has no place in the tree`);
  const width = ipVersion === 6 ? 128 : 32;
  const length = prefix.length + (ipVersion === 6 && prefix.family === 4 ? 96 : 0);
  return Array.from({ length }, (_, index) => (((prefix.first >> BigInt(width - 1 - index)) & 1n) === 1n ? 1 : 0));
}

function put(nodes: Node[], bits: readonly (0 | 1)[], record: Branch): void {
  let node = nodes[0];
  for (const [index, bit] of bits.entries()) {
    if (node === undefined) return;
    if (index === bits.length - 1) node[bit] = record;
    else node = below(nodes, node, bit);
  }
}

/** The node there; what held for the whole branch holds for both of its halves. */
function below(nodes: Node[], node: Node, bit: 0 | 1): Node | undefined {
  const branch = node[bit];
  if (branch !== undefined && 'node' in branch) return nodes[branch.node];
  const made: Node = [branch, branch];
  node[bit] = { node: nodes.length };
  nodes.push(made);
  return made;
}

function encodeNode([left, right]: Node, count: number, recordSize: 24 | 28 | 32): Buffer {
  const [first, second] = [left, right].map((branch) => {
    if (branch === undefined) return count;
    return 'node' in branch ? branch.node : count + 16 + branch.offset;
  }) as [number, number];
  const node = Buffer.alloc(recordSize / 4);
  if (recordSize === 32) {
    node.writeUInt32BE(first, 0);
    node.writeUInt32BE(second, 4);
    return node;
  }
  node.writeUIntBE(first & 0xffffff, 0, 3);
  node.writeUIntBE(second & 0xffffff, recordSize === 24 ? 3 : 4, 3);
  // The highest four bits of both share the octet between them.
  if (recordSize === 28) node.writeUInt8(((first >>> 24) << 4) | (second >>> 24), 3);
  return node;
}

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'boolean') return control(14, value ? 1 : 0);
  if (typeof value === 'number') return unsigned(6, 4, BigInt(value));
  if (typeof value === 'bigint') return unsigned(9, 8, value);
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([
    control(7, entries.length),
    ...entries.flatMap(([key, inner]) => [encode(key), encode(inner)]),
  ]);
}

function unsigned(type: number, length: 4 | 8, value: bigint): Buffer {
  const octets = Buffer.alloc(8);
  octets.writeBigUInt64BE(value);
  return Buffer.concat([control(type, length), octets.subarray(8 - length)]);
}

/** The octets before a value: its type, above 7 in an octet of its own, and its size. */
function control(type: number, size: number): Buffer {
  const [bits, more] = size < 29 ? [size, []] : size < 285 ? [29, [size - 29]] : [30, [(size - 285) >> 8, size - 285]];
  return Buffer.from(type > 7 ? [bits, type - 7, ...more] : [(type << 5) | bits, ...more]);
}

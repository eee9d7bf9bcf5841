import { PrefixTable } from '../blocklist/prefix-table.ts';
import { parsePrefix } from '../lib/ip.ts';

/**
 * How many lookups a second does the blocklist answer with a million entries in force?
 * Run: `node --expose-gc bench/blocklist-lookup.ts`
 */
const ENTRIES = 1_000_000;
const LOOKUPS = 2_000_000;

let state = 0x9e_37_79_b9;
function random(): number {
  state = Math.imul(state ^ (state >>> 15), 0x85_eb_ca_6b) + 0x6d_2b_79_f5;
  return (state ^ (state >>> 13)) >>> 0;
}

const ipv4 = (): string => [random(), random(), random(), random()].map((word) => word >>> 24).join('.');
const group = (): string => ((random() >>> 16) | 0x10_00).toString(16);
const network6 = (): string => `2a0${random() % 8}:${group()}:${group()}:${group()}`;

function timed(name: string, ips: readonly string[], table: PrefixTable<object>): void {
  let found = 0;
  const before = performance.now();
  for (let index = 0; index < LOOKUPS; index += 1) {
    table.around(ips[index % ips.length] ?? '', () => {
      found += 1;
      return true;
    });
  }
  const seconds = (performance.now() - before) / 1000;
  console.log(`${name.padEnd(16)} ${(LOOKUPS / seconds / 1e6).toFixed(2)} M lookups/s, ${found} found`);
}

const memoryBefore = process.memoryUsage();
const table = new PrefixTable<object>(random());
const hosts4: string[] = [];
const hosts6: string[] = [];
let longestMs = 0;
const begun = performance.now();
for (let index = 0; index < ENTRIES; index += 1) {
  const kind = index % 20;
  const text =
    kind === 0
      ? `${ipv4().split('.').slice(0, 3).join('.')}.0/24`
      : kind === 1
        ? `${network6().split(':').slice(0, 3).join(':')}::/48`
        : kind < 11
          ? `${ipv4()}/32`
          : `${network6()}::/64`;
  const prefix = parsePrefix(text);
  if (prefix === undefined) continue;
  if (kind > 1 && hosts4.length + hosts6.length < 400_000) {
    if (prefix.family === 4) hosts4.push(text.slice(0, -3));
    else hosts6.push(`${text.slice(0, -3)}1`);
  }
  const one = performance.now();
  table.set(prefix, { index });
  longestMs = Math.max(longestMs, performance.now() - one);
}
const seconds = (performance.now() - begun) / 1000;
console.log(`${table.size} entries in ${seconds.toFixed(1)} s, the slowest one ${longestMs.toFixed(0)} ms`);
globalThis.gc?.();
const memory = process.memoryUsage();
const grown = memory.heapUsed - memoryBefore.heapUsed + memory.arrayBuffers - memoryBefore.arrayBuffers;
console.log(`${(grown / 2 ** 20).toFixed(0)} MiB`);
timed('IPv4 found', hosts4, table);
timed('IPv4 not found', Array.from({ length: 200_000 }, ipv4), table);
timed('IPv6 found', hosts6, table);
timed(
  'IPv6 not found',
  Array.from({ length: 200_000 }, () => `${network6()}::1`),
  table,
);

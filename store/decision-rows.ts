import { decodeDecision } from '../events/codec.ts';
import { type DecisionEvent, decisionSchemas } from '../events/decision.ts';
import type { Table } from './history.ts';
import { objectOf, type Row, rowsIn } from './rows.ts';

const contributions = (column: string): string =>
  `CAST(arrayMap(e -> (e.1, e.2, toUnixTimestamp64Milli(e.3), e.4, e.5), ${column}),
    'Array(Tuple(sid String, seq UInt32, at Int64, weight Int64, what String))') AS ${column}`;
const times = 'toUnixTimestamp64Milli(at) AS at, toUnixTimestamp64Milli(until) AS until';

/** Columns of the table `decisions` that {@link decisionsOfRows} reads; times are milliseconds since 1970-01-01 UTC. */
export const decisionColumns = `* REPLACE (${times}, ${contributions('ledger')}, ${contributions('counter')})`;
/** The same without what a decision rests on and what it is told with. */
export const briefDecisionColumns = `* EXCEPT (ledger, counter, facts, held) REPLACE (${times}, '' AS reason)`;

/** Rows as the decisions and revocations that they were; what is none of this release is left out. */
export const decisionsOfRows = (table: Table): readonly DecisionEvent[] =>
  rowsIn(table).flatMap((row) => {
    const decoded = decodeDecision(JSON.stringify(decisionOf(row)));
    return decoded.ok ? [decoded.value] : [];
  });

function decisionOf(row: Row): object {
  const isMade = row.get('type')?.value === 'decision-made';
  const decision = objectOf(decisionSchemas[isMade ? 'decision-made' : 'decision-revoked'].shape, row);
  return { ...decision, ...placed(decision, 'ledger'), ...placed(decision, 'counter') };
}

/** A contribution has a place in a session if it has a session: the first place is 0, which looks like none. */
function placed(decision: Readonly<Record<string, unknown>>, name: 'ledger' | 'counter'): object {
  const entries: unknown = decision[name];
  if (!Array.isArray(entries)) return {};
  return { [name]: entries.map((entry: object) => ('sid' in entry ? { seq: 0, ...entry } : entry)) };
}

/**
 * Columns of the range that a decision is about, for `value` in scope; IPv4 as in mapped IPv6 addresses. Where `isRange` is 0 it is
 * about none.
 */
export const rangeColumns = `
  splitByChar('/', value)[1] AS address,
  toIPv6OrNull(address) AS ip,
  if(position(value, '/') = 0, 128, toUInt8OrNull(splitByChar('/', value)[2]) + if(isIPv4String(address), 96, 0)) AS bits,
  toUInt8(least(ifNull(bits, 128), 128)) AS length,
  IPv6CIDRToRange(ifNull(ip, toIPv6('::')), length).1 AS network,
  IPv6CIDRToRange(ifNull(ip, toIPv6('::')), length).2 AS last,
  ifNull(network = ip AND bits <= 128, 0) AS isRange,
  ${isIpv4('network')} AS isIpv4`;

/** Is an address of the type IPv6 one of IPv4? */
export function isIpv4(column: string): string {
  return `(IPv6CIDRToRange(${column}, 96).1 = toIPv6('::ffff:0.0.0.0'))`;
}

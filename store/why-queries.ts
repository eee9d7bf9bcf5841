import { decisionColumns, isIpv4, rangeColumns } from './decision-rows.ts';

/** What `postern why` asks the history. Addresses of IPv4 are mapped ones, with 96 bits more. */

/** Lines about one source or decision that are taken from the history, at most: the last ones. */
export const DECISIONS_MAX = 1000;

const WANTED = 'IPv6CIDRToRange({address:IPv6}, {length:UInt8})';

/** Decisions and revocations for which a condition holds, in the order of the log. */
const decisionsWhere = (condition: string): string => `SELECT ${decisionColumns}
FROM (
  SELECT * FROM (SELECT *, ${rangeColumns} FROM decisions)
  WHERE ${condition}
  ORDER BY at DESC, logOffset DESC
  LIMIT ${DECISIONS_MAX}
)
ORDER BY logPartition, logOffset`;

/** Those about the range `{address:IPv6}` with `{length:UInt8}` bits, about one around it, or about a part of it. */
export const decisionsAboutQuery = decisionsWhere(
  `isRange AND isIpv4 = ${isIpv4('{address:IPv6}')} AND network <= ${WANTED}.2 AND last >= ${WANTED}.1`,
);

/** Those of the decision `{id:String}`. */
export const decisionQuery = decisionsWhere('id = {id:String}');

/** The last `{count:UInt8}` sessions that a source opened, the newest first; those of `{known:Array(UUID)}` are left out. */
const sessionsWhere = (condition: string): string => `SELECT toString(sid) AS session
FROM events
WHERE type = 'session-opened' AND ${condition} AND NOT has({known:Array(UUID)}, sid)
ORDER BY at DESC, logOffset DESC
LIMIT {count:UInt8}`;

/** Of the address `{address:IPv6}`: there is an index for it. */
export const sessionsOfAddressQuery = sessionsWhere('ip = {address:IPv6}');

/** Of the range `{address:IPv6}` with `{length:UInt8}` bits. */
export const sessionsOfRangeQuery = sessionsWhere(`ip >= ${WANTED}.1 AND ip <= ${WANTED}.2`);

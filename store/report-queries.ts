import { briefDecisionColumns, isIpv4, rangeColumns } from './decision-rows.ts';
import { BEFORE_LOG } from './log-start.ts';

/**
 * What `postern report` asks the history about the time before the log, in the meaning of the class Report: parameters are those of
 * BEFORE_LOG and, milliseconds since 1970-01-01 UTC, `{since:Int64}`, `{from:Int64}` and `{to:Int64}`.
 */

const PERIOD = `at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')`;
const ACCEPTED = `(e.type = 'mail' AND e.outcome = 'accepted')`;

/** One row: sessions, accepted mail, the time of the last event (0 where there is none). */
export const totalsQuery = `SELECT countIf(e.type = 'session-opened') AS sessions, countIf${ACCEPTED} AS acceptedMail,
  toUnixTimestamp64Milli(max(e.at)) AS latest
FROM events AS e
WHERE ${PERIOD} AND ${BEFORE_LOG}`;

/** One row a rule: what it refused, and what it would have. */
export const rulesQuery = `SELECT rule, sum(refused) AS refused, sum(observed) AS observed
FROM (
  SELECT arrayJoin(arrayConcat(
      if(e.type = 'command' AND e.verdict.action != 'accept' AND e.verdict.rule != '', [(toString(e.verdict.rule), toUInt64(1), toUInt64(0))], []),
      if(e.type = 'refusals', [(toString(e.rule), e.count, toUInt64(0))], []),
      if(e.type IN ('command', 'session-opened'), arrayMap(o -> (toString(o.rule), toUInt64(0), toUInt64(1)), e.observed), [])
    )) AS found,
    found.1 AS rule, found.2 AS refused, found.3 AS observed
  FROM events AS e
  WHERE ${PERIOD} AND ${BEFORE_LOG}
)
GROUP BY rule`;

/** Decisions of analyzers about sources that could hold within the period, had nobody taken them back. */
const IN_QUESTION = `type = 'decision-made' AND origin = 'analyzer' AND scope IN ('ip', 'range')
  AND toUnixTimestamp64Milli(at) < {to:Int64} AND toUnixTimestamp64Milli(until) > {from:Int64}`;

/**
 * Decisions of analyzers that defer or refuse sources, from when to when. A revocation ends the last one of its key before it; the
 * order is that of the log.
 */
const INTERVALS = `SELECT scenario, value, anyIf(roles, type = 'decision-made') AS listeners,
    minIf(at, type = 'decision-made') AS fromAt,
    least(minIf(until, type = 'decision-made'), if(countIf(type = 'decision-revoked') = 0, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), minIf(at, type = 'decision-revoked'))) AS toAt
  FROM (
    SELECT scenario, scope, value, roles, arraySort(roles) AS sortedRoles, type, at, until,
      sum(type = 'decision-made') OVER (
        PARTITION BY scenario, scope, value, sortedRoles ORDER BY logPartition, logOffset
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS turn
    FROM decisions
    WHERE origin = 'analyzer' AND scope IN ('ip', 'range') AND value IN (SELECT value FROM decisions WHERE ${IN_QUESTION})
      AND (type = 'decision-revoked' OR (action != 'slow' AND toUnixTimestamp64Milli(until) >= {since:Int64}))
  )
  WHERE turn > 0
  GROUP BY scenario, scope, value, sortedRoles, turn
  HAVING toUnixTimestamp64Milli(toAt) > {from:Int64} AND toUnixTimestamp64Milli(fromAt) < {to:Int64}`;

const LENGTHS = `SELECT groupUniqArray(length)
  FROM (SELECT ${rangeColumns} FROM decisions WHERE ${IN_QUESTION}) WHERE isRange`;

/**
 * One row a scenario: sessions and accepted mail while its decisions held for their sources, and the sources with such mail, at most
 * {@link sourcesMax} of them, those with the most first: `[address, messages]`, the address of IPv6 that of its /64. A source is looked
 * for in a range of every length that there is; several decisions of one scenario count an event once.
 */
export const heldQuery = (
  sourcesMax: number,
): string => `SELECT scenario, sum(opened) AS sessions, sum(mails) AS acceptedMail,
  arraySlice(arrayReverseSort(s -> s.2, groupArrayIf((toString(source), mails), mails > 0)), 1, ${sourcesMax}) AS sources
FROM (
  SELECT scenario, source, countIf(type = 'session-opened') AS opened, countIf(type = 'mail') AS mails
  FROM (
    SELECT DISTINCT seen.logPartition, seen.logOffset, seen.at, seen.type AS type, seen.source AS source, held.scenario AS scenario
    FROM (
      SELECT e.logPartition, e.logOffset, e.at AS at, e.type AS type, e.role AS role, ${isIpv4('e.ip')} AS isIpv4,
        if(isIpv4, e.ip, IPv6CIDRToRange(e.ip, 64).1) AS source,
        arrayJoin((${LENGTHS})) AS length, IPv6CIDRToRange(e.ip, length).1 AS network
      FROM events AS e
      WHERE ${PERIOD} AND (e.type = 'session-opened' OR ${ACCEPTED}) AND ${BEFORE_LOG}
    ) AS seen
    INNER JOIN (
      SELECT scenario, listeners, fromAt, toAt, ${rangeColumns} FROM (${INTERVALS}) WHERE isRange
    ) AS held ON seen.isIpv4 = held.isIpv4 AND seen.length = held.length AND seen.network = held.network
    WHERE held.fromAt <= seen.at AND seen.at < held.toAt AND has(held.listeners, seen.role)
  )
  GROUP BY scenario, source
)
GROUP BY scenario`;

/** Lines of one page of {@link decisionsQuery}. */
export const DECISIONS_PAGE = 2000;

/**
 * Decisions of analyzers of the partition `{partition:UInt16}` whose lines were not read from the log, in its order, and what took them
 * back; those that were over before `{since:Int64}` are left out. A page begins behind the line `({offset:Int64}, {type:String}, {id:String})`.
 */
export const decisionsQuery = `SELECT ${briefDecisionColumns}
FROM (
  SELECT * FROM decisions
  WHERE logPartition = {partition:UInt16} AND origin = 'analyzer'
    AND (type = 'decision-revoked' OR toUnixTimestamp64Milli(until) >= {since:Int64})
    AND ${BEFORE_LOG}
    AND (toInt64(logOffset), toString(type), id) > ({offset:Int64}, {type:String}, {id:String})
  ORDER BY logOffset, type, id
  LIMIT ${DECISIONS_PAGE}
)`;

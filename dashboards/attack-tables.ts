import { addressText, chosen, countriesInRange, hoursInRange } from './fragments.ts';
import { columnsOf, type Panel } from './panel.ts';

/** Octets of an IPv4 address stand last in a mapped one: a /24 of it is a /120. */
const bits = "if(ip >= toIPv6('::ffff:0.0.0.0') AND ip <= toIPv6('::ffff:255.255.255.255'), 120, 48)";
/** A source that does nothing wrong is none of an attack. */
const wrong = ['refused', 'unknownRecipients', 'authRefused', 'anomalies']
  .map((column) => `sources_by_hour.${column}`)
  .join(' + ')
  .concat(' > 0');

export const attackTables: readonly Panel[] = [
  {
    id: 'scenarios',
    title: 'By scenario',
    shows: 'Decisions of the range by scenario: how many, about how many, how hard, and the last one.',
    red: {
      column: 'level',
      from: 3,
      advice:
        'Somebody came back after decisions were over: see who it is in Blocklist, and whether a longer block by hand is better.',
    },
    unit: 'short',
    drawing: 'table',
    width: 24,
    sql: `SELECT scenario, count() AS decisions, uniqExact(scope, value) AS subjects, max(level) AS level, max(at) AS lastAt
FROM decisions
WHERE $__timeFilter(at) AND type = 'decision-made' AND ${chosen('scenario')}
GROUP BY scenario
ORDER BY decisions DESC, scenario`,
    columns: columnsOf({
      scenario: 'LowCardinality(String)',
      decisions: 'UInt64',
      subjects: 'UInt64',
      level: 'UInt8',
      lastAt: "DateTime64(3, 'UTC')",
    }),
  },
  {
    id: 'ranges',
    title: 'Ranges',
    shows: 'Networks (/24 of IPv4, /48 of IPv6) by what their sources did wrong, at all gates; hours count whole.',
    red: {
      column: 'sources',
      from: 16,
      advice:
        'Many sources of one network belong to one attacker: `postern block <range> --for 24h`. Make sure that no provider of yours is in it.',
    },
    unit: 'short',
    drawing: 'table',
    width: 12,
    sql: `SELECT concat(${addressText('network')}, if(bits = 120, '/24', '/48')) AS range, uniqExact(ip) AS sources,
  sum(refused) AS refused, sum(unknownRecipients) AS unknown, sum(authRefused) AS passwords, sum(mailsAccepted) AS mails
FROM (
  SELECT *, ${bits} AS bits, IPv6CIDRToRange(ip, bits).1 AS network
  FROM sources_by_hour
  WHERE ${hoursInRange} AND ${wrong}
)
GROUP BY network, bits
ORDER BY refused + unknown + passwords DESC
LIMIT 50`,
    columns: columnsOf({
      range: 'String',
      sources: 'UInt64',
      refused: 'UInt64',
      unknown: 'UInt64',
      passwords: 'UInt64',
      mails: 'UInt64',
    }),
  },
  {
    id: 'worst-sources',
    title: 'Worst sources',
    shows:
      'Addresses by unknown recipients, refused passwords, refusals and anomalies, at all gates; hours count whole.',
    red: {
      column: 'passwords',
      from: 100,
      advice:
        'Click on the address to see its sessions; `postern why` tells what is decided about it. A source with accepted mail may be a server that is broken.',
    },
    unit: 'short',
    drawing: 'table',
    width: 12,
    sql: `SELECT ${addressText('ip')} AS ip, sum(refused) AS refused, sum(unknownRecipients) AS unknown,
  sum(authRefused) AS passwords, sum(anomalies) AS anomalies, sum(mailsAccepted) AS mails
FROM sources_by_hour
WHERE ${hoursInRange} AND ${wrong}
GROUP BY sources_by_hour.ip
ORDER BY refused + unknown + passwords + anomalies DESC
LIMIT 50`,
    columns: columnsOf({
      ip: 'String',
      refused: 'UInt64',
      unknown: 'UInt64',
      passwords: 'UInt64',
      anomalies: 'UInt64',
      mails: 'UInt64',
    }),
  },
  {
    id: 'countries',
    title: 'Countries',
    shows:
      'All sources by country (ISO 3166), those with accepted mail as well, at all gates; hours count whole. `not looked up`: the store has no country for them; that is everything where `store.countries.file` names no file, and a source that just came, for a few seconds. `unknown`: the file has none, as for private addresses.',
    red: {
      column: 'refused',
      from: 5000,
      advice:
        'See the ranges and sources above for who it is, and block those. Before you block ranges of a whole country in a firewall look at `mails` and `delivering`: so much mail from so many sources would be lost.',
    },
    unit: 'short',
    drawing: 'table',
    width: 24,
    sql: `SELECT multiIf(NOT known.isLookedUp, 'not looked up', known.country = '', 'unknown', toString(known.country)) AS country,
  count() AS sources, sum(source.refused) AS refused, sum(source.deferred) AS deferred, sum(source.unknown) AS unknown,
  sum(source.passwords) AS passwords, sum(source.mails) AS mails, countIf(source.mails > 0) AS delivering
FROM (
  SELECT ip, sum(refused) AS refused, sum(deferred) AS deferred, sum(unknownRecipients) AS unknown,
    sum(authRefused) AS passwords, sum(mailsAccepted) AS mails
  FROM sources_by_hour
  WHERE ${hoursInRange}
  GROUP BY ip
) AS source
LEFT JOIN (
  ${countriesInRange}
) AS known ON known.ip = source.ip
GROUP BY country
ORDER BY refused DESC, sources DESC, country
LIMIT 300`,
    columns: columnsOf({
      country: 'String',
      sources: 'UInt64',
      refused: 'UInt64',
      deferred: 'UInt64',
      unknown: 'UInt64',
      passwords: 'UInt64',
      mails: 'UInt64',
      delivering: 'UInt64',
    }),
  },
];

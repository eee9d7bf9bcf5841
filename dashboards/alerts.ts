import { noSession } from './fragments.ts';

/**
 * What wakes somebody; Grafana asks it once a minute. No macros: versions of Grafana differ in whether they take a `$` in a file of
 * rules for a variable of the environment.
 */
export interface AlertRule {
  /** Never changes. */
  readonly uid: string;
  readonly title: string;
  /** What happened and what to do. */
  readonly summary: string;
  readonly severity: 'warning' | 'critical';
  /** One row with one number. */
  readonly sql: string;
  /** It fires where the number is greater. */
  readonly above: number;
  /** How long it must be so first. */
  readonly forMinutes: number;
  /** Uid of the dashboard that shows it, and id of the panel. */
  readonly shownBy: { readonly dashboard: string; readonly panel: string };
}

const within = (column: string, minutes: number): string => `${column} > now() - INTERVAL ${minutes} MINUTE`;

export const alertRules: readonly AlertRule[] = [
  {
    uid: 'postern-relay-probe-rate',
    title: 'Many relay probes',
    summary:
      'More than 300 forward-paths of foreign domains within ten minutes were refused. Nothing was relayed. If they ask for one domain, it may be missing in `domains`.',
    severity: 'warning',
    sql: `SELECT sum(verdicts) AS value
FROM verdicts_by_minute
WHERE ${within('minute', 10)} AND rule IN ('relay.denied', 'relay.routing') AND NOT observed`,
    above: 300,
    forMinutes: 5,
    shownBy: { dashboard: 'postern-attacks', panel: 'relay' },
  },
  {
    uid: 'postern-guessing-campaign',
    title: 'Passwords are guessed by a campaign',
    summary:
      'The analyzers decided that many networks guess passwords of an account or of the site. See which accounts, and ask whether those that got in from new networks are their people.',
    severity: 'critical',
    sql: `SELECT count() AS value
FROM decisions
WHERE ${within('at', 15)} AND type = 'decision-made' AND scenario = 'auth-guessing' AND scope IN ('account', 'site')`,
    above: 0,
    forMinutes: 0,
    shownBy: { dashboard: 'postern-attacks', panel: 'guessing' },
  },
  {
    uid: 'postern-breaker-tripped',
    title: 'New refusals only defer: the breaker tripped',
    summary:
      'There were more automatic refusals than `watch.growthMax`. Look at the newest decisions: an attack by many sources, or a scenario that errs.',
    severity: 'critical',
    sql: `SELECT count() AS value
FROM events
WHERE ${within('at', 15)} AND ${noSession} AND type = 'breaker-changed' AND tripped`,
    above: 0,
    forMinutes: 0,
    shownBy: { dashboard: 'postern-blocklist', panel: 'breaker' },
  },
  {
    uid: 'postern-log-gap',
    title: 'Events were lost',
    summary: 'The log dropped events. The table of gaps says why: mostly a full disk, or a log process that is away.',
    severity: 'warning',
    sql: `SELECT sum(events) AS value
FROM traffic_by_minute
WHERE ${within('minute', 15)} AND type = 'log-gap'`,
    above: 0,
    forMinutes: 0,
    shownBy: { dashboard: 'postern-gate-health', panel: 'log-gaps' },
  },
  {
    uid: 'postern-upstream-down',
    title: 'The server behind is down',
    summary:
      'More than ten connections or dialogues with the server behind failed within five minutes. Clients get 421 and come again; look at the server.',
    severity: 'critical',
    sql: `SELECT sum(events) AS value
FROM traffic_by_minute
WHERE ${within('minute', 5)} AND type = 'upstream-failed'`,
    above: 10,
    forMinutes: 2,
    shownBy: { dashboard: 'postern-gate-health', panel: 'failures' },
  },
];

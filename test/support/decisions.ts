import { Blocklist } from '../../blocklist/blocklist.ts';
import type { BlocklistEntry } from '../../blocklist/entry.ts';
import type { DecisionEvent, DecisionMade, DecisionRevoked } from '../../events/decision.ts';
import { EVENT_VERSION, TIME_MS_MAX } from '../../events/event.ts';

/** A refusal of one address, by an analyzer. */
export const aDecision = (fields: Partial<DecisionMade> = {}): DecisionMade => ({
  v: EVENT_VERSION,
  type: 'decision-made',
  at: 0,
  site: 'site',
  id: '0123456789abcdef',
  scope: fields.value?.includes('/') === true ? 'range' : 'ip',
  value: '198.51.100.7',
  roles: ['mx', 'submission', 'submissions'],
  origin: 'analyzer',
  scenario: 'recipient-harvest',
  action: 'refuse',
  level: 2,
  until: TIME_MS_MAX,
  reason: 'asked for many addresses that do not exist',
  ...fields,
});

export const aRevocation = ({
  at,
  site,
  id,
  scope,
  value,
  roles,
  origin,
  scenario,
}: DecisionMade): DecisionRevoked => ({
  v: EVENT_VERSION,
  type: 'decision-revoked',
  at: at + 1,
  site,
  id,
  scope,
  value,
  roles,
  origin,
  scenario,
  by: 'operator',
  reason: 'a mistake',
});

/** The blocklist of these decisions, all scenarios enforced but those named. */
export function blocklistOf(decisions: Iterable<DecisionEvent>, observed: readonly string[] = []): Blocklist {
  const blocklist = new Blocklist({ modeOf: (scenario) => (observed.includes(scenario) ? 'observe' : 'enforce') });
  for (const decision of decisions) blocklist.take(decision);
  return blocklist;
}

/** An entry about 198.51.100.7, as an admission gets it. */
export const anEntry = (fields: Partial<BlocklistEntry> = {}): BlocklistEntry => ({
  id: 'd1',
  scope: 'ip',
  value: '198.51.100.7',
  action: 'refuse',
  madeMs: 0,
  untilMs: TIME_MS_MAX,
  scenario: 'recipient-harvest',
  origin: 'analyzer',
  level: 2,
  roles: ['mx'],
  observed: false,
  ...fields,
});

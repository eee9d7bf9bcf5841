import type { DecisionEvent } from '../events/decision.ts';
import type { EventByType, MailEvent } from '../events/event.ts';

/**
 * Events in the Common Event Format (ArcSight CEF, version 0), as programs for security events read it: one line, a header of seven
 * fields with bars between them, then pairs `key=value`.
 */

/** Severities of CEF that are used here: what went as it should, what was refused, what needs a look, what needs a person. */
export const severities = { usual: 2, refused: 5, suspicious: 7, grave: 9 } as const;

/** A line, and how severe what it tells is: 0 to 10. */
export interface CefLine {
  readonly severity: number;
  readonly text: string;
}

/** One event as CEF tells it. */
interface Told {
  /** Kind of event, for rules of the program that reads it. */
  readonly signature: string;
  readonly name: string;
  readonly severity: number;
  readonly fields: Readonly<Record<string, string | number | undefined>>;
}

/**
 * The line of an event; undefined where it is below the least severity that is wanted, or nothing that such a program asks for.
 *
 * @param version - Of Postern.
 */
export function cefOf(event: MailEvent | DecisionEvent, version: string, leastSeverity: number): CefLine | undefined {
  const told = toldOf(event);
  if (told === undefined || told.severity < leastSeverity) return undefined;
  const header = ['CEF:0', 'Postern', 'Postern', version, told.signature, told.name, told.severity].map(headerField);
  const fields = { rt: event.at, dvchost: 'gate' in event ? event.gate : undefined, cat: event.type, ...told.fields };
  const pairs = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [`${key}=${extensionValue(value)}`],
  );
  return { severity: told.severity, text: `${header.join('|')}|${pairs.join(' ')}` };
}

const sumOf = (counts: Readonly<Record<string, number>> | undefined): number | undefined =>
  counts === undefined ? undefined : Object.values(counts).reduce((sum, count) => sum + count, 0);

const headerField = (value: string | number): string =>
  String(value)
    .replace(/[\\|]/g, '\\$&')
    .replace(/[\r\n]+/g, ' ');
const extensionValue = (value: string | number): string =>
  String(value)
    .replace(/[\\=]/g, '\\$&')
    .replace(/\r\n|[\r\n]/g, '\\n');

function toldOf(event: MailEvent | DecisionEvent): Told | undefined {
  switch (event.type) {
    case 'command':
      return commandTold(event);
    case 'auth-attempt':
      return attemptTold(event);
    case 'mail':
      return mailTold(event);
    case 'anomaly':
      return {
        signature: `anomaly:${event.kind}`,
        name: 'Hostile or broken input',
        severity: event.severity === 'notice' ? severities.refused : severities.suspicious,
        fields: { ...sourceOf(event), msg: event.note },
      };
    case 'refusals':
      return {
        signature: event.rule,
        name: 'Connections refused',
        severity: severities.refused,
        fields: { ...sourceOf(event), act: event.action, cnt: event.count, ...ruleOf(event.rule) },
      };
    case 'decision-made':
    case 'decision-revoked':
      return decisionTold(event);
    case 'operator-acted':
      return {
        signature: 'operator-acted',
        name: 'An operator acted',
        severity: severities.suspicious,
        fields: { act: event.act, suser: event.by, reason: event.reason, msg: event.value, cnt: sumOf(event.counts) },
      };
    case 'log-gap':
      return {
        signature: 'log-gap',
        name: 'Events were lost',
        severity: severities.grave,
        fields: { reason: event.reason },
      };
    case 'breaker-changed':
      return {
        signature: 'breaker-changed',
        name: event.tripped ? 'The growth breaker opened' : 'The growth breaker closed',
        severity: event.tripped ? severities.grave : severities.refused,
        fields: { cnt: event.count },
      };
    case 'upstream-failed':
      return {
        signature: 'upstream-failed',
        name: 'The server behind failed',
        severity: severities.suspicious,
        fields: { ...sourceOf(event), reason: event.reason, msg: event.stage },
      };
    default:
      return undefined;
  }
}

type OfSource = Extract<MailEvent, { ip: string }>;

const sourceOf = (event: OfSource): Told['fields'] => ({
  ...(event.ip.includes(':') ? { c6a2: event.ip, c6a2Label: 'Source IPv6 Address' } : { src: event.ip }),
  app: 'SMTP',
  deviceFacility: event.listener,
  externalId: 'sid' in event ? event.sid : undefined,
});

const ruleOf = (rule: string | undefined): Told['fields'] =>
  rule === undefined ? {} : { cs1: rule, cs1Label: 'rule' };

function commandTold(event: EventByType<'command'>): Told | undefined {
  const { verdict, verb, reply, reversePath, forwardPath } = event;
  if (verdict.action === 'accept') return undefined;
  return {
    signature: verdict.rule ?? 'command',
    name: `${verb} ${verdict.action === 'slow' ? 'slowed' : 'refused'}`,
    severity: verdict.action === 'slow' ? severities.usual : severities.refused,
    fields: {
      ...sourceOf(event),
      act: verdict.action,
      suser: reversePath,
      duser: forwardPath,
      outcome: reply?.code,
      msg: reply?.text,
      ...ruleOf(verdict.rule),
    },
  };
}

const attemptTold = (event: EventByType<'auth-attempt'>): Told => ({
  signature: `auth:${event.outcome}`,
  name: 'Authentication',
  severity: event.outcome === 'accepted' ? severities.usual : severities.refused,
  fields: {
    ...sourceOf(event),
    suser: event.account,
    outcome: event.outcome,
    cs2: event.mechanism,
    cs2Label: 'mechanism',
  },
});

const mailTold = (event: EventByType<'mail'>): Told => ({
  signature: `mail:${event.outcome}`,
  name: 'Mail transaction',
  severity: severities.usual,
  fields: {
    ...sourceOf(event),
    suser: event.reversePath,
    duser: event.domains.join(','),
    outcome: event.outcome,
    in: event.octets,
    fileHash: event.bodySha256,
  },
});

function decisionTold(event: DecisionEvent): Told {
  const isMade = event.type === 'decision-made';
  const isAddress = event.scope === 'ip' && !event.value.includes('/');
  return {
    signature: `decision:${event.scenario}`,
    name: isMade ? 'Decision made' : 'Decision revoked',
    severity: isMade && event.origin === 'analyzer' ? severities.grave : severities.suspicious,
    fields: {
      ...(isAddress ? { src: event.value } : { msg: `${event.scope} ${event.value}` }),
      act: isMade ? event.action : 'revoke',
      externalId: event.id,
      reason: event.reason,
      suser: event.by,
      end: isMade ? event.until : undefined,
      cs3: event.scenario,
      cs3Label: 'scenario',
    },
  };
}

import type { DecisionMade, DecisionRevoked } from '../events/decision.ts';
import { EVENT_VERSION, roles, TIME_MS_MAX } from '../events/event.ts';
import { type Prefix, parseAddress, parsePrefix, prefixOf } from '../lib/ip.ts';
import { type HashKey, KeyedHash, textOfHash } from '../lib/keyed-hash.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { BlocklistEntry } from './entry.ts';

/** The end of what has none: the last millisecond of the year 9999. */
export const FOREVER_MS = TIME_MS_MAX;
/** How long an operator's block lasts when nothing else is said, milliseconds: a day. */
export const BLOCK_MS_DEFAULT = 86_400_000;
/** Shortest prefixes that a decision may be about: what is shorter is a part of the Internet. */
const LENGTH_MIN = { 4: 16, 6: 32 } as const;
/** An IPv6 source is a /64: below it whoever has one address has them all. */
const IPV6_SOURCE_LENGTH = 64;

/** Ids need not be secret, only the same for the same. */
const ID_KEY: HashKey = { first: 0x6f_70_65_72, second: 0x61_74_6f_72 };

/** What an operator may be about: an address or a range. */
export interface Target {
  readonly scope: 'ip' | 'range';
  readonly value: string;
  readonly prefix: Prefix;
}

/** Reads what an operator wrote: an address (IPv6: its /64) or a range. @returns One line that says what is wrong. */
export function targetOf(text: string): Result<Target, string> {
  const address = parseAddress(text);
  if (address !== undefined) {
    const prefix = prefixOf(address, address.family === 4 ? 32 : IPV6_SOURCE_LENGTH);
    return ok({ scope: 'ip', value: address.family === 4 ? address.text : prefix.text, prefix });
  }
  const prefix = parsePrefix(text);
  if (prefix === undefined) return err(`${text.slice(0, 60)} is neither an address nor a range like 192.0.2.0/24`);
  const { family, length } = prefix;
  if (length < LENGTH_MIN[family]) {
    return err(`${prefix.text} is too much of the Internet: the shortest is /${LENGTH_MIN[family]}`);
  }
  const isSource = family === 4 ? length === 32 : length === IPV6_SOURCE_LENGTH;
  if (!isSource) return ok({ scope: 'range', value: prefix.text, prefix });
  return ok({ scope: 'ip', value: family === 4 ? (prefix.text.split('/')[0] ?? prefix.text) : prefix.text, prefix });
}

/** Who acts, and why. */
export interface Act {
  readonly site: string;
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
}

/** An operator's decision about a target. */
export function operatorDecision(
  { scope, value }: Target,
  action: DecisionMade['action'],
  untilMs: number,
  { site, atMs, by, reason }: Act,
): DecisionMade {
  return {
    v: EVENT_VERSION,
    type: 'decision-made',
    at: atMs,
    site,
    id: textOfHash(new KeyedHash(ID_KEY).of(`${site} ${action} ${value} ${atMs}`)),
    scope,
    value,
    roles: [...roles],
    origin: 'operator',
    scenario: action === 'allow' ? 'allow' : 'block',
    action,
    level: 2,
    until: untilMs,
    by,
    reason,
  };
}

/** The end of a decision, by an operator. */
export const revocationOf = (
  { id, scope, value, roles: listeners, origin, scenario }: BlocklistEntry,
  { site, atMs, by, reason }: Act,
): DecisionRevoked => ({
  v: EVENT_VERSION,
  type: 'decision-revoked',
  at: atMs,
  site,
  id,
  scope,
  value,
  roles: [...listeners],
  origin,
  scenario,
  by,
  reason,
});

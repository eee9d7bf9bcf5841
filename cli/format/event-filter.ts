import type { MailEvent } from '../../events/event.ts';
import { type Prefix, PrefixSet, parseAddress, parsePrefix } from '../../lib/ip.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { sidOfReference } from '../../lib/uuid-v7.ts';

/** What is asked for; what is absent does not matter. */
export interface Wanted {
  /** Address or network. */
  readonly ip?: string;
  readonly rule?: string;
  readonly type?: string;
  /** Id of a session, or the reference in a refusal. */
  readonly session?: string;
}

export type EventFilter = (event: MailEvent) => boolean;

/** @returns What an event must be to be shown, or one line that says what is wrong with what is asked for. */
export function eventFilter({ ip, rule, type, session }: Wanted): Result<EventFilter, string> {
  const network = ip === undefined ? undefined : parsePrefix(ip);
  if (ip !== undefined && network === undefined) return err(`--ip ${ip} is neither an address nor a network`);
  const tests: EventFilter[] = [];
  if (network !== undefined) tests.push(isFrom(network));
  if (rule !== undefined) tests.push((event) => rulesOf(event).includes(rule));
  if (type !== undefined) tests.push((event) => event.type === type);
  if (session !== undefined) {
    const sid = sidOfReference(session) ?? session.toLowerCase();
    tests.push((event) => 'sid' in event && event.sid === sid);
  }
  return ok((event) => tests.every((test) => test(event)));
}

function isFrom(network: Prefix): EventFilter {
  const set = new PrefixSet([network]);
  return (event) => {
    const address = 'ip' in event ? parseAddress(event.ip) : undefined;
    return address !== undefined && set.contains(address);
  };
}

/** The rules that an event speaks of, observed ones included. */
function rulesOf(event: MailEvent): readonly (string | undefined)[] {
  const observed = 'observed' in event ? (event.observed ?? []).map(({ rule }) => rule) : [];
  if (event.type === 'command') return [event.verdict.rule, ...observed];
  return 'rule' in event ? [event.rule] : observed;
}

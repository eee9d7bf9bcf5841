import type { BlocklistEntry } from '../../blocklist/entry.ts';
import type { Role } from '../../events/event.ts';
import { type PrefixSet, parseAddress } from '../../lib/ip.ts';
import type { Admission } from '../input.ts';
import type { Load } from '../limits.ts';
import type { SessionSettings } from '../settings.ts';
import type { Verdict } from '../verdict.ts';
import { Judgement } from './judgement.ts';
import { limitsPerSource } from './limits-per-source.ts';
import { limitsRate } from './limits-rate.ts';
import { limitsTotal } from './limits-total.ts';
import { modeOf } from './modes.ts';
import type { OutsideRule } from './rule.ts';
import { blockedBy, type Restraint, restraintBy, sourceBlocked, unrestrained } from './source-blocked.ts';
import { sourceClassOf } from './source-class.ts';

/** Networks by which a source is told; each an immutable snapshot. */
export interface Networks {
  /** May send mail anywhere. */
  readonly trusted: PrefixSet;
  /** No decision touches them. */
  readonly never: PrefixSet;
  /** Large mail providers, whose addresses many people share: their greeting is not held. */
  readonly providers: PrefixSet;
  /** Their bodies get line ends put right. */
  readonly normalised: PrefixSet;
}

/** Who came, by which way; canonical addresses. */
export type Arrival = Pick<Admission, 'ip' | 'port' | 'localAddress' | 'localPort' | 'viaProxyProtocol'>;

/** What is known when a client arrives. */
export interface AdmissionFacts {
  readonly arrival: Arrival;
  readonly role: Role;
  readonly networks: Networks;
  /** From the table of sources, this connection included. */
  readonly load: Load;
  /** What the blocklist says of the source in this role now. */
  readonly blocked: BlocklistEntry | undefined;
  /** The gate or the site is under stress. */
  readonly stressed: boolean;
  /** Mail from the source was accepted before. */
  readonly withHistory: boolean;
  readonly settings: Pick<SessionSettings, 'contact' | 'modes' | 'limits'>;
  /** Of the session that would begin. */
  readonly reference: string;
}

/**
 * The connect stage: who the client is, and whether it may come in. Rules in their order: `source.blocked`, `limits.total`,
 * `limits.per-source`, `limits.rate`; the first enforced one wins, observed ones stand beside it.
 *
 * `refuse` greets with 554, `close` says its reply and closes, or closes without a word where the verdict is `silent`.
 * A never-listed source is exempt from `source.blocked` and from nothing else. A `slow` decision lets it in.
 */
export function admit(facts: AdmissionFacts): Admission {
  const { arrival, networks } = facts;
  const address = parseAddress(arrival.ip);
  const isIn = (set: PrefixSet): boolean => address !== undefined && set.contains(address);
  const standing = {
    trustedNetwork: isIn(networks.trusted),
    neverListed: isIn(networks.never),
    provider: isIn(networks.providers),
    withHistory: facts.withHistory,
  };
  return {
    ...arrival,
    ...standing,
    normaliseLineEndings: isIn(networks.normalised),
    stressed: facts.stressed && sourceClassOf({ ...standing, authenticated: false }) === 'stranger',
    restraint: standing.neverListed ? unrestrained : slowing(facts),
    verdict: judge(facts, standing),
  };
}

type Standing = Pick<Admission, 'trustedNetwork' | 'neverListed' | 'provider' | 'withHistory'>;

function judge(facts: AdmissionFacts, standing: Standing): Verdict {
  const { load } = facts;
  const judgement = new Judgement(facts.settings.modes);
  const sourceClass = sourceClassOf({ ...standing, authenticated: false });
  if (!standing.neverListed) judgeBlocked(facts, judgement);
  const limits: readonly (readonly [OutsideRule, boolean])[] = [
    [limitsTotal, load.total || (load.strangers && sourceClass === 'stranger')],
    [limitsPerSource, load.perSource],
    [limitsRate, load.rate],
  ];
  for (const [rule, isExceeded] of limits) {
    if (!isExceeded || !rule.concerns.includes(sourceClass) || !judgement.asks(rule.id)) continue;
    judgement.objects(rule.id, { action: 'close', reply: rule.reply(facts.settings, facts.reference) });
  }
  return judgement.verdict;
}

function judgeBlocked(facts: AdmissionFacts, judgement: Judgement): void {
  const { blocked } = facts;
  if (blocked === undefined || !judgement.asks(sourceBlocked.id)) return;
  const objection = blockedBy(blocked, facts);
  if (objection === undefined) {
    if (slowing(facts).slowMs === 0) judgement.observes(sourceBlocked.id, 'slow');
  } else if (blocked.observed) judgement.observes(sourceBlocked.id, objection.action);
  else judgement.objects(sourceBlocked.id, isCrowded(facts) ? { ...objection, action: 'close' } : objection);
}

/** Who is refused may stay, and say QUIT, but not where he takes what others need: then he is told the same, and it is over. */
const isCrowded = ({ load: { total, strangers, perSource, rate }, settings }: AdmissionFacts): boolean =>
  (total || strangers || perSource || rate) && modeOf(settings.modes, sourceBlocked.id) === 'enforce';

/** A source that is let in may have to wait at each command. */
const slowing = ({ blocked, settings, reference }: AdmissionFacts): Restraint =>
  blocked?.action === 'slow' && modeOf(settings.modes, sourceBlocked.id) === 'enforce'
    ? restraintBy(blocked, { settings, reference })
    : unrestrained;

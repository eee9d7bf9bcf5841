import { z } from 'zod';
import type { EvidenceByType, EvidenceEvent } from '../../events/evidence.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { networkKey } from '../../lib/ip.ts';
import { Distinct, distinctState } from './distinct.ts';
import { newRate, type RateState, rateState, seeEvent } from './rate-watch.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';
import { ACCOUNT_MS, slowAccount } from './slow-account.ts';

/** Accounts whose habit is known, at most; the one used longest ago goes first. */
export const ACCOUNTS_MAX = 16_384;
/** Forward-paths an hour that any account may have without a habit of it. */
const FORWARD_PATHS_LEAST = 30;
/** Sum of forward-paths beyond the habit that is too much. */
const FORWARD_PATHS_THRESHOLD = 150;
/** Refused forward-paths within a day, and their share, that no person brings about. */
const REFUSED_MIN = 30;
const REFUSED_SHARE = 0.3;
/** Networks within a day that are too many for an account that never came from so many. */
const NETWORKS_MIN = 12;
/** Its first days, and networks within one of them: somebody on the move has no habit yet that he could leave. */
const LEARNING_DAYS = 3;
const NETWORKS_NEW = 96;
/** What an account may have follows what it has: twice what its first days had, then half more; at most twice as many as the day before, and slowly less. */
const NETWORKS_FIRST = 2;
const NETWORKS_MORE = 1.5;
const NETWORKS_GROWTH_MAX = 2;
const NETWORKS_LESS = 0.875;
/** Networks that are counted for one account, at most: who comes from so many in a day is told every day. */
export const NETWORKS_COUNTED_MAX = 256;
const DAY_MS = 86_400_000;

const accountState = z.object({
  rate: rateState,
  networks: distinctState,
  networksMax: z.number(),
  mostNetworks: z.number(),
  learningDays: z.number(),
  accepted: z.number(),
  refused: z.number(),
  sinceMs: z.number(),
  untilMs: z.number(),
});
const kept = z.array(z.tuple([z.string(), accountState]));

interface Account {
  rate: RateState;
  networks: Distinct;
  /** From so many within a day it is too many. */
  networksMax: number;
  /** Of this day; while the account is new, of all its days. */
  mostNetworks: number;
  /** Days until it has a habit. */
  learningDays: number;
  accepted: number;
  refused: number;
  sinceMs: number;
  untilMs: number;
}

/** An account that does what its owner never did: its password has become somebody else's. */
export const accountTakeover: SiteDetector = {
  id: 'account-takeover',
  version: 3,
  description: {
    sees: 'Messages and logins of an account: how many forward-paths an hour, how many of them refused, from how many networks.',
    formula:
      'Any of: a cumulative sum of forward-paths against four times what the account has at this hour (30 an hour at least), threshold 150; 30 refused forward-paths within a day that are 30 % of all; more different networks (/24, /48) within a day than the account is used to: 12, or half more than on the days before (96 on its first three days, twice as many as then after them). The account is slowed down for an hour and a person is told; nobody else is touched.',
    sources: 'Proposals, tuned by the evaluation.',
    evades: 'Spam no faster than the owner writes, from no more networks; or from a third more networks every day.',
    lookalikes:
      'A newsletter from an ordinary account: it is slowed, and told. A traveller: a few networks a day. A telephone that changes its address all day: its days teach how many networks are usual.',
  },
  begin: () => new Accounts(),
};

class Accounts implements SiteState {
  private readonly accounts = new BoundedMap<string, Account>(ACCOUNTS_MAX);

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.type === 'account-used') this.used(evidence, scene);
    else if (evidence.type === 'authentication-seen' && evidence.accepted) this.entered(evidence, scene);
  }

  toJson(): unknown {
    return [...this.accounts.entries()].map(([account, { networks, ...rest }]) => [
      account,
      { ...rest, networks: networks.toJson() },
    ]);
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    for (const [account, { networks, ...rest }] of data ?? []) {
      this.accounts.set(account, { ...rest, networks: new Distinct(networks, NETWORKS_COUNTED_MAX) });
    }
    return data !== undefined;
  }

  private entered({ account, source, at }: EvidenceByType<'authentication-seen'>, scene: SiteScene): void {
    const state = this.of(account, at);
    const networks = state.networks.add(networkKey(source.split('/')[0] ?? source), at);
    state.mostNetworks = Math.max(state.mostNetworks, networks);
    if (networks >= state.networksMax)
      this.decide(account, at, scene, { networks }, `it came from ${networks} networks`);
  }

  private used(evidence: EvidenceByType<'account-used'>, scene: SiteScene): void {
    const { account, acceptedCount, refusedCount, at } = evidence;
    const state = this.of(account, at);
    state.accepted += acceptedCount;
    state.refused += refusedCount;
    let isTooFast = false;
    for (let count = 0; count < Math.min(acceptedCount + refusedCount, 1000); count += 1) {
      isTooFast = seeEvent(state.rate, forwardPaths, at) || isTooFast;
    }
    const { accepted, refused } = state;
    const isWrongTooOften = refused >= REFUSED_MIN && refused >= REFUSED_SHARE * (accepted + refused);
    if (isTooFast) this.decide(account, at, scene, { accepted, refused }, 'it sends far more than it used to');
    else if (isWrongTooOften)
      this.decide(account, at, scene, { accepted, refused }, 'many of its forward-paths are refused');
  }

  private decide(
    account: string,
    at: number,
    scene: SiteScene,
    facts: Readonly<Record<string, number>>,
    why: string,
  ): void {
    const state = this.of(account, at);
    if (at < state.untilMs) return;
    state.untilMs = at + ACCOUNT_MS;
    const reason = `an account leaves its habit: ${why}`;
    scene.alert({ kind: 'takeover', subject: account, text: reason });
    scene.decide(slowAccount(account, facts, reason));
  }

  private of(account: string, atMs: number): Account {
    const state = this.accounts.get(account) ?? {
      rate: newRate(atMs),
      networks: new Distinct([], NETWORKS_COUNTED_MAX),
      networksMax: NETWORKS_NEW,
      mostNetworks: 0,
      learningDays: LEARNING_DAYS,
      accepted: 0,
      refused: 0,
      sinceMs: atMs,
      untilMs: 0,
    };
    if (atMs - state.sinceMs >= DAY_MS) {
      state.accepted = 0;
      state.refused = 0;
      endDay(state);
      state.sinceMs = atMs;
    }
    this.accounts.set(account, state);
    return state;
  }
}

/** A day is over; the last of the first ones makes the habit. */
function endDay(state: Account): void {
  const { networksMax, mostNetworks, learningDays } = state;
  state.learningDays = Math.max(0, learningDays - 1);
  if (state.learningDays > 0) return;
  const isFirst = learningDays > 0;
  const factor = isFirst ? NETWORKS_FIRST : NETWORKS_MORE;
  const wanted = Math.min(NETWORKS_COUNTED_MAX, Math.max(NETWORKS_MIN, Math.ceil(mostNetworks * factor)));
  const least = isFirst ? NETWORKS_MIN : Math.floor(networksMax * NETWORKS_LESS);
  state.networksMax = Math.max(least, Math.min(wanted, networksMax * NETWORKS_GROWTH_MAX));
  state.mostNetworks = 0;
}

const forwardPaths = { leastPerHour: FORWARD_PATHS_LEAST, slack: 2.164, threshold: FORWARD_PATHS_THRESHOLD };

import { z } from 'zod';
import type { EvidenceByType, EvidenceEvent } from '../../events/evidence.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { networkKey } from '../../lib/ip.ts';
import { SLOW } from '../ladder.ts';
import { rolesOf } from '../scene.ts';
import { Distinct, distinctState } from './distinct.ts';
import { newRate, type RateShape, rateState, seeEvent } from './rate-watch.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';
import { ACCOUNT_MS, slowAccount } from './slow-account.ts';

/** Accounts and passwords whose failures are counted, at most. */
export const TARGETS_MAX = 4096;
/** Networks that fail for one account within a day, and accounts that one password fails for. */
const NETWORKS_MIN = 5;
const ACCOUNTS_MIN = 5;
/** Accounts that somebody has got in as, at most; the one used longest ago goes first. */
export const USED_ACCOUNTS_MAX = 16_384;
/** How long an account counts as used, milliseconds: 30 days. */
const USED_MS = 2_592_000_000;
/**
 * How long what is decided about the site lasts, milliseconds: longer than the pauses of a campaign of one attempt an hour (three hours without any are 4 % of them). It
 * is said anew every half hour while the campaign goes on.
 */
const SITE_MS = 14_400_000;
const SITE_AGAIN_MS = 1_800_000;

/** Failures of strangers to an account: one every five hours is nothing, four times what is usual is a campaign. */
const rate: RateShape = { leastPerHour: 0.2, slack: 2.164, threshold: 5 };
/**
 * What an attempt adds. People fail for accounts that they use, guessers for names that they think of: one and a half for an
 * account that nobody has got in as.
 */
const USED_WEIGHT = 1;
const UNUSED_WEIGHT = 1.5;

const kept = z.object({
  accounts: z.array(z.tuple([z.string(), distinctState])),
  passwords: z.array(z.tuple([z.string(), distinctState])),
  used: z.array(z.tuple([z.string(), z.number()])),
  untilMs: z.array(z.tuple([z.string(), z.number()])),
  rate: rateState.optional(),
});

/** Password guessing from many sources, each of which does too little to be told by itself. */
export const authCampaign: SiteDetector = {
  id: 'auth-guessing',
  version: 3,
  description: {
    sees: 'Refused attempts of networks (/24, /48) that never authenticated as that account, once a day for a network and an account; and which accounts are used.',
    formula:
      'An account: 5 different networks within 24 h. A password (its 16 bits): 5 different accounts within 24 h. The site: a cumulative sum of such attempts against what is usual at this hour (0.2 an hour at least), threshold 5; an attempt counts one and a half for an account that nobody authenticated as within 30 days, and nothing any more once the network gets in as that account within a day. An account is slowed down for an hour from networks that are not its own; the site goes into the stress state for those who never authenticated, for four hours, longer while it goes on.',
    sources:
      'A published sample: 139 failures from 139 addresses in 125 hours on 13 accounts; rules that count by address banned none. An honest rate of one attempt in ten hours reaches the threshold once in many years, one in five hours once in seven months (simulated). Chance of a false password of 16 bits: below one a million and day at a thousand failing users.',
    evades: 'Fewer attempts than people make mistakes.',
    lookalikes:
      'People who mistype, on the way and at home: networks where they have got in are theirs, and who gets in after it had mistyped. A telephone that asks every two minutes with an old password: one attempt a day.',
  },
  begin: () => new Campaigns(),
};

class Campaigns implements SiteState {
  private readonly accounts = new BoundedMap<string, Distinct>(TARGETS_MAX);
  private readonly passwords = new BoundedMap<string, Distinct>(TARGETS_MAX);
  /** When somebody last got in as an account. */
  private readonly used = new BoundedMap<string, number>(USED_ACCOUNTS_MAX);
  /** Ends of what was decided, by subject. */
  private readonly untilMs = new BoundedMap<string, number>(TARGETS_MAX);
  private rate: z.infer<typeof rateState> | undefined;

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.type !== 'authentication-seen') return;
    const { account, at } = evidence;
    if (evidence.accepted) this.entered(evidence);
    else if (!evidence.familiar && evidence.standing === 'stranger') {
      const isNew = this.account(evidence, scene);
      this.password(evidence, scene);
      if (!isNew) return;
      this.rate ??= newRate(at);
      if (seeEvent(this.rate, rate, at, this.weightOf(account, at))) this.site(at, scene, Math.round(this.rate.score));
    }
  }

  /** Who gets in where he failed a while ago had mistyped: no attempt of a guesser. */
  private entered({ account, source, at }: EvidenceByType<'authentication-seen'>): void {
    const isForgiven = this.accounts.get(account)?.forget(networkKey(source.split('/')[0] ?? source), at) === true;
    if (isForgiven && this.rate !== undefined) {
      const weight = this.weightOf(account, at);
      this.rate.score = Math.max(0, this.rate.score - weight);
      this.rate.count = Math.max(0, this.rate.count - weight);
    }
    this.used.set(account, Math.max(at, this.used.get(account) ?? 0));
  }

  private weightOf(account: string, at: number): number {
    return at - (this.used.get(account) ?? Number.NEGATIVE_INFINITY) < USED_MS ? USED_WEIGHT : UNUSED_WEIGHT;
  }

  toJson(): unknown {
    const plain = (map: BoundedMap<string, Distinct>): unknown =>
      [...map.entries()].map(([key, distinct]) => [key, distinct.toJson()]);
    return {
      accounts: plain(this.accounts),
      passwords: plain(this.passwords),
      used: [...this.used.entries()],
      untilMs: [...this.untilMs.entries()],
      ...(this.rate === undefined ? {} : { rate: this.rate }),
    };
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    if (data === undefined) return false;
    for (const [key, entries] of data.accounts) this.accounts.set(key, new Distinct(entries));
    for (const [key, entries] of data.passwords) this.passwords.set(key, new Distinct(entries));
    for (const [account, lastMs] of data.used) this.used.set(account, lastMs);
    for (const [key, untilMs] of data.untilMs) this.untilMs.set(key, untilMs);
    this.rate = data.rate;
    return true;
  }

  /** @returns Whether the network had not failed for this account within a day. */
  private account({ account, source, at }: EvidenceByType<'authentication-seen'>, scene: SiteScene): boolean {
    const failing = distinctOf(this.accounts, account);
    const network = networkKey(source.split('/')[0] ?? source);
    const isNew = !failing.has(network, at);
    const networks = failing.add(network, at);
    if (networks >= NETWORKS_MIN && this.isFree(account, at, ACCOUNT_MS)) decideAccount(account, networks, scene);
    return isNew;
  }

  private password(evidence: EvidenceByType<'authentication-seen'>, scene: SiteScene): void {
    const { credentialFingerprint, account, at } = evidence;
    if (credentialFingerprint === undefined) return;
    const accounts = distinctOf(this.passwords, String(credentialFingerprint)).add(account, at);
    if (accounts < ACCOUNTS_MIN) return;
    this.site(at, scene, accounts);
  }

  private site(at: number, scene: SiteScene, attempts: number): void {
    if (!this.isFree('', at, SITE_AGAIN_MS)) return;
    const text = 'passwords are guessed from many sources';
    scene.alert({ kind: 'campaign', subject: 'passwords', text });
    scene.decide({
      scope: 'site',
      value: scene.site,
      roles: [...rolesOf('submission')],
      action: 'stress',
      level: SLOW,
      lastsMs: SITE_MS,
      facts: { attempts },
      reason: text,
    });
  }

  /** Nothing is in force about a subject; from now on something is. */
  private isFree(subject: string, atMs: number, forMs: number): boolean {
    if (atMs < (this.untilMs.get(subject) ?? 0)) return false;
    this.untilMs.set(subject, atMs + forMs);
    return true;
  }
}

function distinctOf(map: BoundedMap<string, Distinct>, key: string): Distinct {
  const distinct = map.get(key) ?? new Distinct();
  map.set(key, distinct);
  return distinct;
}

function decideAccount(account: string, networks: number, scene: SiteScene): void {
  const text = `passwords of one account are guessed from ${networks} networks`;
  scene.alert({ kind: 'campaign', subject: `account ${account}`, text });
  scene.decide(slowAccount(account, { networks }, text));
}

import { z } from 'zod';
import type { EvidenceByType, EvidenceEvent } from '../../events/evidence.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { networkKey } from '../../lib/ip.ts';
import { SLOW } from '../ladder.ts';
import { rolesOf } from '../scene.ts';
import { Distinct, distinctState } from './distinct.ts';
import { newRate, type RateShape, rateState, seeEvent } from './rate-watch.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';

/** Accounts and passwords whose failures are counted, at most. */
export const TARGETS_MAX = 4096;
/** Networks that fail for one account within a day, and accounts that one password fails for. */
const NETWORKS_MIN = 5;
const ACCOUNTS_MIN = 5;
/** How long what is decided about an account or the site lasts, milliseconds. */
const ACCOUNT_MS = 3_600_000;
const SITE_MS = 3_600_000;

/** Failures of strangers to an account: one every five hours is nothing, four times what is usual is a campaign. */
const rate: RateShape = { leastPerHour: 0.2, slack: 2.164, threshold: 5 };

const kept = z.object({
  accounts: z.array(z.tuple([z.string(), distinctState])),
  passwords: z.array(z.tuple([z.string(), distinctState])),
  untilMs: z.array(z.tuple([z.string(), z.number()])),
  rate: rateState.optional(),
});

/** Password guessing from many sources, each of which does too little to be told by itself. */
export const authCampaign: SiteDetector = {
  id: 'auth-guessing',
  version: 1,
  description: {
    sees: 'Refused attempts of networks (/24, /48) that never authenticated as that account.',
    formula:
      'An account: 5 different networks within 24 h. A password (its 16 bits): 5 different accounts within 24 h. The site: a cumulative sum of such attempts against what is usual at this hour (0.2 an hour at least), threshold 5. An account is slowed down for an hour from networks that are not its own; the site goes into the stress state for those who never authenticated.',
    sources:
      'A published sample: 139 failures from 139 addresses in 125 hours on 13 accounts; rules that count by address banned none. Chance of a false password of 16 bits: below one a million and day at a thousand failing users.',
    evades: 'Fewer attempts than people make mistakes.',
    lookalikes: 'People who mistype, on the way and at home: networks where they have got in are theirs.',
  },
  begin: () => new Campaigns(),
};

class Campaigns implements SiteState {
  private readonly accounts = new BoundedMap<string, Distinct>(TARGETS_MAX);
  private readonly passwords = new BoundedMap<string, Distinct>(TARGETS_MAX);
  /** Ends of what was decided, by subject. */
  private readonly untilMs = new BoundedMap<string, number>(TARGETS_MAX);
  private rate: z.infer<typeof rateState> | undefined;

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.type !== 'authentication-seen' || evidence.accepted || evidence.familiar) return;
    if (evidence.standing !== 'stranger') return;
    this.account(evidence, scene);
    this.password(evidence, scene);
    this.rate ??= newRate(evidence.at);
    if (seeEvent(this.rate, rate, evidence.at)) this.site(evidence.at, scene, Math.round(this.rate.score));
  }

  toJson(): unknown {
    const plain = (map: BoundedMap<string, Distinct>): unknown =>
      [...map.entries()].map(([key, distinct]) => [key, distinct.toJson()]);
    return {
      accounts: plain(this.accounts),
      passwords: plain(this.passwords),
      untilMs: [...this.untilMs.entries()],
      ...(this.rate === undefined ? {} : { rate: this.rate }),
    };
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    if (data === undefined) return false;
    for (const [key, entries] of data.accounts) this.accounts.set(key, new Distinct(entries));
    for (const [key, entries] of data.passwords) this.passwords.set(key, new Distinct(entries));
    for (const [key, untilMs] of data.untilMs) this.untilMs.set(key, untilMs);
    this.rate = data.rate;
    return true;
  }

  private account({ account, source, at }: EvidenceByType<'authentication-seen'>, scene: SiteScene): void {
    const networks = distinctOf(this.accounts, account).add(networkKey(source.split('/')[0] ?? source), at);
    if (networks < NETWORKS_MIN || !this.isFree(account, at, ACCOUNT_MS)) return;
    const text = `passwords of one account are guessed from ${networks} networks`;
    scene.alert({ kind: 'campaign', subject: `account ${account}`, text });
    scene.decide({
      scope: 'account',
      value: account,
      roles: [...rolesOf('submission')],
      action: 'slow',
      level: SLOW,
      lastsMs: ACCOUNT_MS,
      facts: { networks },
      reason: text,
    });
  }

  private password(evidence: EvidenceByType<'authentication-seen'>, scene: SiteScene): void {
    const { credentialFingerprint, account, at } = evidence;
    if (credentialFingerprint === undefined) return;
    const accounts = distinctOf(this.passwords, String(credentialFingerprint)).add(account, at);
    if (accounts < ACCOUNTS_MIN) return;
    this.site(at, scene, accounts);
  }

  private site(at: number, scene: SiteScene, attempts: number): void {
    if (!this.isFree('', at, SITE_MS / 2)) return;
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

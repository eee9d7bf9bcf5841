import { BoundedMap } from '../lib/bounded-map.ts';
import { networkKey } from '../lib/ip.ts';

/** How long a network where somebody authenticated is one of his, milliseconds: 30 days. */
export const AT_HOME_MS = 30 * 86_400_000;
/** How long a network that failed for a guarded account is kept from trying again, milliseconds: ten minutes. */
export const FAILED_MS = 600_000;
/** Pairs of network and account remembered, of each kind, at most; those of longest ago go first. */
export const PAIRS_MAX = 50_000;

/** What an attempt to authenticate as a guarded account must do. */
export type GuardedAttempt = 'pass' | 'slow' | 'defer';

/**
 * From which networks (/24, /48) people authenticated, and from which they failed to a moment ago. Bounded; failures push out
 * nothing but failures. Times in milliseconds since 1970-01-01 UTC.
 */
export class AttemptMemory {
  private readonly homes: BoundedMap<string, number>;
  private readonly failures: BoundedMap<string, number>;

  constructor(pairsMax = PAIRS_MAX) {
    this.homes = new BoundedMap(pairsMax);
    this.failures = new BoundedMap(pairsMax);
  }

  /** @param ip - Canonical address. @param account - As in `auth-attempt`. */
  note(account: string, ip: string, isAccepted: boolean, wallMs: number): void {
    const pair = pairOf(account, ip);
    if (isAccepted) {
      this.homes.set(pair, wallMs);
      this.failures.delete(pair);
    } else this.failures.set(pair, wallMs);
  }

  /** What a further attempt must do while the account is guarded. */
  judge(account: string, ip: string, wallMs: number): GuardedAttempt {
    const pair = pairOf(account, ip);
    if (isWithin(this.homes.get(pair), AT_HOME_MS, wallMs)) return 'pass';
    return isWithin(this.failures.get(pair), FAILED_MS, wallMs) ? 'defer' : 'slow';
  }
}

const pairOf = (account: string, ip: string): string => `${networkKey(ip)} ${account}`;

/** A clock that was set back makes nothing last longer. */
const isWithin = (atMs: number | undefined, lastsMs: number, nowMs: number): boolean =>
  atMs !== undefined && nowMs - atMs >= 0 && nowMs - atMs < lastsMs;

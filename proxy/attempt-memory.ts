import { BoundedMap } from '../lib/bounded-map.ts';
import { networkKey } from '../lib/ip.ts';

/** How long a network where somebody authenticated is one of his, milliseconds: 30 days. */
export const AT_HOME_MS = 30 * 86_400_000;
/** How long a network that failed for a guarded account is kept from trying again, milliseconds: ten minutes. */
export const FAILED_MS = 600_000;
/** An account that got in from so many networks that were new to it, within so many milliseconds (a week), is of somebody on the move. */
export const ROAMING_NETWORKS_MIN = 5;
export const ROAMING_MS = 7 * 86_400_000;
/** While such an attempt may still be under way, milliseconds, the next one of its network waits: many at once are to be one. */
export const UNDER_WAY_MS = 3000;
/** Pairs of network and account remembered, of each kind, at most; those of longest ago go first. */
export const PAIRS_MAX = 50_000;

/** What an attempt to authenticate as a guarded account must do. */
export type GuardedAttempt = 'pass' | 'slow' | 'defer';

/**
 * From which networks (/24, /48) people authenticated, and from which they failed to a moment ago; and who is on the move. Bounded;
 * failures push out nothing but failures. Times in milliseconds since 1970-01-01 UTC.
 */
export class AttemptMemory {
  private readonly homes: BoundedMap<string, number>;
  private readonly failures: BoundedMap<string, number>;
  /** When an account last got in from networks that were new to it: {@link ROAMING_NETWORKS_MIN} times at most, the oldest first. */
  private readonly moves: BoundedMap<string, readonly number[]>;
  /** When an account on the move was last let through from a new network. */
  private readonly begun: BoundedMap<string, number>;

  constructor(pairsMax = PAIRS_MAX) {
    this.homes = new BoundedMap(pairsMax);
    this.failures = new BoundedMap(pairsMax);
    this.moves = new BoundedMap(pairsMax);
    this.begun = new BoundedMap(pairsMax);
  }

  /** @param ip - Canonical address. @param account - As in `auth-attempt`. */
  note(account: string, ip: string, isAccepted: boolean, wallMs: number): void {
    const pair = pairOf(account, ip);
    if (isAccepted) {
      if (!isWithin(this.homes.get(pair), AT_HOME_MS, wallMs))
        this.moves.set(account, [...(this.moves.get(account) ?? []), wallMs].slice(-ROAMING_NETWORKS_MIN));
      this.homes.set(pair, wallMs);
      this.failures.delete(pair);
    } else this.failures.set(pair, wallMs);
  }

  /** What a further attempt must do while the account is guarded. One that passes from a new network counts as under way. */
  judge(account: string, ip: string, wallMs: number): GuardedAttempt {
    const pair = pairOf(account, ip);
    if (isWithin(this.homes.get(pair), AT_HOME_MS, wallMs)) return 'pass';
    if (isWithin(this.failures.get(pair), FAILED_MS, wallMs)) return 'defer';
    if (!this.isRoaming(account, wallMs) || isWithin(this.begun.get(pair), UNDER_WAY_MS, wallMs)) return 'slow';
    this.begun.set(pair, wallMs);
    return 'pass';
  }

  private isRoaming(account: string, wallMs: number): boolean {
    const moves = this.moves.get(account) ?? [];
    return moves.length === ROAMING_NETWORKS_MIN && isWithin(moves[0], ROAMING_MS, wallMs);
  }
}

const pairOf = (account: string, ip: string): string => `${networkKey(ip)} ${account}`;

/** A clock that was set back makes nothing last longer. */
const isWithin = (atMs: number | undefined, lastsMs: number, nowMs: number): boolean =>
  atMs !== undefined && nowMs - atMs >= 0 && nowMs - atMs < lastsMs;

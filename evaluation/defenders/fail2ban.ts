import { recipientAnswer } from '../../analyzers/recipient-answer.ts';
import type { AnomalyKind, MailEvent } from '../../events/event.ts';
import type { Defender, Verdict } from './defender.ts';

/** The jails of Debian's `jail.conf` that read the log of Postfix: filter `postfix` in mode `more`, and in mode `auth`. */
export type JailName = 'postfix' | 'postfix-sasl';

/** Settings of a jail; names as in `jail.conf`, seconds. */
export interface JailSettings {
  readonly maxretry: number;
  readonly findtimeS: number;
  readonly bantimeS: number;
  /** `bantime.increment`: a ban lasts twice as long as the one before of the same source. */
  readonly increments: boolean;
}

/** A decision to ban a source; it is made again for one that is banned and goes on. */
export interface Ban {
  readonly jail: JailName;
  readonly ip: string;
  /** Of the failure that was one too many; seconds since 1970-01-01 UTC. */
  readonly atS: number;
}

/** `jail.conf` of fail2ban 1.0.2 in Debian 12. */
const defaults: JailSettings = { maxretry: 5, findtimeS: 600, bantimeS: 600, increments: false };
/** The same jails, and stricter settings. */
const strict: JailSettings = { maxretry: 3, findtimeS: 3600, bantimeS: 3600, increments: true };

/** Most doublings of a ban (`bantime.formula`). */
const DOUBLINGS_MAX = 20;

/** What makes Postfix complain of improper command pipelining, which its filter counts. */
const pipelining: ReadonlySet<AnomalyKind> = new Set(['http-on-smtp', 'tls-on-plaintext', 'sync-violation']);

/** Whose filter has an expression for the line that Postfix writes about an event. */
function jailOf(event: MailEvent): JailName | undefined {
  if (event.type === 'auth-attempt') return event.outcome === 'refused' ? 'postfix-sasl' : undefined;
  if (event.type === 'anomaly') return pipelining.has(event.kind) ? 'postfix' : undefined;
  if (event.type === 'session-closed') return event.rule === 'errors.limit' ? 'postfix' : undefined;
  if (event.type !== 'command' || event.verb !== 'RCPT') return undefined;
  return event.verdict.rule?.startsWith('relay.') || recipientAnswer(event) === 'unknown' ? 'postfix' : undefined;
}

/** Python's `round()`: halves to the even neighbour. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

interface Failures {
  firstS: number;
  lastS: number;
  retry: number;
}

/**
 * One jail. It counts as `FailManager` does: not the failures of the last `findtime`, but an estimate of them. Failures add up as long as
 * no two are further apart than `findtime`; once the first is older than that, what is counted is scaled down to `findtime` by the rate so
 * far. So four failures in ten minutes, kept up, do come to five.
 */
class Jail {
  readonly #name: JailName;
  readonly #settings: JailSettings;
  readonly #failures = new Map<string, Failures>();
  readonly #bans = new Map<string, { count: number; untilMs: number }>();

  constructor(name: JailName, settings: JailSettings) {
    this.#name = name;
    this.#settings = settings;
  }

  /** A failure; its time is that of the line, which is read in whole seconds. */
  fail(ip: string, atMs: number): Ban | undefined {
    const atS = Math.floor(atMs / 1000);
    const failures = this.#add(ip, atS);
    if (failures.retry < this.#settings.maxretry) return undefined;
    this.#failures.delete(ip);
    const { bantimeS, increments } = this.#settings;
    const count = this.#bans.get(ip)?.count ?? 0;
    const factor = increments ? 2 ** Math.min(count, DOUBLINGS_MAX) : 1;
    this.#bans.set(ip, { count: count + 1, untilMs: (failures.lastS + bantimeS * factor) * 1000 });
    return { jail: this.#name, ip, atS: failures.lastS };
  }

  /** `FailManager.addFailure` and `Ticket.adjustTime`; sources whose last failure is `findtime` old have been cleaned out before. */
  #add(ip: string, atS: number): Failures {
    const { findtimeS } = this.#settings;
    const known = this.#failures.get(ip);
    if (known === undefined || atS - known.lastS >= findtimeS) {
      const begun = { firstS: atS, lastS: atS, retry: 1 };
      this.#failures.set(ip, begun);
      return begun;
    }
    if (atS > known.lastS) {
      if (known.firstS < atS - findtimeS) {
        known.retry = roundHalfEven((known.retry / (atS - known.firstS)) * findtimeS);
        known.firstS = atS - findtimeS;
      }
      known.lastS = atS;
    }
    known.retry += 1;
    return known;
  }

  isBanned(ip: string, atMs: number): boolean {
    return atMs < (this.#bans.get(ip)?.untilMs ?? 0);
  }
}

/**
 * fail2ban with its jails for Postfix; test/integration/fail2ban.test.ts holds it against the real one. A source is one address, of IPv6
 * too. A ban of either jail closes all ports of mail. Bans begin at once; the real one takes up to a second or two.
 */
function fail2ban(name: string, settings: JailSettings, onBan: (ban: Ban) => void = () => undefined): Defender {
  const jails = new Map(
    (['postfix', 'postfix-sasl'] as const).map((each) => [each, new Jail(each, settings)] as const),
  );
  return {
    name,
    alarms: new Map(),
    see(event) {
      const jail = jailOf(event);
      if (jail === undefined || !('ip' in event)) return;
      const ban = jails.get(jail)?.fail(event.ip, event.at);
      if (ban !== undefined) onBan(ban);
    },
    verdict: (ip, _role, atMs): Verdict =>
      [...jails.values()].some((jail) => jail.isBanned(ip, atMs)) ? 'refuse' : 'pass',
  };
}

/** As Debian's package has it, once its mail jails are enabled. */
export const fail2banDefault = (onBan?: (ban: Ban) => void): Defender => fail2ban('fail2ban', defaults, onBan);
/** Three failures in an hour, and bans that double. */
export const fail2banAggressive = (): Defender => fail2ban('fail2ban aggressive', strict);

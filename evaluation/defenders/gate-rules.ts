import type { Lookup } from '../../blocklist/blocklist.ts';
import type { EventByType, MailEvent } from '../../events/event.ts';
import { AttemptMemory } from '../../proxy/attempt-memory.ts';
import { authGuarded } from '../../proxy/policy/auth-guarded.ts';
import { bounceUnverified } from '../../proxy/policy/bounce-unverified.ts';
import { type Met, passed } from './defender.ts';

type Judging = Pick<Lookup, 'guardsAccount' | 'slowsAccount' | 'bounceScrutiny'>;

/**
 * What a gate does to single commands by the decisions in force: AUTH for a guarded account waits or gets 454, an
 * account that left its habit is slowed down, and a bounce to
 * an address that sent no mail gets 451. Every address that exists counts as one that sent mail.
 */
export class GateRules {
  private readonly blocklist: Judging;
  private readonly attempts = new AttemptMemory();
  /** Sessions in a transaction with a null reverse-path, and those whose AUTH was just deferred. */
  private readonly bouncing = new Set<string>();
  private readonly deferred = new Set<string>();

  constructor(blocklist: Judging) {
    this.blocklist = blocklist;
  }

  meet(event: MailEvent): Met {
    if (event.type === 'auth-attempt') return this.attempt(event);
    if (event.type === 'command') return this.command(event);
    if (event.type === 'session-closed') {
      this.bouncing.delete(event.sid);
      this.deferred.delete(event.sid);
    }
    return passed(event);
  }

  private attempt(event: EventByType<'auth-attempt'>): Met {
    const { account, ip, role, at, outcome, sid } = event;
    if (account === undefined) return passed(event);
    const isGuarded = this.blocklist.guardsAccount(account, role, at) === 'enforce';
    const action = isGuarded ? this.attempts.judge(account, ip, at) : 'pass';
    if (action !== 'defer') {
      this.attempts.note(account, ip, outcome === 'accepted', at);
      return { event, how: action === 'slow' || this.isSlowed(event, account) ? 'held' : 'passed' };
    }
    this.deferred.add(sid);
    const { code: _code, ...rest } = event;
    return { event: { ...rest, outcome: 'deferred' }, how: 'deferred' };
  }

  /** Whoever knows the password of an account that others guess is not one of them. */
  private isSlowed({ role, at, outcome }: EventByType<'auth-attempt'>, account: string): boolean {
    const scenario = this.blocklist.slowsAccount(account, role, at);
    return scenario !== undefined && !(outcome === 'accepted' && scenario === 'auth-guessing');
  }

  private command(event: EventByType<'command'>): Met {
    const { verb, sid, forwardPath, at } = event;
    if (verb === 'AUTH' && this.deferred.delete(sid)) return answered(event, authGuarded.id, 454);
    if (verb === 'MAIL') this.bouncing[event.reversePath === '' ? 'add' : 'delete'](sid);
    if (verb !== 'RCPT' || forwardPath === undefined || !this.bouncing.has(sid)) return passed(event);
    const domain = forwardPath.slice(forwardPath.lastIndexOf('@') + 1);
    const isUnverified = (event.reply?.code ?? 0) >= 500 && this.blocklist.bounceScrutiny(domain, at) === 'enforce';
    return isUnverified ? answered(event, bounceUnverified.id, 451) : passed(event);
  }
}

/** The gate answers in place of the server behind. */
const answered = (event: EventByType<'command'>, rule: string, code: number): Met => ({
  event: {
    ...event,
    verdict: { action: 'defer', rule },
    reply: { code, enhanced: '4.7.0', text: 'try again later', from: 'gate' },
  },
  how: 'deferred',
});

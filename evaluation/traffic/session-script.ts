import { type AnomalyKind, EVENT_VERSION, type EventByType, type MailEvent, type Role } from '../../events/event.ts';
import { uuidV7 } from '../../lib/uuid-v7.ts';
import type { Random } from './random.ts';

/** Who opens a session, and when. */
export interface Caller {
  readonly ip: string;
  readonly atMs: number;
  readonly role?: Role;
  readonly heloName?: string;
  readonly sourceClass?: string;
}

/** What the server behind (or the gate) answers to a forward-path. */
export type RecipientReply = 'known' | 'unknown' | 'near-miss' | 'foreign' | 'routing' | 'deferred';

type SessionEvent = Extract<MailEvent, { sid: string }>;
type Body<E> = E extends SessionEvent
  ? Omit<E, 'v' | 'at' | 'site' | 'gate' | 'listener' | 'role' | 'ip' | 'sid' | 'seq'>
  : never;
type Command = Body<EventByType<'command'>>;

const ok = { code: 250, enhanced: '2.0.0', text: 'OK', from: 'upstream' } as const;
const accepted = { action: 'accept' } as const;

/** The events of one session, as the gate writes them. Time passes with every step. */
export class SessionScript {
  readonly events: MailEvent[] = [];
  atMs: number;
  private readonly caller: Caller;
  private readonly sid: string;
  private readonly openedMs: number;
  private readonly stepMs: number;
  private seq = 0;
  private commandCount = 0;
  private errorCount = 0;
  private transactionCount = 0;
  private reversePath: string | undefined;
  private acceptedCount = 0;
  private refusedCount = 0;
  private domains: string[] = [];
  private outcome: EventByType<'session-closed'>['outcome'] = 'none';

  /** @param stepMs - Between two commands, milliseconds. */
  constructor(caller: Caller, random: Random, stepMs = 40) {
    this.caller = caller;
    this.atMs = Math.floor(caller.atMs);
    this.openedMs = this.atMs;
    this.stepMs = stepMs;
    this.sid = uuidV7(this.atMs, random.octets(10));
    this.push({
      type: 'session-opened',
      port: 1024 + random.below(60_000),
      viaProxyProtocol: false,
      tls: caller.role === 'submissions',
      sourceClass: caller.sourceClass ?? 'stranger',
    });
  }

  hello(): this {
    return this.command({ verb: 'EHLO', heloName: this.caller.heloName ?? 'mail.example.net' });
  }

  mail(reversePath: string): this {
    this.reversePath = reversePath;
    this.transactionCount += 1;
    this.acceptedCount = 0;
    this.refusedCount = 0;
    this.domains = [];
    return this.command({ verb: 'MAIL', reversePath });
  }

  recipient(forwardPath: string, reply: RecipientReply): this {
    if (reply === 'known') {
      this.acceptedCount += 1;
      this.domains.push(forwardPath.slice(forwardPath.lastIndexOf('@') + 1));
    } else this.refusedCount += 1;
    return this.command({ verb: 'RCPT', forwardPath, ...recipientReplies[reply] });
  }

  /** DATA and its end; the mail transaction is over. */
  data(octets = 5000, outcome: 'accepted' | 'rejected' = 'accepted'): this {
    const reply =
      outcome === 'accepted' ? ok : ({ code: 554, enhanced: '5.7.1', text: 'Spam', from: 'upstream' } as const);
    this.command({ verb: 'DATA', octets, reply });
    return this.endTransaction(outcome, octets, reply);
  }

  /** Commands that move nothing: NOOP, RSET, VRFY. */
  idle(verb: string, reply: EventByType<'command'>['reply'] = ok): this {
    if (verb === 'RSET' && this.reversePath !== undefined) this.endTransaction('aborted-by-client', 0, undefined);
    return this.command({ verb, reply });
  }

  /** @param credentialFingerprint - Of the password; undefined where the mechanism (CRAM-MD5) does not show it. */
  authenticate(account: string, credentialFingerprint: number | undefined, outcome: 'accepted' | 'refused'): this {
    const isIn = outcome === 'accepted';
    const code = isIn ? 235 : 535;
    const mechanism = credentialFingerprint === undefined ? 'CRAM-MD5' : 'PLAIN';
    const fingerprint = credentialFingerprint === undefined ? {} : { credentialFingerprint };
    this.push({ type: 'auth-attempt', mechanism, account, ...fingerprint, outcome, code });
    const enhanced = isIn ? '2.7.0' : '5.7.8';
    return this.command({
      verb: 'AUTH',
      mechanism,
      reply: { code, enhanced, text: isIn ? 'Welcome' : 'Authentication failed', from: 'upstream' },
    });
  }

  anomaly(kind: AnomalyKind): this {
    this.push({ type: 'anomaly', kind, severity: 'warning' });
    return this;
  }

  /** It lives, and has done so little for so long. */
  progress(phase: string, octets: number, phaseMs: number, slotsUsed: number): this {
    this.push({ type: 'session-progress', phase, octets, phaseMs, slotsUsed });
    return this;
  }

  wait(ms: number): this {
    this.atMs += Math.floor(ms);
    return this;
  }

  quit(): readonly MailEvent[] {
    this.command({ verb: 'QUIT', reply: { code: 221, enhanced: '2.0.0', text: 'Bye', from: 'upstream' } });
    return this.close({ closedBy: 'client' });
  }

  close(end: { readonly closedBy: 'client' | 'gate'; readonly rule?: string }): readonly MailEvent[] {
    if (this.reversePath !== undefined)
      this.endTransaction(this.acceptedCount > 0 ? 'aborted-by-client' : 'rejected', 0, undefined);
    this.push({
      type: 'session-closed',
      outcome: this.outcome,
      ...end,
      octetsIn: 400,
      octetsOut: 600,
      commandCount: this.commandCount,
      errorCount: this.errorCount,
      durationUs: Math.max(0, this.atMs - this.openedMs) * 1000,
    });
    return this.events;
  }

  private endTransaction(
    outcome: EventByType<'mail'>['outcome'],
    octets: number,
    reply: EventByType<'mail'>['reply'],
  ): this {
    const { reversePath = '' } = this;
    this.reversePath = undefined;
    this.outcome = outcome === 'accepted' ? 'delivered' : outcome;
    this.push({
      type: 'mail',
      transaction: this.transactionCount,
      reversePath,
      nullReversePath: reversePath === '',
      acceptedCount: this.acceptedCount,
      refusedCount: this.refusedCount,
      domains: [...new Set(this.domains)].slice(0, 20),
      octets,
      outcome,
      ...(reply === undefined ? {} : { reply }),
      durationUs: 100_000,
    });
    return this;
  }

  private command(fields: Partial<Command> & { readonly verb: string }): this {
    const event: Command = { type: 'command', verdict: accepted, reply: ok, latencyUs: 800, ...fields };
    this.commandCount += 1;
    if ((event.reply?.code ?? 0) >= 500) this.errorCount += 1;
    this.push(event);
    return this;
  }

  private push(body: Body<SessionEvent>): void {
    const { ip, role = 'mx' } = this.caller;
    this.events.push({
      v: EVENT_VERSION,
      at: this.atMs,
      site: 'site',
      gate: 'gate-1',
      listener: role,
      role,
      ip,
      sid: this.sid,
      seq: this.seq,
      ...body,
    } as unknown as MailEvent);
    this.seq += 1;
    this.atMs += this.stepMs;
  }
}

const recipientReplies: Readonly<Record<RecipientReply, Partial<Command>>> = {
  known: { reply: { code: 250, enhanced: '2.1.5', text: 'OK', from: 'upstream' } },
  unknown: { reply: { code: 550, enhanced: '5.1.1', text: 'User unknown', from: 'upstream' } },
  'near-miss': {
    nearMiss: true,
    verdict: { action: 'refuse', rule: 'recipient.unknown' },
    reply: { code: 550, enhanced: '5.1.1', text: 'Refused: unknown recipient', from: 'gate' },
  },
  foreign: {
    verdict: { action: 'refuse', rule: 'relay.denied' },
    reply: { code: 554, enhanced: '5.7.1', text: 'Refused: relaying denied', from: 'gate' },
  },
  routing: {
    verdict: { action: 'refuse', rule: 'relay.routing' },
    reply: { code: 554, enhanced: '5.7.1', text: 'Refused: rerouting', from: 'gate' },
  },
  deferred: { reply: { code: 451, enhanced: '4.7.1', text: 'Greylisted', from: 'upstream' } },
};

import { Buffer } from 'node:buffer';
import {
  type AnomalyKind,
  EVENT_VERSION,
  EVIDENCE_OCTETS_MAX,
  type EventByType,
  FIELD_LENGTH_MAX,
  type MailEvent,
} from '../../events/event.ts';
import { assert } from '../../lib/assert.ts';
import { escapeField } from '../../lib/escape.ts';
import type { ClientMode } from '../client-unit.ts';
import type { Effect } from '../effect.ts';
import type { Now, TimerName } from '../input.ts';
import { modeOf } from '../policy/modes.ts';
import type { Lists } from '../policy/rule.ts';
import {
  encodeOwnReply,
  encodeUpstreamReply,
  enhancedCodeOf,
  type OwnReply,
  replyTextForEvent,
  type UpstreamReply,
} from '../reply.ts';
import type { SaslCredentials } from '../sasl-credentials.ts';
import type { RuleId } from '../settings.ts';
import type { Observed } from '../verdict.ts';
import type { Awaited, Draft, PendingCommand, Phase } from './state.ts';

/** Fields of an event that a session adds by itself. */
type SessionFields = 'v' | 'at' | 'site' | 'gate' | 'listener' | 'role' | 'ip' | 'sid' | 'seq';
type SessionEvent = Extract<MailEvent, { sid: string }>;
type Body<E> = E extends SessionEvent ? Omit<E, SessionFields> : never;
type Writable<E> = { -readonly [K in keyof E]: E[K] };

const severities: Partial<Record<AnomalyKind, 'notice' | 'critical'>> = {
  'premature-eod-reply': 'critical',
  'upstream-starttls-injection': 'critical',
  'starttls-injection': 'critical',
  'xclient-from-client': 'critical',
  'data-after-quit': 'notice',
};

/** One step under way: the draft of the next session, and the effects so far, in order. */
export class Turn {
  readonly draft: Draft;
  readonly effects: Effect[] = [];
  readonly now: Now;
  readonly lists: Lists;

  constructor(draft: Draft, now: Now, lists: Lists) {
    this.draft = draft;
    this.now = now;
    this.lists = lists;
  }

  get settings(): Draft['settings'] {
    return this.draft.settings;
  }

  effect(effect: Effect): void {
    this.effects.push(effect);
  }

  /** Enters a phase; `mode` is what the client decoder reads there. */
  enter(phase: Phase, mode: ClientMode): void {
    this.draft.phase = phase;
    this.draft.phaseSinceUs = this.now.monotonicUs;
    this.effects.push({ kind: 'client-mode', mode });
  }

  /** Waits for the server behind; pipelined commands wait too, unless this session may not pipeline. */
  awaitUpstream(): void {
    const { helo } = this.draft;
    const mayPipeline = helo?.verb !== 'HELO' || this.settings.listener.pipeliningAfterHelo;
    this.enter('awaiting', { kind: mayPipeline ? 'stopped' : 'silent' });
  }

  setTimer(name: TimerName, afterMs: number): void {
    this.effects.push({ kind: 'set-timer', name, afterMs });
  }

  clearTimer(name: TimerName): void {
    this.effects.push({ kind: 'clear-timer', name });
  }

  enforced(rule: RuleId): boolean {
    return modeOf(this.settings.modes, rule) === 'enforce';
  }

  /** Records an event of this session. */
  record(event: Body<SessionEvent>, bodyDigest = false): void {
    const whole = Object.assign(this.nextEvent(event.type), event) as MailEvent;
    this.effects.push(bodyDigest ? { kind: 'record', event: whole, bodyDigest } : { kind: 'record', event: whole });
  }

  /** Records an attempt to authenticate, with keyed hashes of what it showed. */
  recordAttempt(event: Body<EventByType<'auth-attempt'>>, credentials: SaslCredentials | undefined): void {
    const whole = Object.assign(this.nextEvent(event.type), event) as MailEvent;
    this.effects.push({ kind: 'record', event: whole, ...(credentials === undefined ? {} : { credentials }) });
  }

  /** What every event of this session begins with; its place in the session is taken. */
  private nextEvent(type: SessionEvent['type']): Pick<SessionEvent, SessionFields | 'type'> {
    const { draft, settings } = this;
    const { seq } = draft;
    draft.seq += 1;
    return {
      v: EVENT_VERSION,
      at: this.now.wallMs,
      site: settings.site,
      gate: settings.gate,
      sid: draft.sid,
      seq,
      listener: settings.listener.name,
      role: settings.listener.role,
      ip: draft.source.ip,
      type,
    };
  }

  /** Records hostile or broken input. `octets` must hold no secret and no body. */
  anomaly(kind: AnomalyKind, octets?: Uint8Array, note?: string): void {
    this.record({
      type: 'anomaly',
      kind,
      severity: severities[kind] ?? 'warning',
      ...(note === undefined ? {} : { note }),
      ...(octets === undefined || octets.length === 0
        ? {}
        : {
            octetsHex: Buffer.from(octets.subarray(0, EVIDENCE_OCTETS_MAX)).toString('hex'),
            ...(octets.length > EVIDENCE_OCTETS_MAX ? { truncated: true } : {}),
          }),
    });
  }

  /** Enhanced codes of our own are sent before the first EHLO and wherever the session was offered them (RFC 2034). */
  private get withEnhanced(): boolean {
    return this.draft.helo === undefined || this.draft.offer.keywords.has('ENHANCEDSTATUSCODES');
  }

  /** Writes a reply of our own that answers no command, or a part of one. */
  writeOwn(reply: OwnReply): void {
    this.write(encodeOwnReply(reply, this.withEnhanced));
  }

  writeUpstream(reply: UpstreamReply): void {
    this.write(encodeUpstreamReply(reply));
  }

  write(octets: Uint8Array): void {
    if (!this.draft.clientGone) this.effects.push({ kind: 'reply', octets });
  }

  /** Sends one command upstream and awaits its reply. */
  sendUpstream(awaited: Awaited, octets: Uint8Array, afterMs: number): void {
    assert(this.draft.awaited === undefined, 'one outstanding command upstream');
    this.draft.awaited = awaited;
    this.effects.push({ kind: 'command-upstream', octets });
    this.setTimer('upstream-reply', afterMs);
  }

  /** The final reply to the pending command, by the gate. */
  answerOwn(
    reply: OwnReply,
    verdict: EventByType<'command'>['verdict'],
    extra: { observed?: readonly Observed[]; nearMiss?: boolean | undefined } = {},
  ): void {
    const { withEnhanced } = this;
    this.write(encodeOwnReply(reply, withEnhanced));
    this.finishCommand(
      {
        code: reply.code,
        ...(withEnhanced && reply.enhanced !== undefined ? { enhanced: reply.enhanced } : {}),
        text: replyTextForEvent(reply),
        from: 'gate',
      },
      verdict,
      extra,
    );
  }

  /** The final reply to the pending command, by the server behind. `shown`: what the client gets where it differs (EHLO). */
  answerUpstream(reply: UpstreamReply, shown: UpstreamReply = reply): void {
    this.writeUpstream(shown);
    this.finishCommand(replyFacts(reply), { action: 'accept' }, {});
  }

  /** Records the final reply to the pending command that the shell writes itself (the 220 to STARTTLS). */
  answerSilently(reply: OwnReply): void {
    this.finishCommand({ code: reply.code, text: replyTextForEvent(reply), from: 'gate' }, { action: 'accept' }, {});
  }

  private finishCommand(
    reply: EventByType<'command'>['reply'],
    verdict: EventByType<'command'>['verdict'],
    extra: { observed?: readonly Observed[]; nearMiss?: boolean | undefined },
  ): void {
    const { draft } = this;
    const pending = draft.pending;
    assert(pending !== undefined, 'a reply answers a command');
    draft.pending = undefined;
    draft.commandCount += 1;
    if (reply !== undefined && reply.code >= 500) draft.errorCount += 1;
    const observed = extra.observed === undefined ? pending.observed : [...pending.observed, ...extra.observed];
    const latencyUs = Math.max(0, this.now.monotonicUs - pending.startedUs);
    const slowedBy = pending.slowedBy ?? (draft.restraint.slowMs > 0 && pending.command ? 'source.blocked' : undefined);
    const isSlowed = slowedBy !== undefined && verdict.action === 'accept';
    const given: typeof verdict = isSlowed ? { action: 'slow', rule: slowedBy } : verdict;
    const event: Writable<Body<EventByType<'command'>>> = {
      ...pending.facts,
      type: 'command',
      verdict: given,
      latencyUs,
    };
    if (observed.length > 0) event.observed = [...observed];
    if (extra.nearMiss !== undefined) event.nearMiss = extra.nearMiss;
    if (reply !== undefined) event.reply = reply;
    this.record(event);
  }

  /** The session ends before the pending command got a reply: it is recorded all the same. */
  dropPending(): void {
    if (this.draft.pending !== undefined) this.finishCommand(undefined, { action: 'accept' }, {});
  }

  begin(pending: PendingCommand): void {
    this.draft.pending = pending;
  }

  observe(observed: readonly Observed[]): void {
    const pending = this.draft.pending;
    if (pending === undefined || observed.length === 0) return;
    this.draft.pending = { ...pending, observed: [...pending.observed, ...observed] };
  }
}

/** What an event keeps of a reply of the server behind. */
export function replyFacts(reply: UpstreamReply): NonNullable<EventByType<'command'>['reply']> {
  const enhanced = enhancedCodeOf(reply);
  const text = replyTextForEvent(reply);
  const { code } = reply;
  return enhanced === undefined ? { code, text, from: 'upstream' } : { code, enhanced, text, from: 'upstream' };
}

/** Text from the network as an event may hold it. */
export const field = (text: string): string => escapeField(text, FIELD_LENGTH_MAX);

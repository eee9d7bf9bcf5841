import { EVENT_VERSION, type EventByType, type MailEvent } from '../events/event.ts';
import type { EvidenceByType, EvidenceEvent, EvidenceType } from '../events/evidence.ts';
import { type Hash64, type KeyedHash, textOfHash } from '../lib/keyed-hash.ts';
import { HELD_MS, heldFor } from './detectors/held-session-release.ts';
import { recipientAnswer } from './recipient-answer.ts';
import { relayRefusal } from './relay-refusal.ts';
import { type Position, rolesOf, type Seen, type Source } from './scene.ts';
import type { SessionFacts } from './sessions.ts';
import { NOWHERE, StateTable } from './state-table.ts';
import { isStill } from './still.ts';

/** Offences of one source that are handed on in a day: one source alone makes no campaign. */
export const OFFENCES_A_DAY_MAX = 3;
/** Relay refusals of one source that are handed on in a day, and how many that reroute on top: they speak for all of it. */
export const RELAYS_A_DAY_MAX = 3;
export const TRICKS_A_DAY_MAX = 1;
/** Sources of one partition whose offences and relay refusals are counted for that. */
export const OFFENCE_SOURCES_MAX = 32_768;
/** Sessions without a mail transaction that make one piece of evidence: a flood must not double itself. */
export const EMPTY_SESSIONS_TOLD = 20;
const DAY_MS = 86_400_000;

/** What is counted of a source within a day: places in its slot. */
const OFFENCES = 0;
const RELAYS = 1;
const TRICKS = 2;
const COUNTS = 3;

type Own<T extends EvidenceType> = Omit<EvidenceByType<T>, 'v' | 'at' | 'site' | 'partition' | 'offset' | 'part'>;
type OwnOfSource<T extends EvidenceType> = Omit<Own<T>, 'source' | 'role' | 'standing' | 'sid' | 'seq'>;

/** Writes down what is of interest beyond one source, piece by piece, for each event. */
export class EvidenceWriter {
  private readonly site: string;
  private readonly hash: KeyedHash;
  private readonly offences = new StateTable({
    slotCount: OFFENCE_SOURCES_MAX,
    intCount: COUNTS,
    timeCount: 1,
    worth: (table, slot) => table.time(0, slot),
  });
  /** Sessions without a mail transaction that were not told yet. */
  emptyCount = 0;
  private pieces: EvidenceEvent[] = [];
  private position: Position = { partition: 0, offset: 0 };

  constructor(site: string, hash: KeyedHash) {
    this.site = site;
    this.hash = hash;
  }

  get table(): StateTable {
    return this.offences;
  }

  begin(position: Position): void {
    this.position = position;
    this.pieces = [];
  }

  take(): readonly EvidenceEvent[] {
    return this.pieces;
  }

  /** Somebody did something that speaks against him. */
  offence(scenario: string, weight: number, source: Source, seen: Seen, object: string | undefined): void {
    if (!this.mayTell(OFFENCES, OFFENCES_A_DAY_MAX, source.key, seen.atMs)) return;
    const hashed = object === undefined ? {} : { object: textOfHash(this.hash.of(object)) };
    this.write(source, seen, { type: 'offence-seen', scenario, weight, ...hashed });
  }

  /** The first mail (or password) of a source that was accepted within 30 days. */
  good(source: Source, seen: Seen): void {
    this.write(source, seen, { type: 'mail-accepted' });
  }

  /** What an event says to those who look at the whole site. */
  see(event: MailEvent, source: Source, session: SessionFacts, seen: Seen): void {
    switch (event.type) {
      case 'command':
        if (event.verb === 'RCPT' && event.forwardPath !== undefined && !session.authenticated) {
          this.recipient(event, event.forwardPath, source, session, seen);
          this.relay(event, event.forwardPath, source, seen);
        }
        return;
      case 'session-progress':
        return this.held(event, source, session, seen);
      case 'session-closed':
        if (event.outcome === 'none' && event.closedBy === 'client') this.empty(source, seen);
        return;
      case 'mail':
        return this.mail(event, source, session, seen);
      default:
    }
  }

  /** Somebody authenticated, or tried to. */
  authentication(
    { account, credentialFingerprint, outcome }: EventByType<'auth-attempt'>,
    isFamiliar: boolean,
    source: Source,
    seen: Seen,
  ): void {
    if (account === undefined || (outcome !== 'accepted' && outcome !== 'refused')) return;
    this.write(source, seen, {
      type: 'authentication-seen',
      account,
      ...(credentialFingerprint === undefined ? {} : { credentialFingerprint }),
      accepted: outcome === 'accepted',
      familiar: isFamiliar,
    });
  }

  private recipient(
    event: EventByType<'command'>,
    forwardPath: string,
    source: Source,
    { nullReversePath }: SessionFacts,
    seen: Seen,
  ): void {
    const answer = nullReversePath && isForged(event) ? 'unknown' : recipientAnswer(event);
    if (answer === 'neither') return;
    const domain = domainOf(forwardPath);
    const known = answer === 'known';
    if (nullReversePath) this.write(source, seen, { type: 'bounce-seen', domain, known });
    else if (source.standing === 'stranger') {
      this.write(source, seen, {
        type: 'recipient-seen',
        domain,
        known,
        object: textOfHash(this.hash.of(forwardPath)),
      });
    }
  }

  /** Where servers come; a user who forgot to authenticate says nothing about a domain. */
  private relay(event: EventByType<'command'>, forwardPath: string, source: Source, seen: Seen): void {
    const rule = relayRefusal(event);
    if (rule === undefined || source.group !== 'mx') return;
    const trick = rule === 'relay.routing' || isRerouted(forwardPath);
    const [count, most] = trick ? [TRICKS, TRICKS_A_DAY_MAX] : [RELAYS, RELAYS_A_DAY_MAX];
    if (!this.mayTell(count, most, source.key, seen.atMs)) return;
    this.write(source, seen, {
      type: 'relay-refused',
      domain: domainOf(forwardPath),
      trick,
      object: textOfHash(this.hash.of(forwardPath)),
    });
  }

  private held(event: EventByType<'session-progress'>, source: Source, session: SessionFacts, seen: Seen): void {
    const { reversePathDomain } = session;
    const isHeld = reversePathDomain !== '' && heldFor({ session, seen }) >= HELD_MS;
    this.write(source, seen, {
      type: 'session-held',
      phase: event.phase,
      slow: isStill(event),
      slotsUsed: event.slotsUsed,
      ...(isHeld ? { heldDomain: reversePathDomain } : {}),
    });
  }

  private empty(source: Source, seen: Seen): void {
    if (source.group !== 'mx' || source.standing !== 'stranger') return;
    this.emptyCount += 1;
    if (this.emptyCount < EMPTY_SESSIONS_TOLD) return;
    this.write(source, seen, { type: 'empty-sessions', count: this.emptyCount });
    this.emptyCount = 0;
  }

  private mail(event: EventByType<'mail'>, source: Source, session: SessionFacts, seen: Seen): void {
    const heldMs = heldFor({ session, seen });
    if (event.outcome === 'accepted' && heldMs >= HELD_MS) {
      const { reversePathDomain } = session;
      this.write(source, seen, { type: 'held-session-released', reversePathDomain, heldMs });
    }
    if (session.account === '') return;
    const { acceptedCount, refusedCount } = event;
    this.write(source, seen, { type: 'account-used', account: session.account, acceptedCount, refusedCount });
  }

  /** Counts it. @returns Whether it is one of the first `most` of this day. */
  private mayTell(place: number, most: number, key: Hash64, atMs: number): boolean {
    const { offences } = this;
    const known = offences.find(key);
    const isNew = known === NOWHERE || atMs - offences.time(0, known) >= DAY_MS;
    const slot = offences.claim(key);
    if (isNew) {
      offences.setTime(0, slot, atMs);
      for (let each = 0; each < COUNTS; each += 1) offences.setInt(each, slot, 0);
    }
    const count = offences.int(place, slot);
    offences.setInt(place, slot, count + 1);
    return count < most;
  }

  private write<T extends EvidenceType>(source: Source, seen: Seen, own: OwnOfSource<T> & { type: T }): void {
    const { site, position } = this;
    const whole = {
      v: EVENT_VERSION,
      at: seen.atMs,
      site,
      ...position,
      part: this.pieces.length,
      source: source.text,
      role: rolesOf(source.group)[0],
      standing: source.standing,
      ...(seen.sid === '' ? {} : { sid: seen.sid, seq: seen.seq }),
      ...own,
    };
    this.pieces.push(whole as unknown as EvidenceEvent);
  }
}

/** A source route, or a local part that names another domain: `relay.denied` refuses those too, where a domain is foreign. */
const isRerouted = (forwardPath: string): boolean => /[%!@]/.test(forwardPath.slice(0, forwardPath.lastIndexOf('@')));

const domainOf = (forwardPath: string): string => forwardPath.slice(forwardPath.lastIndexOf('@') + 1).toLowerCase();

/** A bounce of mail that was never sent, for certain: the flood goes on, whether the address exists or not. */
const isForged = ({ verdict, observed }: EventByType<'command'>): boolean =>
  [verdict, ...(observed ?? [])].some(({ rule, action }) => rule === 'bounce.unverified' && action === 'refuse');

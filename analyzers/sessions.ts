import { z } from 'zod';
import type { EventByType, MailEvent } from '../events/event.ts';
import type { Hash64, KeyedHash } from '../lib/keyed-hash.ts';
import { isStill } from './still.ts';

/** Sessions of one partition that are followed, at most; the one that was opened longest ago is forgotten first. */
export const SESSIONS_MAX = 16_384;

const flag = z.boolean();
const time = z.number();

/** See {@link SessionFacts}; as it is kept in a snapshot. */
export const sessionFacts = z.object({
  hash: z.object({ high: z.int32(), low: z.int32() }),
  exempt: flag,
  authenticated: flag,
  account: z.string(),
  nullReversePath: flag,
  reversePathDomain: z.string(),
  forwardPathCount: z.int(),
  idleCount: z.int(),
  anomalies: z.int32(),
  stillSinceMs: time,
  stillAtMs: time,
});

/** What the detectors remember of a session while it lives. */
export interface SessionFacts {
  readonly hash: Hash64;
  /** A trusted network, a certificate or a never-listed source: nothing that it does is held against it. */
  exempt: boolean;
  authenticated: boolean;
  /** As in `auth-attempt`; empty before an authentication. */
  account: string;
  /** The reverse-path of the mail transaction is null. */
  nullReversePath: boolean;
  reversePathDomain: string;
  /** Forward-paths of the mail transaction, accepted or not. */
  forwardPathCount: number;
  /** Commands since the last message, or since the session began. */
  idleCount: number;
  /** Kinds of anomaly that were counted already, a bit each. */
  anomalies: number;
  /** Since when it has stood nearly still, milliseconds since 1970-01-01 UTC; 0: it does not. */
  stillSinceMs: number;
  /** When it was last seen to stand still. */
  stillAtMs: number;
}

/** The sessions that are open, as far as their events tell. */
export class Sessions {
  private readonly hash: KeyedHash;
  private readonly facts = new Map<string, SessionFacts>();

  constructor(hash: KeyedHash) {
    this.hash = hash;
  }

  of(sid: string): SessionFacts {
    const known = this.facts.get(sid);
    if (known !== undefined) return known;
    const begun: SessionFacts = {
      hash: this.hash.of(sid),
      exempt: false,
      authenticated: false,
      account: '',
      nullReversePath: false,
      reversePathDomain: '',
      forwardPathCount: 0,
      idleCount: 0,
      anomalies: 0,
      stillSinceMs: 0,
      stillAtMs: 0,
    };
    this.facts.set(sid, begun);
    if (this.facts.size > SESSIONS_MAX) {
      for (const oldest of this.facts.keys()) {
        this.facts.delete(oldest);
        break;
      }
    }
    return begun;
  }

  closed(sid: string): void {
    this.facts.delete(sid);
  }

  /** For a snapshot. */
  toJson(): readonly (readonly [string, SessionFacts])[] {
    return [...this.facts];
  }

  /** Takes over what {@link toJson} gave. */
  addJson(entries: readonly (readonly [string, SessionFacts])[]): void {
    for (const [sid, facts] of entries) this.facts.set(sid, facts);
  }
}

/** Classes of source that are told by the configuration or a certificate. */
const exemptClasses: ReadonlySet<string> = new Set(['trusted-network', 'never-listed', 'certificate']);

/** Takes note of what an event says of its session, before the detectors see it. */
export function noteBefore(event: MailEvent, session: SessionFacts): void {
  switch (event.type) {
    case 'session-opened':
      session.exempt = exemptClasses.has(event.sourceClass);
      return;
    case 'command':
      return noteCommand(event, session);
    case 'session-progress':
      return noteProgress(event, session);
    default:
  }
}

function noteCommand({ verb, reversePath, reply }: EventByType<'command'>, session: SessionFacts): void {
  if (verb === 'RCPT') session.forwardPathCount += 1;
  else session.idleCount += 1;
  if (verb !== 'MAIL' || reversePath === undefined || reply === undefined || reply.code >= 300) return;
  session.nullReversePath = reversePath === '';
  session.reversePathDomain = reversePath.slice(reversePath.lastIndexOf('@') + 1).toLowerCase();
  session.forwardPathCount = 0;
}

function noteProgress(event: EventByType<'session-progress'>, session: SessionFacts): void {
  if (!isStill(event)) {
    session.stillSinceMs = 0;
    return;
  }
  if (session.stillSinceMs === 0) session.stillSinceMs = event.at - event.phaseMs;
  session.stillAtMs = event.at;
}

/** And what is different after they have seen it. */
export function noteAfter(event: MailEvent, session: SessionFacts): void {
  if (event.type === 'mail') {
    session.idleCount = 0;
    session.nullReversePath = false;
    session.reversePathDomain = '';
    session.stillSinceMs = 0;
  } else if (event.type === 'auth-attempt' && event.outcome === 'accepted') {
    session.authenticated = true;
    session.account = event.account ?? '';
  }
}

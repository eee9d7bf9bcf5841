import { z } from 'zod';
import type { EvidenceEvent } from '../../events/evidence.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { SLOW } from '../ladder.ts';
import { rolesOf } from '../scene.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';

/** Sessions that are looked at, at most. */
export const HELD_SESSIONS_MAX = 16_384;
/** Each tells of itself every 30 s; who was silent for longer is gone, milliseconds. */
const FRESH_MS = 45_000;
/** Shares from which on slots are short: those in use, and of these the ones that stand still. */
const USED_MIN = 0.6;
const SLOW_MIN = 0.3;
/** How long the stress state lasts, milliseconds; it is extended while it goes on. */
const LASTS_MS = 300_000;

const kept = z.object({
  sessions: z.array(z.tuple([z.string(), z.object({ atMs: z.number(), slow: z.boolean() })])),
  untilMs: z.number(),
});

/** Slots that are taken by sessions which stand still, whoever they belong to. */
export const slotShortage: SiteDetector = {
  id: 'slow-session',
  version: 1,
  description: {
    sees: 'Every session that lives, every 30 s: whether it stands still, and how many slots are in use.',
    formula:
      'The stress state for 5 minutes when more than 60 % of the slots are in use and more than 30 % of the sessions stand still.',
    sources: 'The stress state of Postfix: shorter timeouts and fewer errors for strangers while slots are short.',
    evades: 'Filling slots with sessions that move: connection-flood, and the limit of each source.',
    lookalikes: 'A Monday morning: many sessions, but they move.',
  },
  begin: () => new HeldSessions(),
};

class HeldSessions implements SiteState {
  private readonly sessions = new BoundedMap<string, { readonly atMs: number; readonly slow: boolean }>(
    HELD_SESSIONS_MAX,
  );
  private untilMs = 0;

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.type !== 'session-held' || evidence.sid === undefined) return;
    const { sid, slow, slotsUsed, at } = evidence;
    this.sessions.set(sid, { atMs: at, slow });
    if (slotsUsed < USED_MIN || at < this.untilMs - LASTS_MS / 2) return;
    const share = this.slowShare(at);
    if (share < SLOW_MIN) return;
    this.untilMs = at + LASTS_MS;
    const text = 'slots are short, and many sessions stand still';
    scene.alert({ kind: 'stress', subject: 'slots', text });
    scene.decide({
      scope: 'site',
      value: scene.site,
      roles: [...rolesOf('mx'), ...rolesOf('submission')],
      action: 'stress',
      level: SLOW,
      lastsMs: LASTS_MS,
      facts: { slotsUsedPercent: Math.round(slotsUsed * 100), slowPercent: Math.round(share * 100) },
      reason: text,
    });
  }

  toJson(): unknown {
    return { sessions: [...this.sessions.entries()], untilMs: this.untilMs };
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    for (const [sid, state] of data?.sessions ?? []) this.sessions.set(sid, state);
    this.untilMs = data?.untilMs ?? 0;
    return data !== undefined;
  }

  /** Sessions that are gone are let go on the way. */
  private slowShare(nowMs: number): number {
    let count = 0;
    let slowCount = 0;
    for (const [sid, { atMs, slow }] of [...this.sessions.entries()]) {
      if (nowMs - atMs > FRESH_MS) this.sessions.delete(sid);
      else {
        count += 1;
        if (slow) slowCount += 1;
      }
    }
    return count === 0 ? 0 : slowCount / count;
  }
}

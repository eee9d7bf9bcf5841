import { z } from 'zod';
import type { EvidenceByType, EvidenceEvent } from '../../events/evidence.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { DEFER, rungs } from '../ladder.ts';
import { rolesOf } from '../scene.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';

/** Held sessions that end together, at least, and within what time, milliseconds. */
const TOGETHER_MIN = 20;
const TOGETHER_MS = 2000;
/** Releases remembered. */
export const RELEASES_MAX = 256;
/** Held sessions, and sources decided about, that are remembered. */
export const HELD_MAX = 1024;
/** A session that lives tells of itself every 30 s; who was silent for longer is gone, milliseconds. */
const FRESH_MS = 45_000;

const release = z.object({ source: z.string(), domain: z.string(), atMs: z.number() });
const kept = z.object({
  releases: z.array(release),
  held: z.array(z.tuple([z.string(), release])),
  untilMs: z.array(z.tuple([z.string(), z.number()])),
});
type Release = z.infer<typeof release>;

/** Sessions that are held with mail for one domain, and let go at once, from many sources: each by itself did little. */
export const releaseTogether: SiteDetector = {
  id: 'held-session-release',
  version: 2,
  description: {
    sees: 'Sessions of strangers that stand nearly still for two minutes inside a mail transaction, and messages that come after such a time, by the domain of the reverse-path.',
    formula:
      'Twenty such sessions at once, or twenty such messages within two seconds: their sources are deferred for an hour, which ends the sessions, and it is told.',
    sources: 'CoordMail: a thousand sessions held and released together.',
    evades:
      'Another domain for each twenty sessions, and a release spread over minutes: then there is no burst either.',
    lookalikes: 'A network that froze and came back: its servers have history, and no source with history is touched.',
  },
  begin: () => new Releases(),
};

class Releases implements SiteState {
  private releases: Release[] = [];
  /** By session. */
  private readonly held = new BoundedMap<string, Release>(HELD_MAX);
  /** Ends of what was decided, by source. */
  private readonly untilMs = new BoundedMap<string, number>(HELD_MAX);

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.standing !== 'stranger') return;
    if (evidence.type === 'held-session-released') this.seeRelease(evidence, scene);
    else if (evidence.type === 'session-held') this.seeHeld(evidence, scene);
  }

  toJson(): unknown {
    const { releases, held, untilMs } = this;
    return { releases, held: [...held.entries()], untilMs: [...untilMs.entries()] };
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    if (data === undefined) return false;
    this.releases = data.releases;
    for (const [sid, session] of data.held) this.held.set(sid, session);
    for (const [source, untilMs] of data.untilMs) this.untilMs.set(source, untilMs);
    return true;
  }

  /** A burst that has not come yet. */
  private seeHeld({ source, sid, heldDomain, at }: EvidenceByType<'session-held'>, scene: SiteScene): void {
    if (sid === undefined || heldDomain === undefined) return;
    this.held.set(sid, { source, domain: heldDomain, atMs: at });
    for (const [oldest, { atMs }] of this.held.entries()) {
      if (at - atMs <= FRESH_MS) break;
      this.held.delete(oldest);
    }
    const together = [...this.held.entries()].flatMap(([, each]) => (each.domain === heldDomain ? [each] : []));
    if (together.length < TOGETHER_MIN) return;
    this.defer(together, `${together.length} sessions with mail of one domain are held`, scene);
  }

  private seeRelease(
    { source, reversePathDomain, at }: EvidenceByType<'held-session-released'>,
    scene: SiteScene,
  ): void {
    this.releases = this.releases.filter(({ atMs }) => Math.abs(at - atMs) <= TOGETHER_MS).slice(-RELEASES_MAX + 1);
    this.releases.push({ source, domain: reversePathDomain, atMs: at });
    const together = this.releases.filter(({ domain }) => domain === reversePathDomain);
    if (together.length < TOGETHER_MIN) return;
    this.defer(together, `${together.length} held sessions were let go together`, scene);
  }

  /** Each source once, until that is over. */
  private defer(together: readonly Release[], text: string, scene: SiteScene): void {
    const sources = new Set(together.map(({ source }) => source));
    for (const value of sources) {
      if (scene.atMs < (this.untilMs.get(value) ?? 0)) continue;
      this.untilMs.set(value, scene.atMs + rungs[DEFER].forMs);
      scene.alert({ kind: 'campaign', subject: `held sessions of ${together[0]?.domain ?? ''}`, text });
      scene.decide({
        scope: 'ip',
        value,
        roles: [...rolesOf('mx')],
        action: rungs[DEFER].action,
        level: DEFER,
        lastsMs: rungs[DEFER].forMs,
        facts: { together: together.length },
        reason: text,
      });
    }
  }
}

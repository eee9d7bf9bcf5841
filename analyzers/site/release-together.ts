import { z } from 'zod';
import type { EvidenceByType, EvidenceEvent } from '../../events/evidence.ts';
import { DEFER, rungs } from '../ladder.ts';
import { rolesOf } from '../scene.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';

/** Held sessions that end together, at least, and within what time, milliseconds. */
const TOGETHER_MIN = 20;
const TOGETHER_MS = 2000;
/** Releases remembered. */
export const RELEASES_MAX = 256;

const release = z.object({ source: z.string(), domain: z.string(), atMs: z.number() });
const kept = z.array(release);

/** Held sessions that are let go at once, from many sources: each by itself did little. */
export const releaseTogether: SiteDetector = {
  id: 'held-session-release',
  version: 1,
  description: {
    sees: 'Messages whose session had stood nearly still for two minutes, by the domain of their reverse-path.',
    formula: 'Twenty within two seconds: their sources are deferred for an hour, and it is told.',
    sources: 'CoordMail: a thousand sessions held and released together.',
    evades: 'A release spread over minutes: then there is no burst either.',
    lookalikes: 'A network that froze and came back: its servers have history, and no source with history is touched.',
  },
  begin: () => new Releases(),
};

class Releases implements SiteState {
  private releases: z.infer<typeof release>[] = [];

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.type === 'held-session-released' && evidence.standing === 'stranger') this.seeRelease(evidence, scene);
  }

  toJson(): unknown {
    return this.releases;
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    this.releases = data ?? [];
    return data !== undefined;
  }

  private seeRelease(
    { source, reversePathDomain, at }: EvidenceByType<'held-session-released'>,
    scene: SiteScene,
  ): void {
    this.releases = this.releases.filter(({ atMs }) => Math.abs(at - atMs) <= TOGETHER_MS).slice(-RELEASES_MAX + 1);
    this.releases.push({ source, domain: reversePathDomain, atMs: at });
    const together = this.releases.filter(({ domain }) => domain === reversePathDomain);
    if (together.length < TOGETHER_MIN) return;
    const text = `${together.length} held sessions were let go together`;
    scene.alert({ kind: 'campaign', subject: `held sessions of ${reversePathDomain}`, text });
    const sources = together.length === TOGETHER_MIN ? new Set(together.map((each) => each.source)) : [source];
    for (const value of sources) {
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

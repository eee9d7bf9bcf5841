import { z } from 'zod';
import type { EvidenceEvent } from '../../events/evidence.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';

/** Domains that are watched for it, at most. */
export const DOMAINS_MAX = 4096;
/** Different forward-paths that strangers asked for without one refusal. */
const KNOWN_MIN = 200;
/** Within this time, milliseconds: a week. */
const WINDOW_MS = 604_800_000;

const kept = z.array(
  z.tuple([z.string(), z.object({ objects: z.array(z.string()), unknownCount: z.number(), sinceMs: z.number() })]),
);

interface Domain {
  objects: Set<string>;
  unknownCount: number;
  sinceMs: number;
}

/** A server behind that accepts every forward-path: it will bounce what it cannot deliver, to whoever was forged. */
export const reflector: SiteDetector = {
  id: 'reflector',
  version: 1,
  description: {
    sees: 'Forward-paths of a domain that strangers ask for: known or unknown.',
    formula:
      'By domain: 200 different forward-paths accepted within a week and none refused as unknown. It is told, and decides nothing: the remedy is a list of recipients.',
    sources:
      'Strangers are wrong about 2 to 10 % of recipients; that 200 are all right by chance is less likely than one in fifty, that a site lives without any dead address much less.',
    evades: 'A server that refuses a few addresses and accepts the rest.',
    lookalikes: 'A domain with a mailbox for everything, meant so: say so with recipients, or pass the alert over.',
  },
  begin: () => new Domains(),
};

class Domains implements SiteState {
  private readonly domains = new BoundedMap<string, Domain>(DOMAINS_MAX);

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.type !== 'recipient-seen' || evidence.standing !== 'stranger') return;
    const { domain, known, object, at } = evidence;
    const before = this.domains.get(domain);
    const isCurrent = before !== undefined && at - before.sinceMs < WINDOW_MS;
    const state = isCurrent ? before : { objects: new Set<string>(), unknownCount: 0, sinceMs: at };
    this.domains.set(domain, state);
    if (!known) {
      state.unknownCount += 1;
      state.objects.clear();
    }
    if (state.unknownCount > 0 || state.objects.size >= KNOWN_MIN) return;
    state.objects.add(object);
    if (state.objects.size < KNOWN_MIN) return;
    const text = `the server behind accepts every address of ${domain}: give the gate a list of recipients`;
    scene.alert({ kind: 'reflector', subject: domain, text });
  }

  toJson(): unknown {
    return [...this.domains.entries()].map(([domain, { objects, ...rest }]) => [
      domain,
      { ...rest, objects: [...objects] },
    ]);
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    for (const [domain, { objects, ...rest }] of data ?? []) {
      this.domains.set(domain, { ...rest, objects: new Set(objects) });
    }
    return data !== undefined;
  }
}

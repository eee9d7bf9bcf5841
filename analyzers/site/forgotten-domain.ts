import { z } from 'zod';
import type { EvidenceByType, EvidenceEvent } from '../../events/evidence.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { networkKey } from '../../lib/ip.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';

/** Foreign domains that are watched, at most; the one asked for longest ago goes first. */
export const DOMAINS_MAX = 2048;
/** Networks (/24, /48) that are remembered of each, at most, and forward-paths of each of these. */
export const NETWORKS_MAX = 16;
export const PATHS_OF_NETWORK_MAX = 3;
/** Networks that rerouted, at most. */
export const TRICKSTERS_MAX = 4096;
/** Networks that ask for one domain, and different forward-paths that they ask for, at least. */
const NETWORKS_MIN = 5;
const PATHS_MIN = 3;
/** Within this time, milliseconds: a week. A domain is told of again after as long. */
const WINDOW_MS = 604_800_000;
/** One domain an hour: whoever makes up domains must not crowd out other alerts, of which 20 an hour go out. */
const APART_MS = 3_600_000;

const network = z.object({ paths: z.array(z.string()), atMs: z.number() });
const kept = z.object({
  domains: z.array(
    z.tuple([z.string(), z.object({ networks: z.array(z.tuple([z.string(), network])), toldMs: z.number() })]),
  ),
  tricksters: z.array(z.tuple([z.string(), z.number()])),
  toldMs: z.number(),
});

interface Domain {
  readonly networks: BoundedMap<string, z.infer<typeof network>>;
  toldMs: number;
}

/** A domain that others still send here: it moved, or the gate was never told of it. Nobody is decided about, for or against. */
export const forgottenDomain: SiteDetector = {
  id: 'forgotten-domain',
  version: 1,
  description: {
    sees: 'Forward-paths of foreign domains that relay.denied refuses, or would, whatever source asks for them: three a source and day. Not those of networks (/24, /48) from which a stranger tried a forward-path that reroutes.',
    formula:
      'By foreign domain: 5 different networks within 7 days that ask for 3 different forward-paths. It is told once a week for a domain and once an hour for all, and decides nothing: no source is stopped for it, and nothing that others decide is taken back, since whoever owns five networks could ask for that.',
    sources:
      'Proposals. Real mail of a domain has many recipients, a campaign of probes writes to a mailbox of its own and to few of them.',
    evades:
      'A domain that fewer than five networks write to, or to fewer than three mailboxes. Whoever asks for 2048 other domains between two letters makes it forgotten, which takes 700 sources; whoever makes up another domain for each hour, with five networks, delays it. Then no more is lost than the alert.',
    lookalikes:
      'Probes from five networks for three mailboxes of one domain, and a stranger who points his MX record here: it is told, no more happens. What an honest server for such a domain suffers from relay-probe: with mail accepted here within 30 days nothing, otherwise 15 minutes of slowness at the first letter, and again after a week without one; it is deferred or refused only when it writes to a second foreign domain. Twenty such strangers within an hour bring relay-probe for the site, which slows strangers; four in one /24 without any accepted mail bring range-campaign, which defers that /24 for an hour.',
  },
  begin: () => new Domains(),
};

class Domains implements SiteState {
  private readonly domains = new BoundedMap<string, Domain>(DOMAINS_MAX);
  /** When a network last rerouted. */
  private readonly tricksters = new BoundedMap<string, number>(TRICKSTERS_MAX);
  private toldMs = 0;

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.type !== 'relay-refused') return;
    const { source, standing, trick, at } = evidence;
    const from = networkKey(source.split('/')[0] ?? source);
    // Servers with history and providers pass on what their users write, a trick too: it must not silence them.
    if (trick && standing === 'stranger') this.tricksters.set(from, at);
    else if (!trick && !this.isTrickster(from, at)) this.ask(evidence, from, scene);
  }

  toJson(): unknown {
    const domains = [...this.domains.entries()].map(([domain, { networks, toldMs }]) => [
      domain,
      { networks: [...networks.entries()], toldMs },
    ]);
    return { domains, tricksters: [...this.tricksters.entries()], toldMs: this.toldMs };
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    if (data === undefined) return false;
    for (const [domain, { networks, toldMs }] of data.domains) {
      const state = newDomain(toldMs);
      for (const [from, asked] of networks) state.networks.set(from, asked);
      this.domains.set(domain, state);
    }
    for (const [from, lastMs] of data.tricksters) this.tricksters.set(from, lastMs);
    this.toldMs = data.toldMs;
    return true;
  }

  private ask({ domain, object, at }: EvidenceByType<'relay-refused'>, from: string, scene: SiteScene): void {
    // An address literal has no MX record that could be forgotten.
    if (domain.startsWith('[')) return;
    const state = this.domains.get(domain) ?? newDomain(0);
    this.domains.set(domain, state);
    const before = state.networks.get(from);
    const paths = before !== undefined && at - before.atMs < WINDOW_MS ? before.paths : [];
    const isNew = !paths.includes(object) && paths.length < PATHS_OF_NETWORK_MAX;
    state.networks.set(from, { paths: isNew ? [...paths, object] : paths, atMs: at });
    if (at - state.toldMs < WINDOW_MS || at - this.toldMs < APART_MS || !this.isForgotten(state, at)) return;
    state.toldMs = at;
    this.toldMs = at;
    const text = `others still send mail for ${domain} here: remove its MX record, or add the domain`;
    scene.alert({ kind: 'forgotten-domain', subject: domain, text });
  }

  /** Enough unrelated networks ask for it, for enough mailboxes. */
  private isForgotten({ networks }: Domain, atMs: number): boolean {
    const honest = [...networks.entries()].filter(
      ([from, asked]) => atMs - asked.atMs < WINDOW_MS && !this.isTrickster(from, atMs),
    );
    const paths = new Set(honest.flatMap(([, asked]) => asked.paths));
    return honest.length >= NETWORKS_MIN && paths.size >= PATHS_MIN;
  }

  private isTrickster(from: string, atMs: number): boolean {
    const lastMs = this.tricksters.get(from);
    return lastMs !== undefined && atMs - lastMs < WINDOW_MS;
  }
}

const newDomain = (toldMs: number): Domain => ({ networks: new BoundedMap(NETWORKS_MAX), toldMs });

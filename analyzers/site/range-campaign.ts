import { z } from 'zod';
import type { EvidenceByType, EvidenceEvent } from '../../events/evidence.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { SCORE_ONE } from '../../lib/decay.ts';
import { type Address, parseAddress, prefixOf } from '../../lib/ip.ts';
import { DEFER, rungs, SLOW } from '../ladder.ts';
import { groupOf, type RoleGroup, rolesOf } from '../scene.ts';
import { Distinct, distinctState } from './distinct.ts';
import type { SiteDetector, SiteScene, SiteState } from './site-detector.ts';

/** Ranges that are counted, at most, all lengths together; the one that was quiet for longest goes first. */
export const RANGES_MAX = 16_384;
/** Weight that offences of a range must add up to. */
const MASS_MIN = 20 * SCORE_ONE;
/** Weight of one source that counts for its ranges in a day. */
const MASS_PER_SOURCE_MAX = 8 * SCORE_ONE;
const DAY_MS = 86_400_000;

/** How a range is judged. `sources`: bad ones within a day; `below`: different ranges of the next length that they are in. */
interface Level {
  readonly length: number;
  readonly sources: number;
  readonly below: number;
  readonly belowLength: number;
  /** The range may be deferred where no good source is in it; otherwise it is slowed down at most. */
  readonly mayDefer: boolean;
  /** It is counted and told, and nothing more. */
  readonly onlyTold: boolean;
}

const levels: Readonly<Record<4 | 6, readonly Level[]>> = {
  4: [
    { length: 24, sources: 4, below: 4, belowLength: 32, mayDefer: true, onlyTold: false },
    { length: 16, sources: 24, below: 8, belowLength: 24, mayDefer: false, onlyTold: false },
  ],
  6: [
    { length: 56, sources: 4, below: 4, belowLength: 64, mayDefer: true, onlyTold: false },
    { length: 48, sources: 8, below: 8, belowLength: 56, mayDefer: true, onlyTold: false },
    { length: 32, sources: 32, below: 16, belowLength: 48, mayDefer: false, onlyTold: true },
  ],
};

const rangeState = z.object({
  bad: distinctState,
  below: distinctState,
  goodCount: z.number(),
  mass: z.number(),
  sinceMs: z.number(),
  untilMs: z.number(),
});
const kept = z.array(z.tuple([z.string(), rangeState]));

interface Range {
  bad: Distinct;
  below: Distinct;
  goodCount: number;
  mass: number;
  sinceMs: number;
  untilMs: number;
}

/** Campaigns from a range: many sources next to each other, each doing a little. */
export const rangeCampaign: SiteDetector = {
  id: 'range-campaign',
  version: 1,
  description: {
    sees: 'Offences of sources in one /24 or /16 (IPv4), /56, /48 or /32 (IPv6), whatever the scenario, three a source and day at most; and sources of the range with accepted mail.',
    formula:
      'A range is flagged when within a day it has at least 4 bad sources (/24, /56), 8 in 8 different /56 (/48), 24 in 8 different /24 (/16), more bad than good ones, and their offences weigh 20 or more. It is deferred for an hour where no source of it has accepted mail, slowed down otherwise; a /16 is slowed down at most, a /32 is only told.',
    sources:
      'Reach on public lists: between 1.3 % and 39.5 % of their sources would have come after the fourth of their /24. 91.7 % of spam comes from ranges that send good mail too, so no range is refused.',
    evades: 'Sources spread over many networks.',
    lookalikes:
      'A hosting network in which some customers are bad: as soon as good mail came from as many, nothing is done.',
  },
  begin: () => new Ranges(),
};

class Ranges implements SiteState {
  private readonly ranges = new BoundedMap<string, Range>(RANGES_MAX);

  see(evidence: EvidenceEvent, scene: SiteScene): void {
    if (evidence.type !== 'offence-seen' && evidence.type !== 'mail-accepted') return;
    // A large provider is one sender in many ranges: it is judged by its conduct, not by its neighbours.
    if (evidence.standing === 'provider') return;
    const address = parseAddress(evidence.source.split('/')[0] ?? '');
    if (address === undefined) return;
    for (const level of levels[address.family]) {
      const range = this.rangeOf(groupOf(evidence.role), address, level, evidence.at);
      if (evidence.type === 'mail-accepted') range.state.goodCount += 1;
      else if (evidence.standing === 'stranger') this.offence(evidence, address, level, range, scene);
    }
  }

  toJson(): unknown {
    return [...this.ranges.entries()].map(([key, { bad, below, ...rest }]) => [
      key,
      { ...rest, bad: bad.toJson(), below: below.toJson() },
    ]);
  }

  addJson(json: unknown): boolean {
    const { data } = kept.safeParse(json);
    for (const [key, { bad, below, ...rest }] of data ?? []) {
      this.ranges.set(key, { ...rest, bad: new Distinct(bad), below: new Distinct(below) });
    }
    return data !== undefined;
  }

  private offence(
    { source, role, weight, at }: EvidenceByType<'offence-seen'>,
    address: Address,
    level: Level,
    { text, state }: { readonly text: string; readonly state: Range },
    scene: SiteScene,
  ): void {
    const badCount = state.bad.add(source, at);
    const belowCount = state.below.add(prefixOf(address, level.belowLength).text, at);
    state.mass += Math.min(weight, MASS_PER_SOURCE_MAX);
    const isFlagged =
      badCount >= level.sources &&
      belowCount >= level.below &&
      badCount > state.goodCount &&
      state.mass >= MASS_MIN &&
      at >= state.untilMs;
    if (!isFlagged) return;
    const rung = level.mayDefer && state.goodCount === 0 ? DEFER : SLOW;
    const lastsMs = rungs[DEFER].forMs;
    state.untilMs = at + lastsMs;
    const what = `${badCount} sources of ${text} misbehave`;
    if (level.sources > 4 || level.onlyTold) scene.alert({ kind: 'campaign', subject: text, text: what });
    if (level.onlyTold) return;
    scene.decide({
      scope: 'range',
      value: text,
      roles: [...rolesOf(groupOf(role))],
      action: rungs[rung].action,
      level: rung,
      lastsMs,
      facts: { badSources: badCount, goodSources: state.goodCount, mass: state.mass },
      reason: what,
    });
  }

  private rangeOf(
    group: RoleGroup,
    address: Address,
    { length }: Level,
    atMs: number,
  ): { readonly text: string; readonly state: Range } {
    const { text } = prefixOf(address, length);
    const key = `${group} ${text}`;
    const known = this.ranges.get(key);
    const state = known ?? {
      bad: new Distinct(),
      below: new Distinct(),
      goodCount: 0,
      mass: 0,
      sinceMs: atMs,
      untilMs: 0,
    };
    if (atMs - state.sinceMs >= DAY_MS) {
      state.mass = 0;
      state.sinceMs = atMs;
    }
    this.ranges.set(key, state);
    return { text, state };
  }
}

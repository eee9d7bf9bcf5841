import { sourceDetectors } from '../../analyzers/detectors/all.ts';
import { SourceWatch, type WatchSettings } from '../../analyzers/source-watch.ts';
import { Random } from '../../evaluation/traffic/random.ts';
import { type Caller, SessionScript } from '../../evaluation/traffic/session-script.ts';
import type { DecisionMade } from '../../events/decision.ts';
import type { MailEvent } from '../../events/event.ts';
import type { EvidenceEvent } from '../../events/evidence.ts';
import { PrefixSet, parsePrefix } from '../../lib/ip.ts';

const rangesOf = (texts: readonly string[]): PrefixSet =>
  new PrefixSet(texts.map(parsePrefix).filter((prefix) => prefix !== undefined));

interface Networks {
  readonly never?: readonly string[];
  readonly providers?: readonly string[];
}

export const watchSettings = ({ never = [], providers = [] }: Networks = {}): WatchSettings => ({
  site: 'site',
  configHash: 'hash',
  hashKey: { first: 0x12_34_56_78, second: 0x0a_bc_de_f0 },
  never: rangesOf(never),
  providers: rangesOf(providers),
  detectors: sourceDetectors,
});

export interface Watched {
  readonly decisions: DecisionMade[];
  readonly evidence: EvidenceEvent[];
}

/** What a watch makes of events. */
export function watched(events: Iterable<MailEvent>, watch = new SourceWatch(watchSettings())): Watched {
  const result: Watched = { decisions: [], evidence: [] };
  let offset = 0;
  for (const event of events) {
    const { decisions, evidence } = watch.see(event, { partition: 0, offset });
    result.decisions.push(...decisions);
    result.evidence.push(...evidence);
    offset += 1;
  }
  return result;
}

/** The decisions that a watch makes of events, shortly. */
export const decisionsOf = (events: Iterable<MailEvent>, networks: Networks = {}): readonly string[] =>
  watched(events, new SourceWatch(watchSettings(networks))).decisions.map(
    ({ scenario, action, value }) => `${scenario} ${action} ${value}`,
  );

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;
/** When the sessions of tests begin. */
export const START_MS = 1_767_225_600_000;

/** Sessions of one seed: the same ids each time. */
export class Sessions {
  private readonly random: Random;

  constructor(seed = 1) {
    this.random = new Random(seed);
  }

  open(caller: Partial<Caller> = {}): SessionScript {
    return new SessionScript({ ip: '198.51.100.7', atMs: START_MS, ...caller }, this.random);
  }

  /** One session for each of `count`, `everyMs` apart. */
  each(
    count: number,
    everyMs: number,
    caller: Partial<Caller>,
    play: (session: SessionScript, index: number) => readonly MailEvent[],
  ): MailEvent[] {
    const from = caller.atMs ?? START_MS;
    return Array.from({ length: count }, (_, index) =>
      play(this.open({ ...caller, atMs: from + index * everyMs }), index),
    ).flat();
  }
}

import type { SourceDetector } from '../../analyzers/detector.ts';
import { sourceDetectors } from '../../analyzers/detectors/all.ts';
import { siteDetectors } from '../../analyzers/site/all.ts';
import { SiteWatch } from '../../analyzers/site-watch.ts';
import { SourceWatch, type WatchSettings } from '../../analyzers/source-watch.ts';
import { Blocklist } from '../../blocklist/blocklist.ts';
import type { DecisionMade } from '../../events/decision.ts';
import type { EvidenceEvent } from '../../events/evidence.ts';
import { networkKey, PrefixSet, parsePrefix } from '../../lib/ip.ts';
import { partitionOf } from '../../log/partition.ts';
import { providerRanges } from '../traffic/world.ts';
import type { Defender, Verdict } from './defender.ts';
import { GateRules } from './gate-rules.ts';

/** Of the log. */
export const PARTITIONS = 4;

/** What the analyzers of the evaluation are told. */
export const settings: WatchSettings = {
  site: 'site',
  configHash: 'evaluation',
  hashKey: { first: 0x65_76_61_6c, second: 0x75_61_74_65 },
  never: new PrefixSet([parsePrefix('198.18.0.0/15')].filter((prefix) => prefix !== undefined)),
  providers: new PrefixSet(providerRanges.map(parsePrefix).filter((prefix) => prefix !== undefined)),
  detectors: sourceDetectors,
};

const withThresholds = (detector: SourceDetector, factor: number): SourceDetector => ({
  ...detector,
  shape: {
    ...detector.shape,
    thresholds: detector.shape.thresholds.map(({ score, rung }) => ({ score: Math.round(score * factor), rung })),
  },
});

/** Postern with every scenario enforced; the thresholds of its detectors of sources times a factor. */
export function postern(onDecision: (decision: DecisionMade) => void = () => undefined, thresholdFactor = 1): Defender {
  const detectors = sourceDetectors.map((detector) => withThresholds(detector, thresholdFactor));
  const watches = Array.from({ length: PARTITIONS }, () => new SourceWatch({ ...settings, detectors }));
  const offsets = new Array<number>(PARTITIONS).fill(0);
  const site = new SiteWatch(settings, siteDetectors);
  const blocklist = new Blocklist({ modeOf: () => 'enforce' });
  const rules = new GateRules(blocklist);
  const alarms = new Map<string, number>();
  const take = (decision: DecisionMade): void => {
    blocklist.take(decision);
    onDecision(decision);
  };
  const seeEvidence = (evidence: EvidenceEvent): void => {
    for (const decision of site.see(evidence).decisions) {
      alarms.set(decision.scenario, (alarms.get(decision.scenario) ?? 0) + 1);
      take(decision);
    }
  };
  return {
    name: 'Postern',
    alarms,
    meet: (event) => rules.meet(event),
    see(event) {
      const partition = 'ip' in event ? partitionOf(networkKey(event.ip), PARTITIONS) : 0;
      const offset = offsets[partition] ?? 0;
      offsets[partition] = offset + 1;
      const outcome = watches[partition]?.see(event, { partition, offset });
      for (const decision of outcome?.decisions ?? []) take(decision);
      for (const evidence of outcome?.evidence ?? []) seeEvidence(evidence);
    },
    verdict(ip, role, atMs): Verdict {
      const entry = blocklist.lookup(ip, role, atMs);
      if (entry === undefined || entry.observed || entry.action === 'allow') return 'pass';
      return entry.action === 'drop' ? 'refuse' : entry.action;
    },
  };
}

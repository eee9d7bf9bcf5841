import { decodeEvent, decodeEvidence } from '../events/codec.ts';
import type { DecisionMade } from '../events/decision.ts';
import type { MailEvent } from '../events/event.ts';
import type { EvidenceEvent } from '../events/evidence.ts';
import type { StoredRecord } from '../log/event-log.ts';
import type { Alert, SiteDetector } from './site/site-detector.ts';
import { SiteWatch } from './site-watch.ts';
import { SourceWatch, type WatchSettings } from './source-watch.ts';

/** What came of the records of one page. */
export interface PageOutcome {
  readonly decisions: readonly DecisionMade[];
  readonly evidence: readonly EvidenceEvent[];
  readonly alerts: readonly Alert[];
  /** Records that are nothing of this release; they are passed over. */
  readonly unreadableCount: number;
}

/**
 * The one loop: records of one partition in, decisions out. Live, in a replay and in tests it is the same, and how the records
 * are cut into pages changes nothing.
 */
export interface Watcher {
  take(records: readonly StoredRecord[]): PageOutcome;
  /** The state, for a snapshot; see {@link SourceWatch.encode}. `change`: of every text in it. */
  encode(change?: (text: string) => string): Uint8Array;
  decode(octets: Uint8Array): boolean;
}

/** Watches one partition of `postern.events`. */
export function sourceWatcher(settings: WatchSettings, partition: number): Watcher {
  const watch = new SourceWatch(settings);
  return {
    take(records) {
      const decisions: DecisionMade[] = [];
      const evidence: EvidenceEvent[] = [];
      const alerts: Alert[] = [];
      let unreadableCount = 0;
      for (const { offset, payload } of records) {
        const event = decodeEvent(payload);
        if (!event.ok) {
          unreadableCount += 1;
          continue;
        }
        const outcome = watch.see(event.value, { partition, offset });
        if (partition === 0) alerts.push(...alertsOf(event.value));
        decisions.push(...outcome.decisions);
        evidence.push(...outcome.evidence);
      }
      return { decisions, evidence, alerts, unreadableCount };
    },
    encode: (change) => watch.encode(change),
    decode: (octets) => watch.decode(octets),
  };
}

/** What a gate did of its own accord and a person should know. Control events are in every partition: those of one count. */
const alertsOf = (event: MailEvent): readonly Alert[] =>
  event.type === 'breaker-changed' && event.tripped
    ? [
        {
          kind: 'breaker',
          subject: `gate ${event.gate}`,
          text: `${event.count} automatic refusals in ten minutes, ${event.max} allowed (watch.growthMax): new ones only defer`,
          atMs: event.at,
        },
      ]
    : [];

/** Watches `postern.evidence`. */
export function siteWatcher(settings: WatchSettings, detectors: readonly SiteDetector[]): Watcher {
  const watch = new SiteWatch(settings, detectors);
  return {
    take(records) {
      const decisions: DecisionMade[] = [];
      const alerts: Alert[] = [];
      let unreadableCount = 0;
      for (const { payload } of records) {
        const evidence = decodeEvidence(payload);
        if (!evidence.ok) {
          unreadableCount += 1;
          continue;
        }
        const outcome = watch.see(evidence.value);
        decisions.push(...outcome.decisions);
        alerts.push(...outcome.alerts);
      }
      return { decisions, evidence: [], alerts, unreadableCount };
    },
    encode: (change) => watch.encode(change),
    decode: (octets) => watch.decode(octets),
  };
}

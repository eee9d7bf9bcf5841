import { siteDetectors } from '../../analyzers/site/all.ts';
import { SiteWatch } from '../../analyzers/site-watch.ts';
import type { EvidenceEvent } from '../../events/evidence.ts';
import { START_MS } from './watch.ts';

export type Fields = Record<string, unknown> & { readonly type: EvidenceEvent['type'] };

/** Evidence, each piece `everyMs` after the one before. */
export function evidence(
  count: number,
  everyMs: number,
  fields: (index: number) => Fields,
  fromMs = START_MS,
): EvidenceEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    v: 1,
    at: fromMs + index * everyMs,
    site: 'site',
    partition: 0,
    offset: Math.floor((fromMs - START_MS) / 1000) * 10_000 + index,
    part: 0,
    source: '198.51.100.7',
    role: 'mx',
    standing: 'stranger',
    sid: `s${index}`,
    seq: 1,
    ...fields(index),
  })) as unknown as EvidenceEvent[];
}

export const identity = { site: 'site', configHash: 'hash' };

/** What came of them. */
export function seen(pieces: readonly EvidenceEvent[], watch = new SiteWatch(identity, siteDetectors)) {
  const outcomes = pieces.map((piece) => watch.see(piece));
  return {
    decisions: outcomes.flatMap(({ decisions }) => decisions),
    alerts: outcomes.flatMap(({ alerts }) => alerts),
  };
}

/** The decisions in a few words, each once. */
export const shortly = (pieces: readonly EvidenceEvent[]): readonly string[] => [
  ...new Set(
    seen(pieces).decisions.map(({ scenario, action, scope, value }) => `${scenario} ${action} ${scope} ${value}`),
  ),
];

/** A source harvests. */
export const offence = (source: string): Fields => ({
  type: 'offence-seen',
  scenario: 'recipient-harvest',
  weight: 7000,
  source,
});
/** An attempt to authenticate; refused, where `more` does not say otherwise. */
export const failure = (account: string, source: string, more: object = {}): Fields => ({
  type: 'authentication-seen',
  role: 'submission',
  account,
  source,
  accepted: false,
  familiar: false,
  ...more,
});

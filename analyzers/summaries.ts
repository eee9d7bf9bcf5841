import { sourceDetectors } from './detectors/all.ts';
import type { ScenarioId } from './scenario-ids.ts';
import { siteDetectors } from './site/all.ts';

/** What a scenario sees, in one sentence or a few. */
export const scenarioSummary = (id: ScenarioId): string =>
  [...sourceDetectors, ...siteDetectors]
    .filter((detector) => detector.id === id)
    .map(({ description }) => description.sees)
    .join(' ');

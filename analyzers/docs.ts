import { SCORE_ONE } from '../lib/decay.ts';
import type { Description } from './detector.ts';
import { sourceDetectors } from './detectors/all.ts';
import { rungs } from './ladder.ts';
import { scenarioIds } from './scenario-ids.ts';
import { siteDetectors } from './site/all.ts';

const introduction = `# Scenarios

<!-- Made from analyzers/ by \`npm run generate\`. -->

What the analyzers look for. Each scenario adds up what speaks against a source and for it, in units of log-likelihood (a nat: 2.7 times as likely), and
decides when a threshold is reached. Its decisions only observe until \`watch.scenarios\` says \`enforce\` (see \`postern report\`). The account of
each decision names the events it rests on: \`postern why <address>\`.

The ladder: ${rungs.map(({ action, forMs }) => `${action} ${hours(forMs)}`).join(', ')}. Who offends again after a decision is over is put one rung
higher; that fades by half in seven days. A provider is slowed at most, a source with accepted mail (or an accepted password) within 30 days
deferred at most, a range never refused. A trusted network, a certificate and the never-list are exempt, and so is who has authenticated.
`;

function hours(ms: number): string {
  const count = ms / 3_600_000;
  if (count < 0.1) return `${Math.round(ms / 1000)} s`;
  return count < 1 ? `${Math.round(count * 60)} min` : `${Math.round(count * 10) / 10} h`;
}

/** docs/scenarios.md: what each scenario sees, how, and what gets past it. */
export function renderScenarioDocs(): string {
  const sections = scenarioIds.map((id) => {
    const ofSources = sourceDetectors.filter((detector) => detector.id === id);
    const ofSite = siteDetectors.filter((detector) => detector.id === id);
    return [
      `## ${id}`,
      '',
      ...ofSources.flatMap(({ description, shape }) => [
        ...descriptionLines('By source', description),
        `- *Thresholds:* ${shape.thresholds.map(({ score, rung }) => `${rungs[rung]?.action} at ${(score / SCORE_ONE).toFixed(1)}`).join(', ')}; half-life ${hours(shape.halfLifeMs)}; at most ${shape.slotCount} sources a partition.`,
        '',
      ]),
      ...ofSite.flatMap(({ description }) => [...descriptionLines('For the site', description), '']),
    ].join('\n');
  });
  return [introduction, ...sections].join('\n');
}

const descriptionLines = (
  title: string,
  { sees, formula, sources, evades, lookalikes }: Description,
): readonly string[] => [
  `${title}.`,
  '',
  `- *Sees:* ${sees}`,
  `- *Formula:* ${formula}`,
  `- *Numbers from:* ${sources}`,
  `- *Gets past it:* ${evades}`,
  `- *Looks like it and is not:* ${lookalikes}`,
];

import { z } from 'zod';
import { type ScenarioId, scenarioIds } from '../../analyzers/scenario-ids.ts';
import { scenarioSummary } from '../../analyzers/summaries.ts';
import { GROWTH_MAX_DEFAULT } from '../../blocklist/breaker.ts';
import { count, filePath, mailAddress, milliseconds, publicUrl, SECRET_ERROR, secretReference } from './fields.ts';
import { HOUR_MS, MINUTE_MS } from './units.ts';

const scenarioMode = z.enum(['enforce', 'observe', 'off']);
/** Analyzers, what their decisions do, and who is told. */
export const watch = z.strictObject({
  scenarios: z
    .strictObject(
      Object.fromEntries(
        scenarioIds.map((id) => [id, scenarioMode.default('observe').describe(scenarioSummary(id))]),
      ) as Record<ScenarioId, z.ZodDefault<typeof scenarioMode>>,
    )
    .prefault({})
    .describe(
      'What decisions of each scenario do: `enforce` acts, `observe` only records what it would have done (`postern report` shows it), `off` does not look. What the scenarios see: `docs/scenarios.md`.',
    ),
  providersFile: filePath
    .optional()
    .describe(
      'File with the ranges of large mail providers, one a line; the analyzers slow them down at most, their greeting is not held, and stress leaves them alone. Default: none is known.',
    ),
  growthMax: count(10, 1_000_000)
    .default(GROWTH_MAX_DEFAULT)
    .describe('Automatic refusals within ten minutes; further ones only defer, and a person is told.'),
  alerts: z
    .strictObject({
      webhook: z
        .union([publicUrl, secretReference], { error: SECRET_ERROR })
        .optional()
        .describe('Web address that alerts are posted to as JSON, or where it is kept. Default: none are posted.'),
      mailTo: mailAddress
        .optional()
        .describe('Who gets alerts by mail, through the upstream `default`, in clear. Default: nobody.'),
      againAfterMs: milliseconds(MINUTE_MS)
        .default(6 * HOUR_MS)
        .describe('The same about the same is told again after this time.'),
    })
    .prefault({})
    .describe('Who is told of what needs a person: a campaign, an account taken over, a flood of bounces.'),
  documentationRanges: z
    .boolean()
    .default(false)
    .describe('Decisions may be about the ranges that are reserved for documentation; for demonstrations.'),
});

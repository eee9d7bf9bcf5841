import { z } from 'zod';
import { EVENT_VERSION, FIELD_LENGTH_MAX, roles, time } from './event.ts';

/**
 * The vocabulary of the stream `postern.decisions`: answers about a source, until a time. An event here is the whole state of
 * its key ({@link decisionKey}), so the last one of each key is all that is ever needed.
 */

/** Contributions that a decision names, at most: the heaviest of them. */
export const LEDGER_ENTRIES_MAX = 10;

/** What a decision is about. `ip`: an IPv4 address or an IPv6 /64. */
export const decisionScopes = ['ip', 'range', 'domain', 'account', 'site'] as const;

/**
 * What it does. To a source, mildest first: `slow`, `defer`, `refuse`, `drop`; `allow` lifts them all. `verify-bounces` and
 * `stress` are modes of a domain and of the site.
 */
export const decisionActions = ['allow', 'slow', 'defer', 'refuse', 'drop', 'verify-bounces', 'stress'] as const;

/** Whose decision it is. */
export const decisionOrigins = ['analyzer', 'operator', 'import'] as const;
export type DecisionOrigin = (typeof decisionOrigins)[number];

const count = z.number().int().nonnegative();
const text = z.string().max(FIELD_LENGTH_MAX);

const contribution = z.object({
  sid: text.optional().describe('Session of the event; absent for an event that has none.'),
  seq: count.optional().describe('Place of the event in its session.'),
  at: time.describe('When it happened: milliseconds since 1970-01-01 UTC.'),
  weight: z.number().int().describe('What it added to the score, 1024 a unit (one nat of log-likelihood).'),
  what: text.describe('What it was, in a word.'),
});

const key = {
  v: z.literal(EVENT_VERSION).describe('Schema version.'),
  at: time.describe('When it was made: milliseconds since 1970-01-01 UTC, of the event that caused it.'),
  site: text.describe('The mail system that it holds for.'),
  id: text.describe('Id of the decision; the same evidence gives the same id.'),
  scope: z.enum(decisionScopes).describe('What it is about.'),
  value: text.describe('An address, a range, a domain, a keyed hash of an account, or the name of the site.'),
  roles: z.array(z.enum(roles)).describe('Listeners it holds for.'),
  origin: z.enum(decisionOrigins).describe('Whose decision it is.'),
  scenario: text.describe('The detector, or `operator`.'),
};

export const decisionSchemas = {
  'decision-made': z.object({
    ...key,
    type: z.literal('decision-made'),
    action: z.enum(decisionActions).describe('What it does.'),
    level: count.describe('Rung of the ladder: 0 slow, 1 defer, 2 refuse for hours, 3 for a day, 4 for a week.'),
    until: time.describe('End: milliseconds since 1970-01-01 UTC.'),
    scenarioVersion: count.optional().describe('Version of the detector.'),
    configHash: text.optional().describe('Hash of the parameters that the detectors ran with.'),
    standing: text.optional().describe('What was known of the source: `stranger`, `with-history`, `provider`.'),
    score: z.number().int().optional().describe('Score when it was made, 1024 a unit.'),
    threshold: z.number().int().optional().describe('What the score had to reach, 1024 a unit.'),
    ledger: z
      .array(contribution)
      .max(LEDGER_ENTRIES_MAX)
      .optional()
      .describe('The heaviest contributions to the score, as they happened.'),
    forgotten: z.boolean().optional().describe('There were more contributions than are still known.'),
    counter: z.array(contribution).max(LEDGER_ENTRIES_MAX).optional().describe('What spoke for the source.'),
    facts: z.record(text, z.number().int()).optional().describe('Numbers that the decision rests on, by name.'),
    held: text.optional().describe('Why it is milder than the score asks for.'),
    by: text.optional().describe('Who decided, where it was a person.'),
    reason: z.string().max(FIELD_LENGTH_MAX).describe('Why, in one sentence.'),
  }),
  'decision-revoked': z.object({
    ...key,
    type: z.literal('decision-revoked'),
    by: text.describe('Who took it back.'),
    reason: z.string().max(FIELD_LENGTH_MAX).describe('Why.'),
  }),
} as const;

export type DecisionMade = Readonly<z.infer<(typeof decisionSchemas)['decision-made']>>;
export type DecisionRevoked = Readonly<z.infer<(typeof decisionSchemas)['decision-revoked']>>;
export type DecisionEvent = DecisionMade | DecisionRevoked;
export type Contribution = Readonly<z.infer<typeof contribution>>;

/** The key of a decision: of all decisions with one key, the last one counts. */
export const decisionKey = ({
  scope,
  value,
  roles: listeners,
  origin,
  scenario,
}: Pick<DecisionEvent, 'scope' | 'value' | 'roles' | 'origin' | 'scenario'>): string =>
  `${scope} ${value} ${listeners.toSorted().join(',')} ${origin} ${scenario}`;

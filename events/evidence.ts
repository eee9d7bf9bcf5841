import { z } from 'zod';
import { EVENT_VERSION, FIELD_LENGTH_MAX, roles, time } from './event.ts';

/**
 * The vocabulary of the stream `postern.evidence`: what the detectors of single sources hand on to those that look at the whole
 * site. Its order is the order of things for them, live and in a replay.
 */

const count = z.number().int().nonnegative();
const text = z.string().max(FIELD_LENGTH_MAX);

const ofSource = {
  v: z.literal(EVENT_VERSION).describe('Schema version.'),
  at: time.describe('When it happened: milliseconds since 1970-01-01 UTC.'),
  site: text.describe('The mail system that it is about.'),
  partition: count.describe('Partition of `postern.events` that it comes from.'),
  offset: count.describe('Offset of the event there that gave it.'),
  part: count.describe('Which of the pieces of evidence of this event, from 0.'),
  source: text.describe('The source: an IPv4 address or an IPv6 /64.'),
  role: z.enum(roles).describe('What the listener is for.'),
  standing: z.enum(['stranger', 'with-history', 'provider']).describe('What was known of the source.'),
  sid: text.optional().describe('Session of the event.'),
  seq: count.optional().describe('Place of the event in its session.'),
};

export const evidenceSchemas = {
  'offence-seen': z.object({
    ...ofSource,
    type: z.literal('offence-seen'),
    scenario: text.describe('The detector that saw it.'),
    weight: z.number().int().describe('What it added to the score of the source, 1024 a unit.'),
    object: text.optional().describe('What the source was after, as a keyed hash: a forward-path, a domain.'),
  }),
  'mail-accepted': z.object({
    ...ofSource,
    type: z.literal('mail-accepted'),
  }),
  'authentication-seen': z.object({
    ...ofSource,
    type: z.literal('authentication-seen'),
    account: text.describe('Account, as in `auth-attempt`.'),
    credentialFingerprint: z.number().int().min(0).max(65535).optional().describe('16 bits under a daily key.'),
    accepted: z.boolean().describe('The server behind accepted it.'),
    familiar: z.boolean().describe('This source has authenticated as this account before.'),
  }),
  'bounce-seen': z.object({
    ...ofSource,
    type: z.literal('bounce-seen'),
    domain: text.describe('Domain of the forward-path.'),
    known: z.boolean().describe('The forward-path was accepted.'),
  }),
  'recipient-seen': z.object({
    ...ofSource,
    type: z.literal('recipient-seen'),
    domain: text.describe('Domain of the forward-path.'),
    known: z.boolean().describe('The forward-path was accepted.'),
    object: text.describe('The forward-path, as a keyed hash.'),
  }),
  'relay-refused': z.object({
    ...ofSource,
    type: z.literal('relay-refused'),
    domain: text.describe('Domain of the forward-path.'),
    trick: z.boolean().describe('The forward-path reroutes: a source route, or `%`, `!`, `@` in its local part.'),
    object: text.describe('The forward-path, as a keyed hash.'),
  }),
  'account-used': z.object({
    ...ofSource,
    type: z.literal('account-used'),
    account: text.describe('Account, as in `auth-attempt`.'),
    acceptedCount: count.describe('Forward-paths of one message that the server behind accepted.'),
    refusedCount: count.describe('Forward-paths of it that were refused.'),
  }),
  'session-held': z.object({
    ...ofSource,
    type: z.literal('session-held'),
    phase: text.describe('What the session is doing.'),
    slow: z.boolean().describe('Slower than an honest client.'),
    slotsUsed: z
      .number()
      .min(0)
      .max(1)
      .describe(
        'Share in use of the connections that strangers may have: of clients, or to a server behind if that is more.',
      ),
    heldDomain: text
      .optional()
      .describe('Domain of the reverse-path, where it has stood still for two minutes inside a mail transaction.'),
  }),
  'empty-sessions': z.object({
    ...ofSource,
    type: z.literal('empty-sessions'),
    count: count.describe('Sessions of strangers that came and went without a mail transaction; this was the last.'),
  }),
  'held-session-released': z.object({
    ...ofSource,
    type: z.literal('held-session-released'),
    reversePathDomain: text.describe('Domain of the reverse-path; empty for none.'),
    heldMs: count.describe('How long the session had stood nearly still.'),
  }),
} as const;

export type EvidenceType = keyof typeof evidenceSchemas;
export type EvidenceEvent = { [T in EvidenceType]: Readonly<z.infer<(typeof evidenceSchemas)[T]>> }[EvidenceType];
export type EvidenceByType<T extends EvidenceType> = Extract<EvidenceEvent, { type: T }>;

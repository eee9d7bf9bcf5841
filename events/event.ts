import { z } from 'zod';

/**
 * The vocabulary of the stream `postern.events`: one definition gives the types, the validation on decode and `docs/events.md`.
 * Events are facts in the past tense and immutable. Evolution is additive: a new field is optional or has an upcast in `codec.ts`.
 * Never in any event: a body, a password, SASL data, a TLS key.
 */

/** The schema version written today; `codec.ts` lifts older ones on read. */
export const EVENT_VERSION = 1;

/** Longest text kept of any one field that came from the network, in UTF-16 code units. */
export const FIELD_LENGTH_MAX = 512;
/** Longest reply text kept in an event, in UTF-16 code units. */
export const REPLY_TEXT_LENGTH_MAX = 200;
/** Most octets of hostile input kept in an `anomaly` event. */
export const EVIDENCE_OCTETS_MAX = 256;
/** Most forward-path domains named in one `mail` event. */
export const MAIL_DOMAINS_MAX = 20;

const count = z.number().int().nonnegative();
/** The last time that an event may tell: the end of the year 9999. Beyond it programs cannot write a date. */
export const TIME_MS_MAX = 253_402_300_799_999;
export const time = count.max(TIME_MS_MAX);
const text = z.string().max(FIELD_LENGTH_MAX);

/** What a listener is for: mail from other servers (25), or from users (587 and 465). */
export const roles = ['mx', 'submission', 'submissions'] as const;
export type Role = (typeof roles)[number];

/** The gate's own answer to one command. */
export const verdictActions = ['accept', 'refuse', 'defer', 'slow', 'close'] as const;
export type VerdictAction = (typeof verdictActions)[number];

/** What hostile or broken input looked like. */
export const anomalyKinds = [
  'bare-cr',
  'bare-lf',
  'nul',
  'overlong-line',
  'early-talker',
  'sync-violation',
  'data-after-quit',
  'starttls-injection',
  'upstream-starttls-injection',
  'unsolicited-reply',
  'extra-reply',
  'bad-reply',
  'unexpected-3xx',
  'premature-eod-reply',
  'proxy-untrusted',
  'proxy-header-fault',
  'proxy-repeat',
  'xclient-from-client',
  'private-verb',
  'bdat-framing',
  'http-on-smtp',
  'tls-on-plaintext',
  'sasl-security-layer',
  'sasl-overlong',
  'desync-suspected',
  'truncated-body',
  'outcome-unknown',
  'malformed-utf8',
] as const;
export type AnomalyKind = (typeof anomalyKinds)[number];

/** How a session ended, or one mail transaction in it. */
export const sessionOutcomes = [
  'delivered',
  'rejected',
  'aborted-by-client',
  'aborted-upstream',
  'unknown',
  'none',
] as const;
export type SessionOutcome = (typeof sessionOutcomes)[number];
export const mailOutcomes = ['accepted', 'rejected', 'aborted-by-client', 'aborted-upstream', 'unknown'] as const;
export type MailOutcome = (typeof mailOutcomes)[number];

const gateBase = {
  v: z.literal(EVENT_VERSION).describe('Schema version.'),
  at: time.describe('When it happened: milliseconds since 1970-01-01 UTC.'),
  site: text.describe('The mail system behind one or more gates.'),
  gate: text.describe('The running gate that saw it.'),
};
const sourceBase = {
  ...gateBase,
  listener: text.describe('Name of the listener.'),
  role: z.enum(roles).describe('What the listener is for.'),
  ip: text.describe('Client address, canonical: IPv4 never mapped, IPv6 compressed and in lower case.'),
};
const sessionBase = {
  ...sourceBase,
  sid: text.describe('Session id (UUIDv7).'),
  seq: count.describe('Position of this event in its session, from 0.'),
};

const reply = z.object({
  code: z.number().int().min(200).max(599).describe('Reply code (RFC 5321 section 4.2).'),
  enhanced: text.optional().describe('Enhanced status code (RFC 3463), where there was one.'),
  text: z.string().max(REPLY_TEXT_LENGTH_MAX).describe('Text of the first line, escaped and capped.'),
  from: z.enum(['upstream', 'gate']).describe('Whose reply it was.'),
});
const observed = z.object({
  rule: text.describe('Rule that only observes.'),
  action: z.enum(verdictActions).describe('What it would have done.'),
});
const parameter = z.tuple([text, text.optional()]).describe('Keyword and value of one MAIL or RCPT parameter.');
const verdict = z.object({
  action: z.enum(verdictActions).describe('What the gate does.'),
  rule: text.optional().describe('The rule that gave it; absent when nothing objected.'),
});

export const eventSchemas = {
  'session-opened': z.object({
    ...sessionBase,
    type: z.literal('session-opened'),
    port: count.describe('Client port.'),
    viaProxyProtocol: z.boolean().describe('The address came from a PROXY header of a trusted balancer.'),
    tls: z.boolean().describe('TLS from the first octet (port 465).'),
    sourceClass: text.describe('Class of the source that the rules applied to.'),
    stressed: z.boolean().optional().describe('Under stress: its limits are tighter.'),
    observed: z.array(observed).optional().describe('Connect-stage rules that only observe.'),
  }),
  command: z.object({
    ...sessionBase,
    type: z.literal('command'),
    verb: text.describe('Verb in upper case; `?` when it is none of RFC 5321 or an extension we know.'),
    heloName: text.optional().describe('EHLO or HELO argument.'),
    reversePath: text
      .optional()
      .describe(
        'MAIL argument without angle brackets; empty for the null reverse-path. Local part as keyed hash `h:…` by configuration.',
      ),
    forwardPath: text
      .optional()
      .describe('RCPT argument without angle brackets; local part as keyed hash `h:…` by configuration.'),
    parameters: z.array(parameter).optional().describe('MAIL or RCPT parameters as sent.'),
    mechanism: text.optional().describe('AUTH mechanism. Never the exchange.'),
    octets: count.optional().describe('BDAT chunk size, or body size after DATA.'),
    argument: text.optional().describe('Escaped start of a line that could not be parsed; never after AUTH.'),
    verdict: verdict.describe('What the gate decided.'),
    observed: z.array(observed).optional().describe('Rules that only observe and would have acted.'),
    nearMiss: z.boolean().optional().describe('The refused forward-path is one edit away from a known one.'),
    reply: reply.optional().describe('The final reply; absent when the session ended without one.'),
    latencyUs: count.describe('Command complete to reply written, microseconds.'),
  }),
  'auth-attempt': z.object({
    ...sessionBase,
    type: z.literal('auth-attempt'),
    mechanism: text.describe('AUTH mechanism.'),
    account: text.optional().describe('Account as keyed hash, or plain by configuration.'),
    credentialFingerprint: z.number().int().min(0).max(65535).optional().describe('16 bits under a daily key.'),
    outcome: z
      .enum(['accepted', 'refused', 'deferred', 'cancelled', 'aborted'])
      .describe('What became of it; the server behind accepts, nobody else.'),
    code: z.number().int().optional().describe('Reply code of the server behind.'),
  }),
  'tls-started': z.object({
    ...sessionBase,
    type: z.literal('tls-started'),
    leg: z.enum(['client', 'upstream']).describe('Between client and gate, or gate and server behind.'),
    version: text.describe('TLS version.'),
    cipher: text.describe('Cipher suite.'),
    sni: text.optional().describe('Server name that the client asked for.'),
    alpn: text.optional().describe('Protocol agreed on by ALPN.'),
    verified: z.boolean().optional().describe('Certificate of the server behind verified; upstream leg only.'),
  }),
  'tls-failed': z.object({
    ...sessionBase,
    type: z.literal('tls-failed'),
    leg: z.enum(['client', 'upstream']).describe('Between client and gate, or gate and server behind.'),
    reason: text.describe('Why the handshake failed.'),
  }),
  'upstream-failed': z.object({
    ...sessionBase,
    type: z.literal('upstream-failed'),
    stage: text.describe('What was awaited: connect, greeting, or a verb.'),
    reason: text.describe('What went wrong.'),
  }),
  'session-progress': z.object({
    ...sessionBase,
    type: z.literal('session-progress'),
    phase: text.describe('What the session is doing.'),
    octets: count.describe('Octets received in this phase.'),
    phaseMs: count.describe('Milliseconds in this phase.'),
    slotsUsed: z
      .number()
      .min(0)
      .max(1)
      .describe(
        'Share in use of the connections that strangers may have: of clients, or to a server behind if that is more.',
      ),
  }),
  mail: z.object({
    ...sessionBase,
    type: z.literal('mail'),
    transaction: count.describe('Number of the mail transaction in its session, from 1.'),
    reversePath: text.describe(
      'MAIL argument without angle brackets; empty for the null reverse-path. Local part as keyed hash `h:…` by configuration.',
    ),
    nullReversePath: z.boolean().describe('The reverse-path is null: a bounce, or what looks like one.'),
    acceptedCount: count.describe('Forward-paths the server behind accepted.'),
    refusedCount: count.describe('Forward-paths refused by the gate or the server behind.'),
    domains: z.array(text).max(MAIL_DOMAINS_MAX).describe('Domains of the accepted forward-paths.'),
    octets: count.describe('Body octets received, terminator excluded.'),
    bodySha256: text.optional().describe('Of the body octets as received; absent when the body was cut off.'),
    outcome: z.enum(mailOutcomes).describe('How the mail transaction ended.'),
    reply: reply.optional().describe('The reply to the end of data, where there was one.'),
    durationUs: count.describe('MAIL to final reply, microseconds.'),
  }),
  anomaly: z.object({
    ...sessionBase,
    type: z.literal('anomaly'),
    kind: z.enum(anomalyKinds).describe('What it looked like.'),
    severity: z.enum(['notice', 'warning', 'critical']).describe('How much it matters.'),
    note: text.optional().describe('Details.'),
    octetsHex: z
      .string()
      .max(EVIDENCE_OCTETS_MAX * 2)
      .optional()
      .describe('First octets, in hex. Absent where they could hold a secret.'),
    truncated: z.boolean().optional().describe('There were more octets than kept.'),
  }),
  'session-closed': z.object({
    ...sessionBase,
    type: z.literal('session-closed'),
    outcome: z.enum(sessionOutcomes).describe('What became of its last mail transaction.'),
    closedBy: z.enum(['client', 'upstream', 'gate']).describe('Who ended it.'),
    rule: text
      .optional()
      .describe('The rule that refused its greeting, or ended it (`deadline.command`, `errors.limit`, …).'),
    replyCode: z.number().int().optional().describe('Code of a closing reply that answered no command (421).'),
    octetsIn: count.describe('Octets received from the client.'),
    octetsOut: count.describe('Octets sent to the client.'),
    commandCount: count.describe('Commands received.'),
    errorCount: count.describe('Commands that were refused or could not be parsed.'),
    durationUs: count.describe('Connect to close, microseconds.'),
  }),
  refusals: z.object({
    ...sourceBase,
    type: z.literal('refusals'),
    rule: text.describe('The rule that refused them.'),
    action: z.enum(verdictActions).describe('How they were refused.'),
    count: count.describe('Connections refused in the window.'),
    windowMs: count.describe('Length of the window, milliseconds.'),
  }),
  'gate-started': z.object({
    ...gateBase,
    type: z.literal('gate-started'),
    version: text.describe('Version of Postern.'),
    configHash: text.describe('Hash of the configuration in force.'),
    listeners: z.array(text).describe('Names of the listeners.'),
  }),
  'gate-stopped': z.object({ ...gateBase, type: z.literal('gate-stopped'), reason: text.describe('Why it stopped.') }),
  'config-changed': z.object({
    ...gateBase,
    type: z.literal('config-changed'),
    outcome: z.enum(['applied', 'refused']).describe('A refused one leaves the old one in force.'),
    configHash: text.describe('Hash of the new configuration.'),
    faults: z.array(text).optional().describe('What is wrong with a refused one.'),
  }),
  'operator-acted': z.object({
    ...gateBase,
    type: z.literal('operator-acted'),
    act: text.describe(
      'What was done: `observe-all`, `observe-off`, `block`, `allow`, `unblock`, `disallow` (the end of an allow), or `forget`: a person was taken out of what was recorded.',
    ),
    value: text.optional().describe('What it was done to; of `forget` the pseudonym in place of the address.'),
    by: text.describe('Who did it.'),
    reason: text.describe('Why.'),
    counts: z
      .record(z.string(), count)
      .optional()
      .describe('Of `forget`: records of the log that it changed, by stream.'),
  }),
  'breaker-changed': z.object({
    ...gateBase,
    type: z.literal('breaker-changed'),
    tripped: z.boolean().describe('It is open: new automatic refusals only defer. Or closed again.'),
    count: count.describe('Automatic refusals within the window.'),
    max: count.describe('How many there may be (`watch.growthMax`).'),
  }),
  'log-gap': z.object({
    ...gateBase,
    type: z.literal('log-gap'),
    reason: text.describe('`queue-full`, `disk-full`, `disk-reserve`, `damaged-file`, `log-unreachable`, `too-large`.'),
    counts: z.record(z.string(), count).describe('Events dropped, by type. Exact, except for a damaged file.'),
    fromAt: time.describe('First dropped event: milliseconds since 1970-01-01 UTC.'),
    toAt: time.describe('Last dropped event: milliseconds since 1970-01-01 UTC.'),
  }),
} as const;

export type EventType = keyof typeof eventSchemas;
type EventOf<T extends EventType> = Readonly<z.infer<(typeof eventSchemas)[T]>>;
export type MailEvent = { [T in EventType]: EventOf<T> }[EventType];
export type EventByType<T extends EventType> = Extract<MailEvent, { type: T }>;

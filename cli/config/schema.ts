import { z } from 'zod';
import { type ScenarioId, scenarioIds } from '../../analyzers/scenario-ids.ts';
import { scenarioSummary } from '../../analyzers/summaries.ts';
import { GROWTH_MAX_DEFAULT } from '../../blocklist/breaker.ts';
import { type Role, roles } from '../../events/event.ts';
import { DISK_OCTETS_MAX_DEFAULT, DISK_OCTETS_MAX_FLOOR } from '../../log/disk-budget.ts';
import { defaultConnectionLimits } from '../../proxy/limits.ts';
import { allowedModes, defaultModes } from '../../proxy/policy/modes.ts';
import { rules } from '../../proxy/policy/rules.ts';
import { type Mode, type RuleId, ruleIds } from '../../proxy/settings.ts';
import {
  account,
  address,
  count,
  delimiter,
  domainName,
  filePath,
  host,
  label,
  lineOfText,
  listeningPort,
  mailAddress,
  mechanism,
  milliseconds,
  network,
  octets,
  ownDomain,
  publicUrl,
  RETENTION_MS_MAX,
  remotePort,
  SECRET_ERROR,
  secretReference,
  trustedNetwork,
} from './fields.ts';

/**
 * The one definition of `postern.yaml`: it gives the validation, the types, the JSON Schema for editors and
 * `docs/configuration.md`. Defaults stand here and nowhere else. Descriptions are for postmasters.
 */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MEBIOCTET = 1024 * 1024;

/** Defaults of a listener that depend on what it is for. */
const roleDefaults: Readonly<Record<Role, { port: number; authRequired: boolean; greetingHoldMs: number }>> = {
  mx: { port: 25, authRequired: false, greetingHoldMs: 2 * SECOND_MS },
  submission: { port: 587, authRequired: true, greetingHoldMs: 0 },
  submissions: { port: 465, authRequired: true, greetingHoldMs: 0 },
};
/** `25 on mx, 587 on submission, 465 on submissions`, for the description of a setting. */
const byRole = (key: keyof (typeof roleDefaults)['mx']): string =>
  `Default: ${roles.map((role) => `\`${roleDefaults[role][key]}\` on ${role}`).join(', ')}.`;

/** Longest hold of a greeting, milliseconds: clients wait 300 s for it (RFC 5321 section 4.5.3.2.1). */
const GREETING_HOLD_MS_MAX = 30 * SECOND_MS;

const listener = z
  .strictObject({
    name: label.optional().describe('Name in events, metrics and messages. Default: the role.'),
    role: z
      .enum(roles)
      .describe(
        'What it is for: `mx` takes mail from other servers, `submission` from users with STARTTLS, `submissions` from users with TLS from the first octet.',
      ),
    address: address.prefault('0.0.0.0').describe('Address to listen on; `::` takes IPv6 and IPv4.'),
    port: listeningPort.optional().describe(`TCP port; \`0\` lets the system choose. ${byRole('port')}`),
    upstream: label.default('default').describe('Which of `upstreams` its sessions are passed to.'),
    withoutCertificate: z
      .boolean()
      .default(false)
      .describe(
        'Acknowledges that this listener offers no TLS. Without a certificate and without this the configuration is refused.',
      ),
    tlsRequired: z
      .boolean()
      .default(false)
      .describe(
        'Every command but NOOP, EHLO, STARTTLS and QUIT is refused before TLS. On mx this loses mail of servers without TLS.',
      ),
    authRequired: z
      .boolean()
      .optional()
      .describe(`MAIL is refused before AUTH; trusted networks are exempt. ${byRole('authRequired')}`),
    proxyProtocol: z
      .boolean()
      .default(false)
      .describe('Every connection begins with a PROXY header and comes from one of `networks.balancers`.'),
    greetingHoldMs: milliseconds(0, GREETING_HOLD_MS_MAX)
      .optional()
      .describe(
        `How long the greeting is held back from strangers, to catch those who talk first. ${byRole('greetingHoldMs')}`,
      ),
    lenientEhlo: z.boolean().default(false).describe('Commands sent together with EHLO are queued instead of refused.'),
    pipeliningAfterHelo: z
      .boolean()
      .default(true)
      .describe('Commands sent together after HELO are queued instead of refused.'),
  })
  .transform(({ name, port, authRequired, greetingHoldMs, ...rest }) => ({
    ...rest,
    name: name ?? rest.role,
    port: port ?? roleDefaults[rest.role].port,
    authRequired: authRequired ?? roleDefaults[rest.role].authRequired,
    greetingHoldMs: greetingHoldMs ?? roleDefaults[rest.role].greetingHoldMs,
  }));

const upstream = z.strictObject({
  host: host.describe('Name or address of the mail server behind.'),
  port: remotePort.default(25).describe('Its port.'),
  tls: z
    .enum(['none', 'opportunistic', 'required', 'implicit'])
    .default('none')
    .describe(
      'TLS to it: `none`, STARTTLS where it offers it (`opportunistic`) or always (`required`), or TLS from the first octet (`implicit`). Many servers offer AUTH over TLS only.',
    ),
  verifyCertificate: z
    .boolean()
    .default(true)
    .describe(
      'Its certificate must be valid for `serverName`. Without this TLS only hides the connection from onlookers.',
    ),
  caFile: filePath.optional().describe('PEM file of the certificates to trust. Default: those that come with Node.'),
  serverName: host.optional().describe('Name in its certificate. Default: `host`.'),
  clientAddress: z
    .enum(['proxy-v1', 'proxy-v2', 'xclient', 'received', 'none'])
    .default('none')
    .describe(
      'How it learns the address of the client: a PROXY header, the command XCLIENT, one Received field in front of each message, or not at all. See `docs/servers/README.md`.',
    ),
  xclientRequired: z
    .boolean()
    .default(true)
    .describe('A session is refused when the server behind refuses XCLIENT; otherwise it goes on without.'),
  connectionsMax: count(1, 65_535)
    .default(1000)
    .describe('Connections to it at once; a client beyond them gets 421 and comes back later.'),
  lenientLineEnds: z.boolean().default(false).describe('Accepts replies whose lines end in LF alone.'),
});

const certificate = z.strictObject({
  certFile: filePath.describe(
    'PEM file of the certificate and its chain. Watched: a renewed one is taken without a restart.',
  ),
  keyFile: filePath.describe('PEM file of its private key.'),
  keyPassphrase: secretReference.optional().describe('Passphrase of the key.'),
});

const tls = z.strictObject({
  certificates: z
    .array(certificate)
    .default([])
    .describe('Chosen by the name a client asks for; the first also serves clients that ask for none.'),
  legacyNetworks: z
    .array(network)
    .prefault([])
    .describe(
      'Networks whose clients may use TLS 1.0 and 1.1, such as those of old scanners. Everybody else needs 1.2.',
    ),
});

const domains = z.strictObject({
  names: z
    .array(ownDomain)
    .default([])
    .describe('Domains whose mail the server behind takes; `*.example.com` stands for everything below that domain.'),
  file: filePath.optional().describe('File with one such domain a line; `#` begins a comment. Watched.'),
  url: z
    .union([publicUrl, secretReference], { error: SECRET_ERROR })
    .optional()
    .describe('Web address of such a list; if it holds a password, its place: `{file: path}` or `{env: NAME}`.'),
  refreshMs: milliseconds(10 * SECOND_MS)
    .default(5 * MINUTE_MS)
    .describe('How often the web address is asked.'),
});

const recipients = z.strictObject({
  file: filePath
    .optional()
    .describe(
      'File with one known address a line; `@example.com` stands for every address of that domain. Domains it does not name are left to the server behind. Watched.',
    ),
  subaddressDelimiter: delimiter
    .optional()
    .describe(
      'Character that begins the detail in `user+detail@example.com`; without it addresses are compared whole.',
    ),
});

const networks = z.strictObject({
  trusted: z
    .array(trustedNetwork)
    .prefault([])
    .describe(
      'Clients that may send to any domain without AUTH. Behind Docker, NAT or a balancer every client can look like one of these.',
    ),
  balancers: z.array(trustedNetwork).prefault([]).describe('Load balancers that name the client in a PROXY header.'),
  normaliseLineEndings: z
    .array(trustedNetwork)
    .prefault([])
    .describe('Clients whose bodies may have bare CR or LF, which become CRLF, such as old devices of yours.'),
  neverList: z
    .array(network)
    .prefault([])
    .describe('Addresses that no decision may ever block. It exempts from nothing else.'),
});

const limits = z.strictObject({
  sessionsMax: count(1, 1_000_000)
    .default(defaultConnectionLimits.totalMax)
    .describe('Connections at once (rule `limits.total`).'),
  sessionsPerSourceMax: count(1, 1_000_000)
    .default(defaultConnectionLimits.perSourceMax)
    .describe('Connections at once of one IPv4 address or IPv6 /64 (rule `limits.per-source`).'),
  connectionsPerMinuteMax: count(1, 1_000_000)
    .default(defaultConnectionLimits.perMinuteMax)
    .describe('Connections a minute of one IPv4 address or IPv6 /64 (rule `limits.rate`).'),
  messageOctetsMax: octets(65_536)
    .default(1024 * MEBIOCTET)
    .describe('Largest body, octets (rule `message.size`).'),
  forwardPathsMax: count(100, 100_000)
    .default(1000)
    .describe(
      'Accepted forward-paths of one mail transaction (rule `recipient.limit`); RFC 5321 section 4.5.3.1.8 asks for 100 at least.',
    ),
  errorsMax: count(1).default(10).describe('Refused or broken commands of one session (rule `errors.limit`).'),
  junkMax: count(1)
    .default(100)
    .describe('Commands that move nothing on, such as NOOP, in one session (rule `junk.limit`).'),
  authAttemptsMax: count(1).default(3).describe('Failed AUTH commands of one session (rule `auth.attempts`).'),
  dataRateOctetsMin: count(0)
    .default(500)
    .describe('Least octets a second of a body, judged after `dataRateGraceMs` (rule `deadline.data-rate`).'),
  dataRateGraceMs: milliseconds(SECOND_MS)
    .default(5 * MINUTE_MS)
    .describe('How long a body may be slower.'),
  discardOctetsMax: octets(0)
    .default(100 * MEBIOCTET)
    .describe(
      'Octets of a refused body that are read and dropped, so that the client reads the refusal, before the connection is cut.',
    ),
  slowDelayMs: milliseconds(0, MINUTE_MS)
    .default(3000)
    .describe('How long each command of a source that a decision slows down waits; 0 for not at all.'),
  smallChunkOctets: count(0).default(1024).describe('BDAT chunks below this count as junk unless they are the last.'),
});

const deadline = (defaultMs: number, what: string) =>
  milliseconds(1, 7 * DAY_MS)
    .default(defaultMs)
    .describe(what);

/** RFC 5321 section 4.5.3.2 gives the least a client and a server should wait; these are never shorter by default. */
const deadlines = z.strictObject({
  proxyHeaderMs: deadline(5 * SECOND_MS, 'PROXY header of a balancer.'),
  commandMs: deadline(5 * MINUTE_MS, 'Next command of the client.'),
  commandLineMs: deadline(MINUTE_MS, 'One command line, from its first octet.'),
  saslLineMs: deadline(3 * MINUTE_MS, 'One line of an AUTH exchange.'),
  tlsHandshakeMs: deadline(30 * SECOND_MS, 'TLS handshake, on either side.'),
  dataMs: deadline(3 * MINUTE_MS, 'Next octets of a body.'),
  clientWriteMs: deadline(3 * MINUTE_MS, 'The client takes what was written to it.'),
  sessionMs: deadline(DAY_MS, 'A whole session.'),
  closeDrainMs: deadline(5 * SECOND_MS, 'The client leaves after a refusal that ends the session.'),
  upstreamConnectMs: deadline(30 * SECOND_MS, 'Connection to the server behind.'),
  upstreamGreetingMs: deadline(MINUTE_MS, 'Its greeting.'),
  upstreamReplyMs: deadline(5 * MINUTE_MS, 'Its reply to a command.'),
  upstreamDataMs: deadline(2 * MINUTE_MS, 'Its 354 to DATA.'),
  upstreamWriteMs: deadline(3 * MINUTE_MS, 'It takes what was written to it.'),
  upstreamEndOfDataMs: deadline(630 * SECOND_MS, 'Its reply to a whole body.'),
  upstreamRsetMs: deadline(30 * SECOND_MS, 'Its reply to RSET.'),
  upstreamQuitMs: deadline(5 * SECOND_MS, 'Its reply to QUIT.'),
});

const summaries: ReadonlyMap<string, string> = new Map(rules.map(({ id, summary }) => [id, summary]));

/** One key a rule: the type says which modes a rule may have. */
const modes = z.strictObject(
  Object.fromEntries(
    ruleIds.map((rule) => [
      rule,
      z
        .enum(allowedModes(rule))
        .default(defaultModes[rule])
        .describe(summaries.get(rule) ?? ''),
    ]),
  ) as Record<RuleId, z.ZodDefault<z.ZodEnum<{ [M in Mode]: M }>>>,
);

const whenUnavailable = z.enum(['defer', 'pass']);
const policy = z.strictObject({
  modes: modes
    .prefault({})
    .describe(
      'Mode of each rule: `enforce` acts, `observe` only records what it would have done, `off` is not evaluated. What the rules do: `docs/rules.md`.',
    ),
  whenUnavailable: z
    .strictObject({
      helo: whenUnavailable.default('pass').describe('HELO and EHLO.'),
      mail: whenUnavailable.default('pass').describe('MAIL.'),
      rcpt: whenUnavailable.default('defer').describe('RCPT.'),
      data: whenUnavailable.default('pass').describe('DATA and BDAT.'),
    })
    .prefault({})
    .describe(
      'What happens when a rule cannot know, because a list was never loaded: `defer` answers 451, `pass` forwards.',
    ),
  ownNames: z
    .array(host)
    .default([])
    .describe(
      'Names and addresses of yours, besides `hostname` and the listeners, that no stranger may greet with (rule `helo.own-name`).',
    ),
});

const auth = z.strictObject({
  mechanisms: z
    .array(mechanism)
    .optional()
    .describe(
      'AUTH mechanisms that may be used, in upper case. Default: every one of the server behind that works where TLS ends in between.',
    ),
});

const log = z.strictObject({
  durable: z
    .enum(['fsync', 'os'])
    .default('fsync')
    .describe(
      'What is acknowledged is on the disk (`fsync`), or with the system, which a power cut takes away (`os`).',
    ),
  diskOctetsMax: octets(DISK_OCTETS_MAX_FLOOR)
    .default(DISK_OCTETS_MAX_DEFAULT)
    .describe('Most octets of the log on the disk.'),
  retentionMs: milliseconds(HOUR_MS, RETENTION_MS_MAX)
    .default(7 * DAY_MS)
    .describe('How long events are kept.'),
  whenFull: z
    .enum(['pass', 'defer'])
    .default('pass')
    .describe(
      'When no event can be kept any more: mail passes and the gap is counted (`pass`), or no new client is let in (`defer`, 421).',
    ),
});

const http = z.strictObject({
  address: address.prefault('127.0.0.1').describe('Address to listen on. There is no password: keep it private.'),
  port: listeningPort.default(9725).describe('TCP port of `/metrics`, `/healthz` and `/readyz`.'),
});

const scenarioMode = z.enum(['enforce', 'observe', 'off']);
const watch = z.strictObject({
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
      'File with the ranges of large mail providers, one a line; they are slowed down at most. Default: none is known.',
    ),
  growthMax: count(10, 1_000_000)
    .default(GROWTH_MAX_DEFAULT)
    .describe('Automatic refusals within ten minutes; further ones only defer, and a person is told.'),
  alerts: z
    .strictObject({
      webhook: z
        .union([publicUrl, secretReference])
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

const privacy = z.strictObject({
  accounts: z
    .enum(['hash', 'plain'])
    .default('hash')
    .describe('How accounts stand in events: as keyed hashes, or as they are. Passwords never do.'),
  localParts: z
    .enum(['plain', 'hash'])
    .default('plain')
    .describe(
      'How local parts of reverse-paths and forward-paths stand in `command` and `mail` events: as they are, or as keyed hashes `h:…@example.com`. With `hash` an event keeps nothing of a MAIL or RCPT line that could not be parsed.',
    ),
  secretFile: filePath
    .optional()
    .describe(
      'File with the secret of the site, at least 32 octets, from which the keys of hashes of accounts and local parts are derived; the gates of one site share it. Default: one is made in `dataDirectory`.',
    ),
});

const run = z.strictObject({
  user: account.optional().describe('User to become once the ports are open; needed when started as root.'),
  group: account.optional().describe('Group to become. Default: the one of the user.'),
});

const logging = z.strictObject({
  level: z.enum(['error', 'warn', 'info', 'debug']).default('info').describe('Least severity of the lines on stderr.'),
});

export const configSchema = z.strictObject({
  site: label.default('main').describe('The mail system behind; in every event.'),
  gate: label.optional().describe('Name of this gate; in every event. Default: the first label of `hostname`.'),
  hostname: domainName
    .optional()
    .describe(
      'Name of this machine in its own replies and towards the server behind. Default: the name the system gives it.',
    ),
  contact: mailAddress.optional().describe('Whom a refused client is told to ask. Default: postmaster at `hostname`.'),
  greetingText: lineOfText(400)
    .optional()
    .describe('Text of the greeting in place of the one of the server behind. Default: its own is relayed.'),
  dataDirectory: filePath
    .default('/var/lib/postern')
    .describe('Folder of the event log, of the last lists and of the management socket.'),
  listeners: z.array(listener).min(1).describe('Where clients connect.'),
  upstreams: z
    .record(label, upstream)
    .describe('Mail servers behind, by name. Listeners use the one named `default` unless they name another.'),
  tls: tls.prefault({}).describe('TLS of all listeners.'),
  domains: domains
    .prefault({})
    .describe('Your domains: what strangers may send mail to. The three sources are added up.'),
  recipients: recipients.prefault({}).describe('Known addresses.'),
  networks: networks.prefault({}).describe('Networks that are treated differently; addresses or CIDR notation.'),
  policy: policy.prefault({}).describe('Rules.'),
  auth: auth.prefault({}).describe('AUTH.'),
  limits: limits.prefault({}).describe('Limits, of the gate and of each session.'),
  deadlines: deadlines.prefault({}).describe('Deadlines, milliseconds; each is absolute, not an idle time.'),
  log: log.prefault({}).describe('Event log.'),
  watch: watch.prefault({}).describe('Analyzers and what their decisions do.'),
  privacy: privacy.prefault({}).describe('What events tell of people.'),
  http: http.prefault({}).describe('Metrics and health.'),
  run: run.prefault({}).describe('Rights.'),
  shutdownGraceMs: milliseconds(0)
    .default(30 * SECOND_MS)
    .describe('How long sessions may go on after SIGTERM.'),
  drainDelayMs: milliseconds(0)
    .default(0)
    .describe('How long `/readyz` says 503 before the ports close, so that a balancer looks away first.'),
  logging: logging.prefault({}).describe('Messages for the operator.'),
});

/** A configuration that is valid, with its defaults. */
export type Config = z.output<typeof configSchema>;
export type ListenerConfig = Config['listeners'][number];
export type UpstreamConfig = Config['upstreams'][string];
export type CertificateConfig = Config['tls']['certificates'][number];

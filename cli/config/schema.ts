import { z } from 'zod';
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
  SECRET_ERROR,
  secretReference,
  trustedNetwork,
} from './fields.ts';
import { listener, tls, upstream } from './legs-schema.ts';
import { log } from './log-schema.ts';
import { siem } from './siem-schema.ts';
import { store } from './store-schema.ts';
import { DAY_MS, MEBIOCTET, MINUTE_MS, SECOND_MS } from './units.ts';
import { watch } from './watch-schema.ts';
import { web } from './web-schema.ts';

/**
 * The one definition of `postern.yaml`: it gives the validation, the types, the JSON Schema for editors and
 * `docs/configuration.md`. Defaults stand here and nowhere else. Descriptions are for postmasters.
 */

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
  reservedShare: z
    .number()
    .min(0)
    .max(0.9)
    .default(defaultConnectionLimits.reservedShare)
    .describe(
      'Share of `sessionsMax`, and of the `connectionsMax` of an upstream, that is kept from strangers: whoever fills the rest shuts out nobody whose mail was accepted before, no provider and no trusted network.',
    ),
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
  outgoingSeen: z
    .boolean()
    .default(false)
    .describe(
      'All mail of your domains goes out through this gate: users submit through it, and what else sends is in `networks.trusted`. Only then a bounce to an address that sent nothing is refused during a flood of bounces; otherwise it is deferred (rule `bounce.unverified`).',
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

const http = z.strictObject({
  address: address.prefault('127.0.0.1').describe('Address to listen on. There is no password: keep it private.'),
  port: listeningPort.default(9725).describe('TCP port of `/metrics`, `/healthz` and `/readyz`.'),
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
  store: store.prefault({}).describe('History.'),
  siem: siem.prefault({}).describe('Events for a SIEM.'),
  watch: watch.prefault({}).describe('Analyzers and what their decisions do.'),
  privacy: privacy.prefault({}).describe('What events tell of people.'),
  http: http.prefault({}).describe('Metrics and health.'),
  web: web.prefault({}).describe('Console.'),
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

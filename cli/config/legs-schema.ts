import { z } from 'zod';
import { type Role, roles } from '../../events/event.ts';
import {
  address,
  count,
  filePath,
  host,
  label,
  listeningPort,
  milliseconds,
  network,
  remotePort,
  secretReference,
} from './fields.ts';
import { SECOND_MS } from './units.ts';

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

/** Where clients connect. */
export const listener = z
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

/** A mail server behind. */
export const upstream = z.strictObject({
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

/** TLS of all listeners. */
export const tls = z.strictObject({
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

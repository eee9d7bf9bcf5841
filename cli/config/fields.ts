import { z } from 'zod';
import { canonicalAddress, type Prefix, parsePrefix } from '../../lib/ip.ts';
import { parseDomainList } from '../../proxy/domain-list.ts';
import { isHostName } from '../../proxy/host-name.ts';
import { canonicalDomain } from '../../proxy/path.ts';

/**
 * Kinds of values in `postern.yaml`. A refusal carries what would be right in `params.hint`; what is wrong is its message.
 */

/** What the faults of this schema carry besides their message. */
export interface FaultParams {
  /** What would be right. */
  readonly hint: string;
  /** The value may hold a secret and is not shown. */
  readonly secret?: true;
}

const fault = (message: string, hint: string): { readonly message: string; readonly params: FaultParams } => ({
  message,
  params: { hint },
});
const secretFault = (message: string, hint: string): { readonly message: string; readonly params: FaultParams } => ({
  message,
  params: { hint, secret: true },
});

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longest time that can be set, milliseconds: what a timer of Node can hold is a little more. */
export const TIME_MS_MAX = 24 * DAY_MS;
/** Most octets of anything that can be set: 1 TiB. */
export const OCTETS_MAX = 1_099_511_627_776;
/** Longest retention that can be set, milliseconds. */
export const RETENTION_MS_MAX = 3650 * DAY_MS;

/** A time in milliseconds. */
export const milliseconds = (min: number, max = TIME_MS_MAX) => z.int().min(min).max(max);
/** A number of things. */
export const count = (min: number, max = 1_000_000_000) => z.int().min(min).max(max);
/** A number of octets. */
export const octets = (min: number) => z.int().min(min).max(OCTETS_MAX);

/** A TCP port; 0 lets the system choose. */
export const listeningPort = z.int().min(0).max(65_535);
/** A TCP port of another machine. */
export const remotePort = z.int().min(1).max(65_535);

const matching = (pattern: RegExp, message: string, hint: string) =>
  z.string().refine((text) => pattern.test(text), fault(message, hint));

/** A word that names a part of the configuration, or of a site. */
export const label = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  'is no name',
  'write letters, digits, dots, hyphens and underscores, at most 63 of them, the first a letter or digit',
);

/** The name of a database. */
export const databaseName = matching(
  /^[a-z_][a-z0-9_]{0,62}$/,
  'is no name of a database',
  'write small letters, digits and underscores, at most 63 of them, the first no digit',
);

/** `host:port` of a broker of Kafka; an IPv6 address in brackets. */
export const brokerAddress = matching(
  /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$/,
  'is no address of a broker',
  'write host:port, such as kafka1.example.com:9092',
);

/** What stands before the names of topics. */
export const topicPrefix = matching(
  /^[A-Za-z0-9._-]{0,64}$/,
  'is no part of a topic name',
  'write letters, digits and signs of -._, at most 64 of them',
);

/** A path of the file system; a relative one starts at the folder of the configuration file. */
export const filePath = matching(/^[^\0]+$/, 'is no path', 'write the path of a file');

/** The name of a user or a group of the system, or its number. */
export const account = matching(/^[A-Za-z0-9_][A-Za-z0-9._-]*\$?$/, 'is no account', 'write a name or a number');

/** One line of text for people. */
export const lineOfText = (lengthMax: number) =>
  z
    .string()
    .refine(
      (text) => text.length <= lengthMax && /^[\x20-\x7e]+$/.test(text),
      fault('does not fit one line', `write one line of at most ${lengthMax} printable ASCII characters`),
    );

/** An AUTH mechanism (RFC 4422 section 3.1). */
export const mechanism = matching(
  /^[A-Z0-9_-]{1,20}$/,
  'is no mechanism',
  'write its name in upper case, such as PLAIN',
);

/** What stands between a user and the detail of an address. */
export const delimiter = matching(/^[!-~]$/, 'is no delimiter', 'write one character, such as "+"').refine(
  (text) => !/[A-Za-z0-9@"]/.test(text),
  fault('is no delimiter', 'write a sign that is neither a letter, a digit, @ nor a quote'),
);

/** A DNS name in the form that is compared. */
export const domainName = z.string().transform((text, context) => {
  const name = canonicalDomain(text);
  if (name !== undefined && isHostName(name)) return name;
  context.issues.push({
    code: 'custom',
    input: text,
    ...fault('is no domain name', 'write a name such as example.com, without @, *, port or blanks'),
  });
  return z.NEVER;
});

/** An entry of the list of own domains. */
export const ownDomain = z
  .string()
  .refine(
    (text) => parseDomainList(text).ok,
    fault('is no domain', 'write a domain such as example.com, or *.example.com for everything below it'),
  );

/** A DNS name or an address of another machine. */
export const host = z
  .string()
  .refine(
    (text) => canonicalAddress(text) !== undefined || canonicalDomain(text) !== undefined,
    fault(
      'is neither a host name nor an address',
      'write a name such as mail.example.com, or an address; the port goes into `port`',
    ),
  );

/** An address of this machine, canonical. */
export const address = z.string().transform((text, context) => {
  const canonical = canonicalAddress(text);
  if (canonical !== undefined) return canonical;
  context.issues.push({
    code: 'custom',
    input: text,
    ...fault('is no address', 'write an IPv4 or IPv6 address such as 0.0.0.0, 192.0.2.1 or ::'),
  });
  return z.NEVER;
});

/** A network in CIDR notation, or one address. */
export const network = z.string().transform((text, context): Prefix => {
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix;
  context.issues.push({
    code: 'custom',
    input: text,
    ...fault(
      'is no network',
      'write an address, or a network such as 192.0.2.0/24 whose bits behind the slash length are zero',
    ),
  });
  return z.NEVER;
});

/**
 * Fewest bits of a network whose addresses are trusted with something. 10.0.0.0/8 and fc00::/7 are the widest private ones;
 * anything wider trusts strangers.
 */
export const TRUSTED_NETWORK_BITS_MIN = { 4: 8, 6: 7 } as const;

/** A network that is trusted: not the world, nor half of it. */
export const trustedNetwork = network.refine(
  ({ family, length }) => length >= TRUSTED_NETWORK_BITS_MIN[family],
  fault(
    'trusts too much of the internet',
    `name the networks that are yours, none wider than /${TRUSTED_NETWORK_BITS_MIN[4]} (IPv4) or /${TRUSTED_NETWORK_BITS_MIN[6]} (IPv6)`,
  ),
);

/** An address for people, as it stands in refusals. */
export const mailAddress = matching(
  /^[A-Za-z0-9.!#$&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$/,
  'is no mail address',
  'write an address such as postmaster@example.com',
);

/** A secret stands in place of its reference. */
export const SECRET_ERROR = 'secret';

/** Where a secret is: never in the configuration file itself. */
export const secretReference = z.union(
  [
    z.strictObject({
      file: filePath.describe('File that holds the secret and nothing else; a line end behind it is dropped.'),
    }),
    z.strictObject({
      env: matching(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no variable', 'write a name such as KEY_PASSPHRASE').describe(
        'Environment variable that holds the secret.',
      ),
    }),
  ],
  { error: SECRET_ERROR },
);
export type SecretReference = z.infer<typeof secretReference>;

/** An address of the web without a secret in it. */
export const publicUrl = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    context.addIssue({
      code: 'custom',
      ...secretFault(
        'is no web address',
        'write an address that begins with https:// or http://, or where it is kept: {file: path} or {env: NAME}',
      ),
    });
  } else if (url.username !== '' || url.password !== '') {
    context.addIssue({
      code: 'custom',
      ...secretFault('holds a password', 'keep the whole address out of this file: write {file: path} or {env: NAME}'),
    });
  }
});

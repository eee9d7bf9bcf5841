import { type Buffer, isUtf8 } from 'node:buffer';
import { decodeSasl, type SaslData } from './sasl.ts';

/** Longest account name that is taken for one, UTF-16 code units. */
export const ACCOUNT_LENGTH_MAX = 254;
/** Lines of an exchange that are looked at: no mechanism that is known says more in its first ones. */
export const SASL_LINES_KEPT_MAX = 3;

/** What an exchange showed. */
export interface ShownCredentials {
  /** In one form for all ways to write it: NFC, lower case, without blanks around it. */
  readonly account: string;
  /** Octets as they were sent, whatever their character set. Undefined where the mechanism does not show it. */
  readonly password: Uint8Array | undefined;
}

let create: (shown: ShownCredentials) => SaslCredentials;
let shownBy: (credentials: SaslCredentials) => ShownCredentials;

/**
 * Who somebody said he was, and by what password: on its way to the keyed hashes of an event, and nowhere else. No getter, and
 * every way to print it says nothing.
 */
export class SaslCredentials {
  readonly #shown: ShownCredentials;

  private constructor(shown: ShownCredentials) {
    this.#shown = shown;
  }

  static {
    create = (shown) => new SaslCredentials(shown);
    shownBy = (credentials) => credentials.#shown;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** For whoever makes the hashes, and for nobody else. */
export const revealCredentials = (credentials: SaslCredentials): ShownCredentials => shownBy(credentials);

/**
 * What the client's lines of an exchange show.
 *
 * @param mechanism - In upper case.
 * @param lines - The initial response, if there was one, and the lines after it.
 * @returns undefined where they show no account: an unknown mechanism, or data that is none of it.
 */
export function credentialsOf(mechanism: string, lines: readonly SaslData[]): SaslCredentials | undefined {
  const decoded = lines.map(decodeSasl);
  // An empty initial response says nothing yet. The first line of LOGIN is the account, and be it empty: the next is a password.
  const first = mechanism === 'LOGIN' ? 0 : decoded.findIndex(({ length }) => length > 0);
  const shown = readers.get(mechanism.startsWith('SCRAM-') ? 'SCRAM' : mechanism)?.(decoded.slice(Math.max(0, first)));
  const account = shown?.account.normalize('NFC').trim().toLowerCase() ?? '';
  if (shown === undefined || account === '' || account.length > ACCOUNT_LENGTH_MAX) return undefined;
  return create({ account, password: shown.password });
}

type Reader = (lines: readonly Buffer[]) => ShownCredentials | undefined;

/** Every known mechanism wants UTF-8. What is not would be one account with whatever differs in those octets only. */
const text = (octets: Buffer | undefined): string | undefined =>
  octets !== undefined && isUtf8(octets) ? octets.toString('utf8') : undefined;
const shownWith = (account: string | undefined, password: Uint8Array | undefined): ShownCredentials | undefined =>
  account === undefined ? undefined : { account, password };
/** Finds the account in the first line, which shows no password. */
const namedBy =
  (pattern: RegExp): Reader =>
  ([line]) =>
    shownWith(pattern.exec(text(line) ?? '')?.[1], undefined);
/** {@link namedBy} with a `saslname` of RFC 5801 section 4: comma and equals sign are escaped. */
const saslNamedBy =
  (pattern: RegExp): Reader =>
  (lines) => {
    const account = namedBy(pattern)(lines)?.account;
    return shownWith(account?.replaceAll('=2C', ',').replaceAll('=3D', '='), undefined);
  };

const readers: ReadonlyMap<string, Reader> = new Map(
  Object.entries<Reader>({
    /** RFC 4616: authorization identity, NUL, authentication identity, NUL, password. */
    PLAIN: ([line]) => {
      const [, account, password, ...rest] = line === undefined ? [] : partsAtNul(line);
      return password === undefined || rest.length > 0 ? undefined : shownWith(text(account), password);
    },
    /** Nobody's standard: the account, then the password. */
    LOGIN: ([account, password]) => shownWith(text(account), password),
    /** RFC 2195: the account, a blank, a digest that depends on the challenge. */
    'CRAM-MD5': namedBy(/^(.+) [0-9a-f]{32}$/),
    /** `user=` account, ^A, a token that is not looked at. */
    XOAUTH2: namedBy(/^user=([^\u0001]+)\u0001/),
    /** RFC 7628: the account in the header of RFC 5801. */
    OAUTHBEARER: saslNamedBy(/^[nyp][^,]*,a=([^,]+),/),
    /** RFC 5802: the account in the first message. */
    SCRAM: saslNamedBy(/^[nyp][^,]*,[^,]*,n=([^,]+),r=/),
  }),
);

function partsAtNul(octets: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let at = octets.indexOf(0); at >= 0; at = octets.indexOf(0, start)) {
    parts.push(octets.subarray(start, at));
    start = at + 1;
  }
  return [...parts, octets.subarray(start)];
}

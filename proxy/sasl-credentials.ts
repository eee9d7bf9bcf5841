import type { Buffer } from 'node:buffer';
import { decodeSasl, type SaslData } from './sasl.ts';

/** Longest account name that is taken for one, UTF-16 code units. */
export const ACCOUNT_LENGTH_MAX = 254;
/** Lines of an exchange that are looked at: no mechanism that is known says more in its first ones. */
export const SASL_LINES_KEPT_MAX = 3;

/** What an exchange showed. */
export interface ShownCredentials {
  /** In one form for all ways to write it: NFC, lower case, without blanks around it. */
  readonly account: string;
  /** Undefined where the mechanism does not show it. */
  readonly password: string | undefined;
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
  const shown = readers.get(mechanism.startsWith('SCRAM-') ? 'SCRAM' : mechanism)?.(lines.map(decodeSasl));
  const account = shown?.account.normalize('NFC').trim().toLowerCase() ?? '';
  if (shown === undefined || account === '' || account.length > ACCOUNT_LENGTH_MAX) return undefined;
  return create({ account, password: shown.password });
}

type Reader = (lines: readonly Buffer[]) => ShownCredentials | undefined;

const text = (octets: Buffer): string => octets.toString('utf8');
const named = (account: string | undefined): ShownCredentials | undefined =>
  account === undefined ? undefined : { account, password: undefined };

const readers: ReadonlyMap<string, Reader> = new Map(
  Object.entries<Reader>({
    /** RFC 4616: authorization identity, NUL, authentication identity, NUL, password. */
    PLAIN: ([line]) => {
      const [, account, password, ...rest] = line === undefined ? [] : text(line).split('\0');
      return account === undefined || password === undefined || rest.length > 0 ? undefined : { account, password };
    },
    /** Nobody's standard: the account, then the password. */
    LOGIN: ([account, password]) =>
      account === undefined
        ? undefined
        : { account: text(account), password: password === undefined ? undefined : text(password) },
    /** RFC 2195: the account, a blank, a digest that depends on the challenge. */
    'CRAM-MD5': ([line]) => named(line === undefined ? undefined : /^(.+) [0-9a-f]{32}$/.exec(text(line))?.[1]),
    /** `user=` account, ^A, a token that is not looked at. */
    XOAUTH2: ([line]) => named(line === undefined ? undefined : /^user=([^\u0001]+)\u0001/.exec(text(line))?.[1]),
    /** RFC 7628: the account in the header of RFC 5801. */
    OAUTHBEARER: ([line]) => named(line === undefined ? undefined : /^[nyp][^,]*,a=([^,]+),/.exec(text(line))?.[1]),
    /** RFC 5802: the account in the first message; comma and equals sign are escaped. */
    SCRAM: ([line]) =>
      named(
        line === undefined
          ? undefined
          : /^[nyp][^,]*,[^,]*,n=([^,]+),r=/.exec(text(line))?.[1]?.replaceAll('=2C', ',').replaceAll('=3D', '='),
      ),
  }),
);

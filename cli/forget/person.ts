import { randomBytes, randomInt } from 'node:crypto';
import { domainToUnicode } from 'node:url';
import { ACCOUNTS_MAX, type Forgetting, PSEUDONYM_PREFIX, WORD_LETTERS } from '../../events/forgetting.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { parseForwardPath } from '../../proxy/path.ts';
import { accountHashes } from '../io/credential-hashes.ts';
import { LOCAL_PART_KEY_OCTETS, localPartHashes } from '../io/local-part-hashes.ts';
import type { SiteSecret } from '../io/site-secret.ts';

/** Whom the operator named. */
export interface Person {
  /** NFC, lower case, without quoting. */
  readonly local: string;
  /** A-labels in lower case, or an address literal with its brackets. */
  readonly domain: string;
  /** Other names of his accounts than the address, in the form in which events have them. */
  readonly accounts: readonly string[];
}

/** @param accounts - With commas between them. @returns One line that says what is wrong. */
export function personOf(address: string, accounts = ''): Result<Person, string> {
  const path = parseForwardPath(address);
  if (!path.ok || path.value.kind === 'postmaster' || path.value.sourceRoute.length > 0)
    return err('that is no mail address: write it like anna@example.com');
  const { localPart, domain } = path.value;
  const name = domain.kind === 'name' ? domain.ascii : domain.text.toLowerCase();
  if (name === undefined) return err('what stands behind the at sign is no domain');
  const named = accounts
    .split(',')
    .map(normalOf)
    .filter((each) => each !== '');
  if (named.length > ACCOUNTS_MAX / 2 - 2) return err(`--account names more than ${ACCOUNTS_MAX / 2 - 2} accounts`);
  return ok({ local: normalOf(localPart), domain: name, accounts: [...new Set(named)] });
}

const normalOf = (name: string): string => name.normalize('NFC').trim().toLowerCase();

/** Pseudonyms for a person, new ones each time. @param secret - Undefined: keyed hashes of him cannot be known. */
export function newForgetting({ local, domain, accounts }: Person, secret: SiteSecret | undefined): Forgetting {
  const key = randomBytes(8);
  const plain = accounts.map((from) => ({ from, to: `${PSEUDONYM_PREFIX}${randomWord()}` }));
  const hashes = secret === undefined ? undefined : hashesOf({ local, domain, accounts }, secret);
  return {
    local,
    domain,
    word: randomWord(),
    key: { first: key.readInt32LE(0), second: key.readInt32LE(4) },
    ...(hashes === undefined ? {} : { localHash: hashes.local }),
    accounts: [...plain, ...(hashes?.accounts ?? [])],
  };
}

type Replaced = Forgetting['accounts'][number];

function hashesOf(
  { local, domain, accounts }: Person,
  secret: SiteSecret,
): { readonly local: Replaced; readonly accounts: Replaced[] } {
  const hashOf = accountHashes(secret);
  const hashLocalPart = localPartHashes(secret.derive('local parts', LOCAL_PART_KEY_OCTETS));
  const names = new Set([`${local}@${domain}`, `${local}@${domainToUnicode(domain) || domain}`, ...accounts]);
  return {
    local: sameLength(hashLocalPart(local)),
    accounts: [...names].map((name) => sameLength(hashOf(name))),
  };
}

const sameLength = (from: string): Replaced => ({ from, to: randomBytes(from.length / 2).toString('hex') });

const randomWord = (): string =>
  Array.from({ length: WORD_LETTERS }, () => String.fromCharCode(0x61 + randomInt(26))).join('');

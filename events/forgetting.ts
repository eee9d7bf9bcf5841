import { z } from 'zod';

/** Letters of the word that a pseudonym has of its own: nobody gets two that are the same. */
export const WORD_LETTERS = 16;
/** In front of it. */
export const PSEUDONYM_PREFIX = 'forgotten-';
/** Account names of one person, their keyed hashes included, at most. */
export const ACCOUNTS_MAX = 64;
/** Longest local part, domain or account name, UTF-16 code units. */
const NAME_LENGTH_MAX = 512;

const name = z.string().min(1).max(NAME_LENGTH_MAX);
const replaced = z.object({ from: name, to: name });
const word32 = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1);

/**
 * Who is to be forgotten, and what stands in place of each name. All of it is chosen at random in one run and thrown away behind it:
 * then there is no way from the pseudonym back.
 */
export const forgettingSchema = z.object({
  /** Local part: without quoting, NFC, lower case. */
  local: name,
  /** A-labels in lower case, or an address literal with its brackets. It stays. */
  domain: name,
  /** Letters of the pseudonym. */
  word: z.string().regex(new RegExp(`^[a-z]{${WORD_LETTERS}}$`)),
  /** Of the pseudonyms of other spellings and of details. */
  key: z.object({ first: word32, second: word32 }),
  /** Keyed hash of the local part, where the secret of the site is known. */
  localHash: replaced.optional(),
  /** Values of fields that name an account: names in the form in which events have them, and their keyed hashes. */
  accounts: z.array(replaced).max(ACCOUNTS_MAX),
});
export type Forgetting = Readonly<z.infer<typeof forgettingSchema>>;

/** What stands in place of the address where it is written in lower case. */
export const pseudonymOf = ({ word, domain }: Pick<Forgetting, 'word' | 'domain'>): string =>
  `${PSEUDONYM_PREFIX}${word}@${domain}`;

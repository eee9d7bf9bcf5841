import type { DomainList } from './domain-list.ts';
import type { Lists } from './policy/rule.ts';
import type { RecipientList } from './recipient-list.ts';
import type { RecipientMemory } from './recipient-memory.ts';

/** A list, or that it should be there and was never loaded. */
export type Loaded<List> = List | 'unavailable';

/** The snapshots that policy looks into; a reload makes new lists of new snapshots. */
export interface ListSources {
  /** From configuration, files and addresses: a domain is ours if any of them says so. */
  readonly domains: readonly Loaded<DomainList>[];
  /** Our public addresses, canonical. */
  readonly ownAddresses: ReadonlySet<string>;
  /** None where only the server behind knows its addresses. An address is known if any of them says so. */
  readonly recipients: readonly Loaded<RecipientList>[];
  /** The one thing here that changes: what the server behind refused a moment ago. */
  readonly memory: Pick<RecipientMemory, 'refused'>;
}

/**
 * What the rules may ask. A `no` is only certain when every list was loaded: while one is missing that could say otherwise
 * the answer is `unavailable`. Without any list of domains nothing is known to be ours, nor not to be.
 */
export function createLists({
  domains,
  ownAddresses,
  recipients,
  memory,
}: ListSources): Omit<Lists, 'accountGuard' | 'bounceScrutiny' | 'hasSent'> {
  const someDomainsMissing = domains.length === 0 || domains.includes('unavailable');
  const domainLists = loadedOf(domains);
  const someRecipientsMissing = recipients.includes('unavailable');
  const recipientLists = loadedOf(recipients);
  return {
    isOwnDomain(asciiDomain) {
      if (domainLists.some((list) => list.contains(asciiDomain))) return true;
      return someDomainsMissing ? 'unavailable' : false;
    },
    isOwnAddress: (address) => ownAddresses.has(address),
    isKnownRecipient(localPart, asciiDomain) {
      const answers = recipientLists.map((list) => list.isKnown(localPart, asciiDomain));
      if (answers.includes(true)) return true;
      if (someRecipientsMissing) return 'unavailable';
      return answers.includes(false) ? false : 'no-list';
    },
    isNearMiss: (localPart, asciiDomain) => recipientLists.some((list) => list.isNearMiss(localPart, asciiDomain)),
    refusedRecently: (ip, forwardPath, wallMs) => memory.refused(ip, forwardPath, wallMs),
  };
}

const loadedOf = <List extends object>(lists: readonly Loaded<List>[]): readonly List[] =>
  lists.filter((list) => list !== 'unavailable');

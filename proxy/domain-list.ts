import { err, ok, type Result } from '../lib/result.ts';
import { finish, type Steps } from '../lib/steps.ts';
import { isHostName } from './host-name.ts';
import { LIST_LINE_LENGTH_MAX, LIST_LINES_PER_STEP, type ListFault, ListFaults, listLines } from './list-lines.ts';
import { canonicalDomain } from './path.ts';

/** Most domains of one list. */
export const DOMAINS_MAX = 1_000_000;

/** Domains of ours; immutable. */
export interface DomainList {
  /** Lines it was made of, wildcards included. */
  readonly size: number;
  /** @param ascii - Canonical, as `canonicalDomain` of path.ts gives it. */
  contains(ascii: string): boolean;
}

/**
 * Reads a list of domains, one a line: `example.com`, or `*.example.com` or `.example.com` for everything below it (and not
 * for itself). U-labels and any case are read as what they mean. `#` begins a comment.
 *
 * A list with a fault is refused as a whole, and so is one without a domain: a file cut short or a page of an HTTP error must
 * not turn everybody away, while the list in force goes on.
 *
 * @returns The list, or every fault with its line.
 */
export const parseDomainList = (text: string, domainsMax = DOMAINS_MAX): Result<DomainList, readonly ListFault[]> =>
  finish(domainListSteps(text, domainsMax));

/** {@link parseDomainList} in steps: a list of a million domains takes a second. */
export function* domainListSteps(
  text: string,
  domainsMax = DOMAINS_MAX,
): Steps<Result<DomainList, readonly ListFault[]>> {
  const names = new Set<string>();
  const parents = new Set<string>();
  const faults = new ListFaults();
  for (const { line, entry } of listLines(text)) {
    if (line % LIST_LINES_PER_STEP === 0) yield;
    if (entry === '') continue;
    const domain = readEntry(entry);
    if (typeof domain === 'string') {
      faults.add(line, domain);
      continue;
    }
    (domain.below ? parents : names).add(domain.ascii);
    if (names.size + parents.size > domainsMax) return err([{ line, reason: `more than ${domainsMax} domains` }]);
  }
  if (faults.all.length > 0) return err(faults.all);
  const size = names.size + parents.size;
  if (size === 0) return err([{ line: 0, reason: 'no domain in the list' }]);
  return ok({ size, contains: (ascii) => names.has(ascii) || isBelow(ascii, parents) });
}

interface Entry {
  readonly ascii: string;
  /** It stands for everything below that domain. */
  readonly below: boolean;
}

/** One line, or what is wrong with it. */
function readEntry(entry: string): Entry | string {
  if (entry.length > LIST_LINE_LENGTH_MAX) return 'line too long';
  const prefixLength = entry.startsWith('*.') ? 2 : entry.startsWith('.') ? 1 : 0;
  const below = prefixLength > 0;
  const ascii = canonicalDomain(entry.slice(prefixLength));
  if (ascii === undefined || !isHostName(ascii)) return 'not a domain name';
  // `*.com` would take in half of the world: an open relay by one missing word.
  if (below && !ascii.includes('.')) return 'everything below a top-level domain cannot be ours';
  return { ascii, below };
}

function isBelow(ascii: string, parents: ReadonlySet<string>): boolean {
  if (parents.size === 0 || !isHostName(ascii)) return false;
  for (let dot = ascii.indexOf('.'); dot !== -1; dot = ascii.indexOf('.', dot + 1)) {
    if (parents.has(ascii.slice(dot + 1))) return true;
  }
  return false;
}

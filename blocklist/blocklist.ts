import type { Role } from '../events/event.ts';
import { type Address, parseAddress, prefixOf } from '../lib/ip.ts';
import { type BlocklistEntry, blocklistActions } from './entry.ts';

/** The decisions in force, as a gate asks for them. */
export interface Blocklist {
  /**
   * The entry that holds for a source now.
   *
   * @param ip - Canonical address.
   * @param nowMs - Integer milliseconds since 1970-01-01 UTC.
   */
  lookup(ip: string, role: Role, nowMs: number): BlocklistEntry | undefined;
}

/** No decision is in force. */
export const emptyBlocklist: Blocklist = { lookup: () => undefined };

/**
 * A blocklist of these entries. The longest prefix wins, whatever stands around it; of two with the same prefix the stronger
 * action, then the later end. An entry that is over, holds for other roles or only observes never hides one that acts.
 */
export function blocklistOf(entries: Iterable<BlocklistEntry>): Blocklist {
  const byPrefix = new Map<string, BlocklistEntry[]>();
  const lengths = { 4: new Set<number>(), 6: new Set<number>() };
  for (const entry of entries) {
    lengths[entry.prefix.family].add(entry.prefix.length);
    byPrefix.set(entry.prefix.text, [...(byPrefix.get(entry.prefix.text) ?? []), entry].sort(strongestFirst));
  }
  const longestFirst = { 4: descending(lengths[4]), 6: descending(lengths[6]) };
  const around = (address: Address): BlocklistEntry[] =>
    longestFirst[address.family].flatMap((length) => byPrefix.get(prefixOf(address, length).text) ?? []);
  return {
    lookup(ip, role, nowMs) {
      const address = parseAddress(ip);
      if (address === undefined) return undefined;
      const inForce = around(address).filter(({ untilMs, roles }) => nowMs < untilMs && roles.includes(role));
      return inForce.find(({ observed }) => !observed) ?? inForce[0];
    },
  };
}

const strongestFirst = (a: BlocklistEntry, b: BlocklistEntry): number =>
  blocklistActions.indexOf(b.action) - blocklistActions.indexOf(a.action) || b.untilMs - a.untilMs;

const descending = (lengths: Iterable<number>): readonly number[] => [...lengths].sort((a, b) => b - a);

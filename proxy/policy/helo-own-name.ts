import { canonicalAddress } from '../../lib/ip.ts';
import { canonicalDomain, parseDomain } from '../path.ts';
import { found } from './refusal.ts';
import type { Answer, Lists, Rule, SourceFacts } from './rule.ts';
import { untrusted } from './source-class.ts';

const ours: Answer = { action: 'refuse', code: 550, enhanced: '5.7.1', reason: 'the name in EHLO is ours, not yours' };

/** No other server has our name; who uses it all the same hopes to be taken for one of us. */
export const heloOwnName: Rule<'helo'> = {
  id: 'helo.own-name',
  stage: 'helo',
  concerns: untrusted,
  summary: 'On mx, the name in EHLO or HELO is a name or an address of ours.',
  answers: [ours],
  check: (facts, lists) =>
    facts.role === 'mx' && isOurs(facts.name, facts, lists) ? found('helo.own-name', ours, facts) : undefined,
};

function isOurs(name: string, { settings }: SourceFacts, lists: Lists): boolean {
  const domain = parseDomain(name);
  // Many write an address without the brackets of a literal.
  const address = domain?.kind === 'literal' ? domain.address : canonicalAddress(name);
  if (address !== undefined) return settings.ownNames.has(address) || lists.isOwnAddress(address);
  if (domain?.kind !== 'name' || domain.ascii === undefined) return false;
  return settings.ownNames.has(domain.ascii) || domain.ascii === canonicalDomain(settings.hostname);
}

import { expect, test } from 'vitest';
import type { BlocklistAction, BlocklistEntry } from '../../../blocklist/entry.ts';
import { PrefixSet, parsePrefix } from '../../../lib/ip.ts';
import { type AdmissionFacts, admit } from '../../../proxy/policy/admission.ts';
import { unrestrained } from '../../../proxy/policy/source-blocked.ts';
import { anEntry } from '../../support/decisions.ts';
import { REFERENCE, someSettings } from './facts.ts';

const setOf = (...texts: readonly string[]): PrefixSet =>
  new PrefixSet(texts.map((text) => parsePrefix(text)).filter((prefix) => prefix !== undefined));

const enforcing = someSettings({}, { 'source.blocked': 'enforce' });
const light = { total: false, strangers: false, perSource: false, rate: false };

const facts = (more: Partial<AdmissionFacts> = {}): AdmissionFacts => ({
  arrival: { ip: '198.51.100.7', port: 40_000, localAddress: '192.0.2.1', localPort: 25, viaProxyProtocol: false },
  role: 'mx',
  networks: { trusted: setOf(), never: setOf(), normalised: setOf(), providers: setOf() },
  load: light,
  blocked: undefined,
  stressed: false,
  withHistory: false,
  settings: enforcing,
  reference: REFERENCE,
  ...more,
});

const inNetworks = (name: 'trusted' | 'never' | 'providers'): Partial<AdmissionFacts> => ({
  networks: { ...facts().networks, [name]: setOf('198.51.100.0/24') },
});

function entry(action: BlocklistAction, observed = false): BlocklistEntry {
  return anEntry({ action, observed });
}

test('an ordinary client comes in', () => {
  expect(admit(facts())).toEqual({
    verdict: { action: 'accept', observed: [] },
    ip: '198.51.100.7',
    port: 40_000,
    localAddress: '192.0.2.1',
    localPort: 25,
    viaProxyProtocol: false,
    trustedNetwork: false,
    withHistory: false,
    neverListed: false,
    provider: false,
    normaliseLineEndings: false,
    stressed: false,
    restraint: unrestrained,
  });
});

test('networks tell who it is', () => {
  const here = setOf('198.51.100.0/24', '2001:db8:7::/48');
  const networks = { trusted: here, never: here, normalised: here, providers: here };
  const known = {
    trustedNetwork: true,
    neverListed: true,
    provider: true,
    normaliseLineEndings: true,
    withHistory: true,
  };
  expect(admit(facts({ networks, withHistory: true }))).toMatchObject(known);
  const arrival = { ...facts().arrival, ip: '2001:db8:7::1', viaProxyProtocol: true };
  expect(admit(facts({ networks, arrival, withHistory: true }))).toMatchObject({ ...known, viaProxyProtocol: true });
  expect(admit(facts({ networks, arrival: { ...arrival, ip: '198.51.101.7' } }))).toMatchObject({
    trustedNetwork: false,
    neverListed: false,
    provider: false,
    normaliseLineEndings: false,
  });
});

test.each([
  { action: 'refuse', want: { action: 'refuse', rule: 'source.blocked', reply: { code: 554, enhanced: '5.7.1' } } },
  { action: 'defer', want: { action: 'close', rule: 'source.blocked', reply: { code: 421, enhanced: '4.7.0' } } },
  { action: 'drop', want: { action: 'close', rule: 'source.blocked', silent: true } },
] as const)('a decision to $action', ({ action, want }) => {
  const { verdict } = admit(facts({ blocked: entry(action) }));
  expect(verdict).toMatchObject(want);
  if (action !== 'drop') expect(verdict).not.toHaveProperty('silent');
});

test('a decision to slow it down lets it in, and its commands wait', () => {
  const slowed = admit(facts({ blocked: entry('slow') }));
  expect(slowed).toMatchObject({ verdict: { action: 'accept', observed: [] }, restraint: { slowMs: 3000 } });
  const observed = admit(facts({ blocked: entry('slow', true) }));
  expect(observed).toMatchObject({
    verdict: { observed: [{ rule: 'source.blocked', action: 'slow' }] },
    restraint: unrestrained,
  });
  const never = { trusted: setOf(), never: setOf('198.51.100.7'), normalised: setOf(), providers: setOf() };
  expect(admit(facts({ blocked: entry('slow'), networks: never }))).toMatchObject({ restraint: unrestrained });
});

test('only a drop is silent', () => {
  const verdict = admit(facts({ load: { ...light, total: true } })).verdict;
  expect(verdict).not.toHaveProperty('silent');
});

test.each([
  { limit: 'total', rule: 'limits.total' },
  { limit: 'perSource', rule: 'limits.per-source' },
  { limit: 'rate', rule: 'limits.rate' },
] as const)('over the limit $rule: 421 and the end', ({ limit, rule }) => {
  const { verdict } = admit(facts({ load: { ...light, [limit]: true } }));
  expect(verdict).toMatchObject({ action: 'close', rule, reply: { code: 421, enhanced: '4.7.0' } });
  expect(verdict).toMatchObject({ reply: { text: expect.stringContaining(`[${rule} ${REFERENCE}]`) } });
});

test.each([
  { who: 'a stranger', more: {}, action: 'close' },
  { who: 'a source with history', more: { withHistory: true }, action: 'accept' },
  { who: 'a provider', more: inNetworks('providers'), action: 'accept' },
  { who: 'a trusted network', more: inNetworks('trusted'), action: 'accept' },
  { who: 'a never-listed source', more: inNetworks('never'), action: 'accept' },
])('where only the reserve is left $who gets: $action', ({ more, action }) => {
  const load = { ...light, strangers: true };
  expect(admit(facts({ load, ...more })).verdict).toMatchObject(
    action === 'close' ? { action, rule: 'limits.total' } : { action },
  );
  expect(admit(facts({ load: { ...load, total: true }, ...more })).verdict).toMatchObject({ rule: 'limits.total' });
});

test('the rules come in their order', () => {
  const load = { total: true, strangers: true, perSource: true, rate: true };
  expect(admit(facts({ load, blocked: entry('drop') })).verdict).toMatchObject({ rule: 'source.blocked' });
  expect(admit(facts({ load })).verdict).toMatchObject({ rule: 'limits.total' });
  expect(admit(facts({ load: { ...load, total: false, strangers: false } })).verdict).toMatchObject({
    rule: 'limits.per-source',
  });
});

test.each(['total', 'strangers', 'perSource', 'rate'] as const)(
  'who is refused by a decision may not stay where the limit %s is exceeded: the same reply, and the end',
  (limit) => {
    expect(admit(facts({ blocked: entry('refuse') })).verdict).toMatchObject({
      action: 'refuse',
      reply: { code: 554 },
    });
    const crowded = admit(facts({ blocked: entry('refuse'), load: { ...light, [limit]: true } })).verdict;
    expect(crowded).toMatchObject({ action: 'close', rule: 'source.blocked', reply: { code: 554 } });
  },
);

test('a rule or a decision that only observes lets in and is recorded, beside a refusal as well', () => {
  const observed = [{ rule: 'source.blocked', action: 'refuse' }];
  const settings = someSettings({}, { 'source.blocked': 'observe' });
  expect(admit(facts({ settings, blocked: entry('refuse') })).verdict).toEqual({ action: 'accept', observed });
  expect(admit(facts({ blocked: entry('refuse', true) })).verdict).toEqual({ action: 'accept', observed });
  const full = { ...light, total: true };
  expect(admit(facts({ settings, load: full, blocked: entry('refuse') })).verdict).toMatchObject({
    rule: 'limits.total',
    observed,
  });
  const off = someSettings({}, { 'source.blocked': 'off' });
  expect(admit(facts({ settings: off, blocked: entry('refuse') })).verdict).toEqual({ action: 'accept', observed: [] });
});

test('a never-listed source is exempt from decisions and from nothing else, trusted network or not', () => {
  const here = setOf('198.51.100.7');
  const never = { trusted: setOf(), never: here, normalised: setOf(), providers: setOf() };
  const both = { ...never, trusted: here };
  for (const networks of [never, both])
    expect(admit(facts({ networks, blocked: entry('drop') })).verdict).toEqual({ action: 'accept', observed: [] });
  expect(admit(facts({ networks: never, load: { ...light, perSource: true } })).verdict).toMatchObject({
    rule: 'limits.per-source',
  });
  for (const networks of [never, both])
    expect(admit(facts({ networks, load: { ...light, total: true } })).verdict).toMatchObject({ rule: 'limits.total' });
});

test('the total cannot be switched off', () => {
  const settings = someSettings({}, { 'limits.total': 'off' });
  expect(admit(facts({ settings, load: { ...light, total: true } })).verdict).toMatchObject({ action: 'close' });
});

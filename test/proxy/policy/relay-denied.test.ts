import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDomainList } from '../../../proxy/domain-list.ts';
import { createLists } from '../../../proxy/lists.ts';
import { parseForwardPath } from '../../../proxy/path.ts';
import { evaluate } from '../../../proxy/policy/evaluate.ts';
import { allowedModes, defaultModes, observeAll } from '../../../proxy/policy/modes.ts';
import { relayDenied } from '../../../proxy/policy/relay-denied.ts';
import type { Lists, SourceClass } from '../../../proxy/policy/rule.ts';
import { type Mode, type RuleId, ruleIds } from '../../../proxy/settings.ts';
import { codesOf, rcptFacts, someLists, someSettings } from './facts.ts';

const found = (to: string, lists: Lists = someLists()) => codesOf(relayDenied.check(rcptFacts(to), lists));

test.each([
  'b@example.com',
  'b@EXAMPLE.com',
  'b@example.com.',
  'b@ｅxample.com',
  'b@example。com',
  'b@bücher.example',
  'b@BÜCHER.example',
  'b@XN--bcher-kva.example',
  '"b c"@example.com',
  'postmaster',
  'PostMaster',
  'b@[192.0.2.1]',
  'b@[IPv6:2001:DB8:0::1]',
  '@example.com:b@example.com',
])('%s is ours', (to) => expect(found(to)).toBeUndefined());

test.each([
  'b@elsewhere.example',
  'b@sub.example.com',
  'b@example.co',
  'b@example.com.elsewhere.example',
  'b@notexample.com',
  'b@example.c\u043em',
  'b@192.0.2.1',
  'b@[192.0.2.2]',
  'b@[IPv6:2001:db8::2]',
  'postmaster@elsewhere.example',
  '"b@example.com"@elsewhere.example',
  'b%example.com@elsewhere.example',
  '@example.com:b@elsewhere.example',
  '@elsewhere.example:b@elsewhere.example',
])('%s is not', (to) => expect(found(to)).toBe('554 5.7.1'));

test.each([
  '@elsewhere.example:b@example.com',
  '@example.com,@elsewhere.example:b@example.com',
  '@[192.0.2.2]:b@example.com',
])('%s goes through a host that is not ours', (to) => expect(found(to)).toBe('550 5.7.1'));

test('a domain without a canonical form is never ours', () => {
  const everything = someLists({ isOwnDomain: () => true });
  expect(found('b@exam\u200dple\u2028.com', everything)).toBe('554 5.7.1');
  expect(found('@exam\u2028ple.com:b@example.com', everything)).toBe('550 5.7.1');
});

test('while our domains are unknown everything is deferred, but for what needs no list', () => {
  const unloaded = someLists({ isOwnDomain: () => 'unavailable' });
  expect(found('b@example.com', unloaded)).toBe('451 4.7.1');
  expect(found('b@elsewhere.example', unloaded)).toBe('451 4.7.1');
  expect(found('@example.com:b@[192.0.2.1]', unloaded)).toBe('451 4.7.1');
  expect(found('b@[192.0.2.2]', unloaded)).toBe('554 5.7.1');
  expect(found('b@[192.0.2.1]', unloaded)).toBeUndefined();
  expect(found('postmaster', unloaded)).toBeUndefined();
});

// Nobody who is not known may send anything anywhere but to us, however it is spelled and whatever may be switched.

const loaded = parseDomainList('example.com\nbücher.example\n*.hosted.example\n');
if (!loaded.ok) throw new Error('the list is good');
const lists = someLists(
  createLists({
    domains: [loaded.value],
    ownAddresses: new Set(['192.0.2.1', '2001:db8::1']),
    recipients: [],
    memory: { refused: () => undefined },
  }),
);

const untrustedClass = fc.constantFrom<SourceClass>('stranger', 'with-history', 'provider', 'never-listed');
const allowedMode = (rule: RuleId): fc.Arbitrary<Mode> => fc.constantFrom(...allowedModes(rule));
const anyAllowedModes = fc.record(
  Object.fromEntries(ruleIds.map((rule) => [rule, allowedMode(rule)])) as Record<RuleId, fc.Arbitrary<Mode>>,
);

/** Spellings of a domain: case, full-width letters, other dots, a trailing dot. */
const spelled = (domain: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.array(fc.constantFrom('as-is', 'upper', 'wide'), { minLength: domain.length, maxLength: domain.length }),
      fc.constantFrom('.', '。', '．', '｡'),
      fc.constantFrom('', '.'),
    )
    .map(([how, dot, end]) => {
      const letters = [...domain].map((char, index) => {
        if (char === '.') return dot;
        if (how[index] === 'upper') return char.toUpperCase();
        return how[index] === 'wide' && /[a-z0-9-]/.test(char)
          ? String.fromCodePoint(char.charCodeAt(0) + 0xfee0)
          : char;
      });
      return letters.join('') + end;
    });

const ours = fc.constantFrom('example.com', 'xn--bcher-kva.example', 'a.hosted.example').chain(spelled);
const foreign = fc.oneof(
  fc
    .constantFrom(
      'elsewhere.example',
      'sub.example.com',
      'example.com.elsewhere.example',
      'hosted.example',
      'example',
      'xn--bcher-kva.example.net',
      'myexample.com',
    )
    .chain(spelled),
  fc
    .ipV4()
    .filter((address) => address !== '192.0.2.1')
    .map((address) => `[${address}]`),
  fc.ipV6().map((address) => `[IPv6:${address}]`),
  fc.ipV4(),
);

const signs = fc.constantFrom('%', '!', '@', '％', '！', '＠', '﹪', '﹫');
const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

const foreignPath = fc.oneof(
  // A foreign domain behind the at sign, plain, quoted, or with ours in front of it.
  fc.tuple(word, foreign).map(([name, domain]) => `${name}@${domain}`),
  fc.tuple(word, ours, foreign).map(([name, own, domain]) => `${quoted(`${name}@${own}`)}@${domain}`),
  fc.tuple(word, ours, foreign).map(([name, own, domain]) => `${name}%${own}@${domain}`),
  // A source route to or through a foreign host.
  fc.tuple(word, ours, foreign).map(([name, own, domain]) => `@${own}:${name}@${domain}`),
  fc.tuple(word, ours, foreign).map(([name, own, domain]) => `@${domain}:${name}@${own}`),
  fc.tuple(word, ours, foreign).map(([name, own, domain]) => `@${own},@${domain}:${name}@${own}`),
);
/** A foreign domain hidden in the local part: what the server behind might route by. */
const hiddenPath = fc.oneof(
  fc.tuple(word, signs, foreign, ours).map(([name, sign, domain, own]) => `${quoted(name + sign + domain)}@${own}`),
  fc.tuple(word, signs, foreign, ours).map(([name, sign, domain, own]) => `${quoted(domain + sign + name)}@${own}`),
  fc
    .tuple(word, fc.constantFrom('%', '!', '％', '！', '＠'), spelled('elsewhere.example'), ours)
    .map(([name, sign, domain, own]) => `${name}${sign}${domain}@${own}`),
);

const isAccepted = (to: string, sourceClass: SourceClass, modes: Readonly<Record<RuleId, Mode>>): boolean => {
  if (!parseForwardPath(to).ok) return false;
  const settings = someSettings({ whenUnavailable: { helo: 'pass', mail: 'pass', rcpt: 'pass', data: 'pass' } }, modes);
  return evaluate('rcpt', rcptFacts(to, { class: sourceClass, settings }), lists).action === 'accept';
};

test('for an untrusted source no forward-path outside our domains is accepted, whatever the modes', () => {
  fc.assert(
    fc.property(foreignPath, untrustedClass, anyAllowedModes, (to, sourceClass, modes) => {
      expect(isAccepted(to, sourceClass, modes)).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test('nor one that hides another domain in the local part, in default modes and under the panic switch', () => {
  fc.assert(
    fc.property(hiddenPath, untrustedClass, (to, sourceClass) => {
      expect(isAccepted(to, sourceClass, defaultModes)).toBe(false);
      expect(isAccepted(to, sourceClass, observeAll(defaultModes))).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test('nothing that the configuration could set wrongly opens the relay', () => {
  const open = Object.fromEntries(ruleIds.map((rule) => [rule, 'off'])) as Record<RuleId, Mode>;
  expect(isAccepted('b@elsewhere.example', 'stranger', open)).toBe(false);
});

test('our domains are accepted in every spelling', () => {
  fc.assert(
    fc.property(word, ours, untrustedClass, (name, domain, sourceClass) => {
      expect(isAccepted(`${name}@${domain}`, sourceClass, defaultModes)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

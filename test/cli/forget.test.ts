import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { newForgetting, personOf } from '../../cli/forget/person.ts';
import { type ForgetReport, formatForgetReport, isWhole } from '../../cli/format/forget-report.ts';
import { accountHashes } from '../../cli/io/credential-hashes.ts';
import { LOCAL_PART_KEY_OCTETS, localPartHashes } from '../../cli/io/local-part-hashes.ts';
import { SiteSecret } from '../../cli/io/site-secret.ts';
import { Forgetter } from '../../events/forgetter.ts';
import { ACCOUNTS_MAX, forgettingSchema, pseudonymOf } from '../../events/forgetting.ts';
import { HOSTILE, TREACHEROUS } from '../support/hostile.ts';

test.each([
  ['anna@example.com', 'anna', 'example.com'],
  ['ANNA@Example.COM.', 'anna', 'example.com'],
  ['"Anna Smith"@example.com', 'anna smith', 'example.com'],
  ['ju\u0308rgen@bücher.example', 'jürgen', 'xn--bcher-kva.example'],
  ['anna@[192.0.2.1]', 'anna', '[192.0.2.1]'],
  ['anna+x@example.com', 'anna+x', 'example.com'],
])('%s is %s at %s', (text, local, domain) => {
  expect(personOf(text)).toEqual({ ok: true, value: { local, domain, accounts: [] } });
});

test.each([
  '',
  'anna',
  'postmaster',
  '@example.com',
  'anna@',
  'anna@exa mple',
  '@relay.example:anna@example.com',
  'a@-x-.example',
  '<anna@example.com>',
])('%s is no person', (text) => {
  expect(personOf(text).ok).toBe(false);
});

test('accounts are taken in their normal form, each once, and not too many', () => {
  expect(personOf('a@example.com', ' Anna.S, anna.s ,,ASMITH')).toMatchObject({
    value: { accounts: ['anna.s', 'asmith'] },
  });
  const names = (count: number): string => Array.from({ length: count }, (_, index) => `a${index}`).join();
  const most = ACCOUNTS_MAX / 2 - 2;
  const person = personOf('a@example.com', names(most));
  expect(person.ok && forgettingSchema.safeParse(newForgetting(person.value, secret)).success).toBe(true);
  expect(personOf('a@example.com', names(most + 1)).ok).toBe(false);
});

const secret = new SiteSecret(randomBytes(32));
const anna = { local: 'anna', domain: 'example.com', accounts: ['asmith'] };

test('pseudonyms are new ones each time, and those of hashes are hashes', () => {
  const [one, other] = [newForgetting(anna, secret), newForgetting(anna, secret)];
  expect(pseudonymOf(one)).toMatch(/^forgotten-[a-z]{16}@example\.com$/);
  expect(pseudonymOf(one)).not.toBe(pseudonymOf(other));
  expect(forgettingSchema.parse(JSON.parse(JSON.stringify(one)))).toEqual(one);
  const forgetter = new Forgetter(one);
  const hash = accountHashes(secret);
  for (const account of ['anna@example.com', 'asmith']) {
    expect(forgetter.account(hash(account))).toMatch(/^[0-9a-f]{32}$/);
    expect(forgetter.account(hash(account))).not.toBe(hash(account));
  }
  expect(forgetter.account(hash('berta'))).toBe(hash('berta'));
  const local = localPartHashes(secret.derive('local parts', LOCAL_PART_KEY_OCTETS))('anna');
  expect(forgetter.text(`h:${local}@example.com`)).toMatch(/^h:[0-9a-f]{16}@example\.com$/);
  expect(forgetter.text(`h:${local}@example.com`)).not.toContain(local);
  expect(newForgetting(anna, undefined)).toMatchObject({ accounts: [{ from: 'asmith' }] });
  expect(newForgetting(anna, undefined).localHash).toBeUndefined();
});

const report: ForgetReport = {
  isDryRun: false,
  pseudonym: 'forgotten-x@example.com',
  log: { 'postern.events': 12 },
  gone: 0,
  unsettled: 0,
  isScrubbed: true,
  isRecorded: true,
  analyzers: 'done',
  history: 'done',
  rows: { events: 10, mails: 2 },
  hashesKnown: true,
  left: [],
};

test.each<readonly [Partial<ForgetReport>, boolean, RegExp]>([
  [{}, true, /^forgotten-x@example\.com stands in .*postern\.events 12.*analyzers +done\n.*events 10, mails 2\n$/s],
  [{ log: {} }, true, /log +none\n/],
  [{ history: 'none', rows: undefined, analyzers: 'none' }, true, /they keep nothing.*none is kept/s],
  [{ history: 'pending', rows: undefined, analyzers: 'pending' }, true, /when they start next.*done when it can/s],
  [{ isDryRun: true, history: 'pending', rows: undefined }, true, /^Nothing was changed.*not counted/s],
  [{ gone: 3 }, true, /3 of them left the log meanwhile/],
  [{ unsettled: 3 }, false, /3 records of the log changed each time/],
  [{ isScrubbed: false }, false, /octets from before are left/],
  [{ isRecorded: false }, false, /did not take the event/],
  [{ hashesKnown: false }, true, /secret of the site is not known/],
  [{ left: [{ place: '/x/lists/a', why: 'a copy' }] }, true, /Left as it is: \/x\/lists\/a: a copy\.\n$/],
])('a report with %j is whole: %s', (change, whole, text) => {
  expect(isWhole({ ...report, ...change })).toBe(whole);
  expect(formatForgetReport({ ...report, ...change })).toMatch(text);
});

test('a report clears no screen', () => {
  const text = formatForgetReport({ ...report, pseudonym: HOSTILE, left: [{ place: HOSTILE, why: HOSTILE }] });
  expect(text).not.toMatch(TREACHEROUS);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blocklistOf, emptyBlocklist } from '../../blocklist/blocklist.ts';
import { type BlocklistEntry, blocklistActions } from '../../blocklist/entry.ts';
import { parseAddress, parsePrefix } from '../../lib/ip.ts';

function entry(text: string, more: Partial<Omit<BlocklistEntry, 'prefix'>> = {}): BlocklistEntry {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`${text} is no range`);
  return {
    id: text,
    prefix,
    action: 'refuse',
    untilMs: 1_000,
    scenario: 'harvest',
    roles: ['mx', 'submission', 'submissions'],
    observed: false,
    ...more,
  };
}

test('nobody is on an empty one', () => {
  expect(emptyBlocklist.lookup('198.51.100.7', 'mx', 0)).toBeUndefined();
  expect(blocklistOf([]).lookup('198.51.100.7', 'mx', 0)).toBeUndefined();
});

const nested = blocklistOf([
  entry('198.51.100.0/24'),
  entry('198.51.100.7'),
  entry('198.51.0.0/16'),
  entry('2001:db8:7::/48'),
  entry('2001:db8:7:1::/64'),
  entry('::/0'),
]);

test.each([
  { ip: '198.51.100.7', id: '198.51.100.7' },
  { ip: '198.51.100.8', id: '198.51.100.0/24' },
  { ip: '198.51.101.1', id: '198.51.0.0/16' },
  { ip: '198.52.0.1', id: undefined },
  { ip: '2001:db8:7:1::5', id: '2001:db8:7:1::/64' },
  { ip: '2001:db8:7:2::5', id: '2001:db8:7::/48' },
  { ip: '2001:db9::1', id: '::/0' },
  { ip: 'no address', id: undefined },
])('the longest prefix around $ip is $id', ({ ip, id }) => expect(nested.lookup(ip, 'mx', 0)?.id).toBe(id));

test('an entry holds until its end, and for its roles', () => {
  const list = blocklistOf([entry('198.51.100.7', { untilMs: 1_000, roles: ['mx'] })]);
  expect(list.lookup('198.51.100.7', 'mx', 999)).toBeDefined();
  expect(list.lookup('198.51.100.7', 'mx', 1_000)).toBeUndefined();
  expect(list.lookup('198.51.100.7', 'submission', 0)).toBeUndefined();
});

test.each([
  { why: 'is over', hidden: { untilMs: 1 } },
  { why: 'holds for another role', hidden: { roles: ['submission'] } },
  { why: 'only observes', hidden: { observed: true } },
] as const)('an entry that $why hides none that acts', ({ hidden }) => {
  const list = blocklistOf([entry('198.51.100.7', hidden), entry('198.51.100.0/24', { action: 'defer' })]);
  expect(list.lookup('198.51.100.7', 'mx', 500)?.id).toBe('198.51.100.0/24');
});

test('an entry that only observes is found where none acts', () => {
  const list = blocklistOf([entry('198.51.100.7', { observed: true })]);
  expect(list.lookup('198.51.100.7', 'mx', 0)).toMatchObject({ observed: true });
});

test('of two with one prefix the stronger action, then the later end', () => {
  const two = (a: Partial<BlocklistEntry>, b: Partial<BlocklistEntry>) =>
    blocklistOf([entry('198.51.100.7', { ...a, id: 'a' }), entry('198.51.100.7', { ...b, id: 'b' })]).lookup(
      '198.51.100.7',
      'mx',
      0,
    )?.id;
  expect(two({ action: 'slow' }, { action: 'defer' })).toBe('b');
  expect(two({ action: 'drop' }, { action: 'refuse' })).toBe('a');
  expect(two({ untilMs: 10 }, { untilMs: 20 })).toBe('b');
  expect(two({ untilMs: 20 }, { untilMs: 10 })).toBe('a');
});

test('it answers as a plain search does', () => {
  const someEntry = fc
    .record({
      octet: fc.nat(7),
      length: fc.constantFrom(29, 30, 31, 32),
      action: fc.constantFrom(...blocklistActions),
      untilMs: fc.nat(3),
      observed: fc.boolean(),
    })
    .map(({ octet, length, ...more }) => entry(`192.0.2.${octet & ~((1 << (32 - length)) - 1)}/${length}`, more));
  fc.assert(
    fc.property(fc.array(someEntry, { maxLength: 8 }), fc.nat(9), fc.nat(3), (entries, octet, nowMs) => {
      const value = parseAddress(`192.0.2.${octet}`)?.value ?? 0n;
      const inForce = entries.filter(
        ({ prefix, untilMs }) => prefix.first <= value && value <= prefix.last && nowMs < untilMs,
      );
      const acting = inForce.filter(({ observed }) => !observed);
      const candidates = acting.length > 0 ? acting : inForce;
      const longest = Math.max(...candidates.map(({ prefix }) => prefix.length));
      const strongest = Math.max(
        ...candidates
          .filter(({ prefix }) => prefix.length === longest)
          .map(({ action }) => blocklistActions.indexOf(action)),
      );
      const found = blocklistOf(entries).lookup(`192.0.2.${octet}`, 'mx', nowMs);
      if (candidates.length === 0) expect(found).toBeUndefined();
      else expect([found?.prefix.length, found?.action]).toEqual([longest, blocklistActions[strongest]]);
    }),
  );
});

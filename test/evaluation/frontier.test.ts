import { describe, expect, test } from 'vitest';
import { fail2banDefault } from '../../evaluation/defenders/fail2ban.ts';
import { postern } from '../../evaluation/defenders/postern.ts';
import {
  type AttackFamily,
  attackFamilies,
  fewestHundredths,
  greatestPerDay,
  HUNDREDTHS_MOST,
  isUnhindered,
  PER_DAY_LEAST,
  PER_DAY_MOST,
} from '../../evaluation/frontier.ts';

const familyOf = (title: string): AttackFamily => {
  const found = attackFamilies.find((family) => family.title === title);
  if (found === undefined) throw new Error(`no such family: ${title}`);
  return found;
};

describe('bisection', () => {
  test('finds a rate to a hundredth', () => {
    for (const bound of [0.3, 2.9, 502.3, 100_000]) {
      const found = greatestPerDay((perDay) => perDay <= bound);
      expect(found).toBeLessThanOrEqual(bound);
      expect(found).toBeGreaterThan(bound / 1.011);
    }
  });

  test('none and any', () => {
    expect(greatestPerDay((perDay) => perDay < PER_DAY_LEAST)).toBe(0);
    expect(greatestPerDay((perDay) => perDay <= PER_DAY_MOST)).toBe(Number.POSITIVE_INFINITY);
  });
});

test('the least share is found though more may be worse', () => {
  expect(fewestHundredths((share) => share >= 0.57 && share < 0.8)).toBe(57);
  expect(fewestHundredths(() => true)).toBe(0);
  expect(fewestHundredths((share) => share > HUNDREDTHS_MOST / 100)).toBeUndefined();
  expect(fewestHundredths((share) => share >= HUNDREDTHS_MOST / 100)).toBe(HUNDREDTHS_MOST);
});

describe('fail2ban', () => {
  const harvest = familyOf('harvest: unknown recipients');

  test('never sees one guess in 172 seconds, and stops one in 171', () => {
    expect(isUnhindered(harvest, 86_400 / 172, fail2banDefault(), 'stopped')).toBe(true);
    expect(isUnhindered(harvest, 86_400 / 171, fail2banDefault(), 'stopped')).toBe(false);
  });
});

describe('Postern', () => {
  const isSlowed = (title: string, perDay: number): boolean =>
    !isUnhindered(familyOf(title), perDay, postern(), 'slowed');

  // The goals, where they are met; docs/detection.md says where they are not.
  test.each([
    ['harvest: unknown recipients', 3],
    ['VRFY, answered 252', 3],
    ['accounts, one password', 2],
  ] as const)('slows %s at %d a day', (title, perDay) => {
    expect(familyOf(title).goalPerDay).toBe(perDay);
    expect(isSlowed(title, perDay)).toBe(true);
  });

  test('a relay probe is slowed at once, and two in a fortnight are not refused', () => {
    expect(isSlowed('relay probes', PER_DAY_LEAST)).toBe(true);
    expect(isUnhindered(familyOf('relay probes'), 2 * PER_DAY_LEAST, postern(), 'stopped')).toBe(true);
  });

  test('a single guess, and connections once a minute, are nothing', () => {
    for (const { title } of attackFamilies.filter(({ title }) => title !== 'relay probes' && !/^commands/.test(title)))
      expect([title, isSlowed(title, PER_DAY_LEAST)]).toEqual([title, false]);
    expect(isSlowed('connections without a command', 1440)).toBe(false);
  });
});

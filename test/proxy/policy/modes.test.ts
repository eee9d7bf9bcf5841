import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allowedModes, defaultModes, modeOf, observeAll } from '../../../proxy/policy/modes.ts';
import { type Mode, type RuleId, ruleIds } from '../../../proxy/settings.ts';

const anyModes = fc.record(
  Object.fromEntries(ruleIds.map((rule) => [rule, fc.constantFrom<Mode>('enforce', 'observe', 'off')])) as Record<
    RuleId,
    fc.Arbitrary<Mode>
  >,
);

test('three rules only observe until somebody promotes them', () => {
  expect(ruleIds.filter((rule) => defaultModes[rule] !== 'enforce')).toEqual([
    'helo.syntax',
    'helo.own-name',
    'bounce.multiple-recipients',
  ]);
  for (const rule of ruleIds) expect(allowedModes(rule)).toContain(defaultModes[rule]);
});

test('what has no other keeper cannot be switched off', () => {
  expect(ruleIds.filter((rule) => allowedModes(rule).length === 1)).toEqual([
    'limits.total',
    'auth.mechanism',
    'message.bare-line-ending',
    'relay.denied',
    'deadline.proxy-header',
    'deadline.command',
    'deadline.command-line',
    'deadline.sasl',
    'deadline.tls',
    'deadline.data',
    'deadline.data-rate',
    'deadline.write',
    'deadline.session',
  ]);
  for (const rule of ruleIds) expect(allowedModes(rule)[0]).toBe('enforce');
});

test('a mode that is not allowed counts as enforce', () => {
  const modes = { ...defaultModes, 'relay.denied': 'off', 'relay.routing': 'off' } as const;
  expect(modeOf(modes, 'relay.denied')).toBe('enforce');
  expect(modeOf(modes, 'relay.routing')).toBe('off');
});

test('the panic switch: relay control, framing and hard limits stay, everything else observes', () => {
  const panic = observeAll(defaultModes);
  expect(ruleIds.filter((rule) => panic[rule] === 'enforce')).toEqual([
    'limits.total',
    'auth.needs-tls',
    'auth.mechanism',
    'message.size',
    'message.bare-line-ending',
    'relay.denied',
    'relay.routing',
    'recipient.limit',
    'deadline.proxy-header',
    'deadline.command',
    'deadline.command-line',
    'deadline.sasl',
    'deadline.tls',
    'deadline.data',
    'deadline.data-rate',
    'deadline.write',
    'deadline.session',
  ]);
  expect(ruleIds.filter((rule) => panic[rule] === 'off')).toEqual([]);
});

test('the panic switch never makes a rule stricter, and pulling it twice changes nothing', () => {
  const strictness: readonly Mode[] = ['off', 'observe', 'enforce'];
  fc.assert(
    fc.property(anyModes, (modes) => {
      const panic = observeAll(modes);
      for (const rule of ruleIds) {
        const before = modeOf(modes, rule);
        expect(allowedModes(rule)).toContain(panic[rule]);
        expect(strictness.indexOf(panic[rule])).toBeLessThanOrEqual(strictness.indexOf(before));
        if (before === 'off') expect(panic[rule]).toBe('off');
      }
      expect(observeAll(panic)).toEqual(panic);
    }),
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requestOf } from '../../cli/web/act-at-gate.ts';
import { ACT_HOURS_MAX, ACT_TEXT_LENGTH_MAX, readAct } from '../../console/act.ts';

const given = { act: 'block', value: ' 192.0.2.1 ', reason: ' scans ' };

test('an act, with or without an end', () => {
  expect(readAct(given)).toEqual({ ok: true, value: { act: 'block', value: '192.0.2.1', reason: 'scans' } });
  expect(readAct({ ...given, hours: 1.5 })).toMatchObject({ ok: true, value: { forMs: 5_400_000 } });
  expect(readAct({ ...given, hours: null })).toMatchObject({ ok: true });
  expect(readAct({ ...given, act: 'unblock', hours: 2 })).toEqual({
    ok: true,
    value: { act: 'unblock', value: '192.0.2.1', reason: 'scans' },
  });
  expect(readAct({ ...given, act: 'disallow', hours: -1 })).toEqual({
    ok: true,
    value: { act: 'disallow', value: '192.0.2.1', reason: 'scans' },
  });
  expect(readAct({ ...given, hours: ACT_HOURS_MAX })).toMatchObject({ ok: true });
  expect(readAct({ ...given, reason: 'x'.repeat(ACT_TEXT_LENGTH_MAX) })).toMatchObject({ ok: true });
});

test.each([
  [null],
  ['block'],
  [{ ...given, act: 'observe-all' }],
  [{ ...given, act: 'toString' }],
  [{ ...given, value: '' }],
  [{ ...given, value: 1 }],
  [{ ...given, value: 'x'.repeat(ACT_TEXT_LENGTH_MAX + 1) }],
  [{ ...given, reason: undefined }],
  [{ ...given, reason: '\t ' }],
  [{ ...given, reason: 'x'.repeat(ACT_TEXT_LENGTH_MAX + 1) }],
  [{ ...given, hours: 0 }],
  [{ ...given, hours: -1 }],
  [{ ...given, hours: '1' }],
  [{ ...given, hours: ACT_HOURS_MAX + 1 }],
])('%o is none', (body) => {
  expect(readAct(body)).toMatchObject({ ok: false, error: { status: 400 } });
});

test('whatever is sent, what is done has a reason', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (body) => {
      const act = readAct(body);
      if (act.ok) expect(act.value.reason).not.toBe('');
    }),
  );
});

test('the gate is asked as the command line asks it', () => {
  const act = { value: '192.0.2.1', reason: 'scans' };
  expect(requestOf({ ...act, act: 'block' })).toEqual({
    verb: 'block',
    ...act,
    by: 'console',
    action: 'refuse',
    forMs: 86_400_000,
  });
  expect(requestOf({ ...act, act: 'allow' })).toEqual({ verb: 'allow', ...act, by: 'console' });
  expect(requestOf({ ...act, act: 'allow', forMs: 5 })).toMatchObject({ forMs: 5 });
  for (const verb of ['unblock', 'disallow'] as const)
    expect(requestOf({ ...act, act: verb })).toEqual({ verb, ...act, by: 'console' });
});

import { expect, test } from 'vitest';
import { formatPanicAnswer } from '../../cli/format/panic-answer.ts';
import { answerLine, type ManagementRequest, panicAnswer, readAnswer } from '../../cli/gate/management.ts';
import { relaxedRules } from '../../cli/gate/panic.ts';
import { defaultModes } from '../../proxy/policy/modes.ts';

test('the panic switch never relaxes relay control, framing or hard limits', () => {
  const relaxed = relaxedRules(defaultModes).map(({ rule }) => rule);
  expect(relaxed).toContain('recipient.unknown');
  for (const kept of [
    'relay.denied',
    'relay.routing',
    'message.bare-line-ending',
    'limits.total',
    'auth.needs-tls',
  ] as const) {
    expect(relaxed).not.toContain(kept);
  }
  expect(relaxedRules({ ...defaultModes, 'recipient.unknown': 'off' }).map(({ rule }) => rule)).not.toContain(
    'recipient.unknown',
  );
});

test.each([
  '',
  'null',
  '{}',
  '{"verb":"shutdown"}',
  '{"verb":"observe-all"}',
  `{"verb":"observe-all","by":"${'x'.repeat(201)}","reason":""}`,
  '{"verb":"state","more":1}',
])('what is no request is answered without being acted on: %s', async (line) => {
  const asked: ManagementRequest[] = [];
  const answer = await answerLine(line, async (request) => {
    asked.push(request);
    return { ok: false, reason: 'reached' };
  });
  expect(asked).toEqual([]);
  expect(readAnswer(panicAnswer, answer)).toEqual({ ok: false, reason: 'no request that is known' });
});

const rules = [{ rule: 'errors.limit', from: 'enforce', to: 'observe' }];
const panic = { by: 'eve\u001b[2J', reason: 'a customer waits', atMs: 0 };

test.each([
  {
    answer: { ok: true, gate: 'mx1', changed: false, rules },
    verb: 'state',
    want: ['Gate mx1: rules act as the configuration says.'],
  },
  {
    answer: { ok: true, gate: 'mx1', panic, changed: true, rules },
    verb: 'observe-all',
    want: [
      'Gate mx1: rules only observe, since 1970-01-01T00:00:00.000Z, by eve\\u001b[2J (a customer waits).',
      'Changed:',
      '  errors.limit: enforce -> observe',
      'Undo: postern observe --off',
    ],
  },
  {
    answer: { ok: true, gate: 'mx1', changed: true, rules },
    verb: 'observe-off',
    want: ['Gate mx1: rules act as the configuration says.', 'Changed:', '  errors.limit: observe -> enforce'],
  },
  {
    answer: { ok: true, gate: 'mx1', changed: false, rules },
    verb: 'observe-off',
    want: ['Gate mx1: rules act as the configuration says.', 'It was so already; nothing changed.'],
  },
  { answer: { ok: false, reason: 'disk full' }, verb: 'observe-all', want: ['The gate refused: disk full'] },
] as const)('$verb: $want', ({ answer, verb, want }) => {
  const text = formatPanicAnswer(answer.ok ? { ...answer, rules: [...answer.rules] } : answer, verb);
  expect(text).toBe(`${want.join('\n')}\n`);
});

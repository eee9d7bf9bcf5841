import { expect, test } from 'vitest';
import { CONTACT_LENGTH_MAX, outsideRule, REASON_LENGTH_MAX, refusal } from '../../../proxy/policy/refusal.ts';
import { encodeOwnReply, OWN_REPLY_OCTETS_MAX } from '../../../proxy/reply.ts';
import { ruleIds } from '../../../proxy/settings.ts';
import { REFERENCE } from './facts.ts';

const plain = {
  code: 554,
  enhanced: '5.7.1',
  reason: 'relaying not allowed',
  rule: 'relay.denied',
  contact: 'postmaster@example.com',
  reference: REFERENCE,
} as const;

test('says why, whom to ask, and what to tell him', () => {
  expect(refusal(plain)).toEqual({
    code: 554,
    enhanced: '5.7.1',
    text: `Refused: relaying not allowed, contact postmaster@example.com [relay.denied ${REFERENCE}]`,
  });
});

test('fits a reply line with its reference whole, however long contact and reason are', () => {
  for (const rule of ruleIds) {
    const reply = refusal({ ...plain, rule, reason: 'r'.repeat(1_000), contact: 'ü'.repeat(1_000) });
    const line = Buffer.from(encodeOwnReply({ ...reply, enhanced: '5.777.777' }, true)).toString('latin1');
    expect(line.length).toBeLessThan(OWN_REPLY_OCTETS_MAX);
    expect(line).toMatch(new RegExp(` \\[${rule.replaceAll('.', '\\.')} ${REFERENCE}\\]\r\n$`));
    expect(line).toContain('r'.repeat(REASON_LENGTH_MAX));
    expect(line).toContain('?'.repeat(CONTACT_LENGTH_MAX));
  }
});

test('a contact is text of the configuration: it cannot make a second line', () => {
  const line = encodeOwnReply(refusal({ ...plain, contact: 'a\r\n250 ok\u010d\u010a' }), true);
  expect(Buffer.from(line).toString('latin1').split('\r\n')).toHaveLength(2);
});

test('an outside rule replies with its answer', () => {
  const rule = outsideRule({
    id: 'errors.limit',
    stage: 'any',
    concerns: [],
    summary: 'Too many.',
    answer: { action: 'close', code: 421, enhanced: '4.7.0', reason: 'too many errors' },
  });
  expect(rule.answers).toHaveLength(1);
  expect(rule.reply({ contact: 'x' }, REFERENCE)).toEqual({
    code: 421,
    enhanced: '4.7.0',
    text: `Refused: too many errors, contact x [errors.limit ${REFERENCE}]`,
  });
});

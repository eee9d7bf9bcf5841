import { expect, test } from 'vitest';
import { renderRuleDocs } from '../../../proxy/policy/docs.ts';
import { defaultModes } from '../../../proxy/policy/modes.ts';
import { sourceClasses } from '../../../proxy/policy/rule.ts';
import { rules } from '../../../proxy/policy/rules.ts';

const rows = renderRuleDocs()
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.slice(2, -2).split(' | '));

test('each rule has a row with its mode, and a row of classes, in the order of evaluation', () => {
  const described = rows.slice(0, rules.length);
  const classes = rows.slice(rules.length);
  expect(described.map(([id]) => id)).toEqual(rules.map(({ id }) => `\`${id}\``));
  expect(described.map(([, , mode]) => mode)).toEqual(rules.map(({ id }) => defaultModes[id]));
  expect(classes).toHaveLength(rules.length);
  for (const [index, rule] of rules.entries())
    expect(classes[index]?.slice(1).map((cell) => cell.trim() === 'yes')).toEqual(
      sourceClasses.map((each) => rule.concerns.includes(each)),
    );
});

test('a row says what the rule does', () => {
  expect(renderRuleDocs()).toContain(
    '| `recipient.limit` | RCPT | enforce | enforce, observe, off | stays | 452 4.5.3 | everyone | The mail transaction has as many accepted forward-paths as it may have. |',
  );
  expect(renderRuleDocs()).toContain(
    '| `deadline.tls` | any time | enforce | enforce | stays | none, the connection is closed |',
  );
  expect(renderRuleDocs()).toContain(
    '| `auth.attempts` | AUTH | enforce | enforce, observe, off | observes | 421 4.7.0, closes |',
  );
  expect(renderRuleDocs()).toContain('| all but trusted-network, certificate, authenticated | The domain');
});

import { expect, test } from 'vitest';
import { renderEventDocs } from '../../events/docs.ts';
import { eventSchemas } from '../../events/event.ts';

const text = renderEventDocs();

test('every event has its section, with a row for every field', () => {
  for (const [type, schema] of Object.entries(eventSchemas)) {
    const section = text.split(`## ${type}\n`)[1]?.split('\n## ')[0] ?? '';
    for (const field of Object.keys(schema.shape)) expect(section).toContain(`| \`${field}\` |`);
  }
});

test('every field has a type and a description', () => {
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(100);
  for (const row of rows) {
    const cells = row.split(' | ');
    expect(cells).toHaveLength(4);
    expect(cells[1]).not.toBe('');
    expect(cells[3]).toMatch(/\w.* \|$/);
  }
});

test.each([
  ['a duration', '| `latencyUs` | integer from 0 | µs |'],
  ['a time', '| `at` | integer from 0 | ms since 1970 |'],
  ['a size', '| `octetsIn` | integer from 0 | octets |'],
  ['a field that may be absent', '| `heloName` | text, at most 512 characters, *optional* |'],
  ['a field of an object', '| `reply.code` | integer from 200 to 599 |'],
  ['a field of a list', '| `observed[].rule` | text, at most 512 characters |'],
  ['a tuple', '| `parameters` | list of [text, text], *optional* |'],
  ['a choice', '| `closedBy` | `client`, `upstream`, `gate` |'],
])('%s is shown with its type and unit', (_name, row) => {
  expect(text).toContain(row);
});

import { expect, test } from 'vitest';
import { parseForwardPath } from '../../proxy/path.ts';
import {
  forwardPathKey,
  REFUSAL_KEY_LENGTH_MAX,
  REFUSAL_TEXT_LENGTH_MAX,
  REFUSAL_TTL_MS,
  REFUSALS_MAX,
  RecipientMemory,
} from '../../proxy/recipient-memory.ts';

function keyOf(text: string): string | undefined {
  const path = parseForwardPath(text);
  if (!path.ok) throw new Error(`${text} is no forward-path`);
  return forwardPathKey(path.value);
}

test.each([
  { path: 'Bob@EXAMPLE.com.', key: 'Bob@example.com' },
  { path: '"Bob"@example.com', key: 'Bob@example.com' },
  { path: 'b@bücher.example', key: 'b@xn--bcher-kva.example' },
  { path: 'b@[IPv6:2001:DB8::0:1]', key: 'b@[2001:db8::1]' },
  { path: 'postmaster', key: undefined },
  { path: '@hop.example:b@example.com', key: undefined },
  { path: 'b@exam\u2028ple.com', key: undefined },
  {
    path: `${'b'.repeat(REFUSAL_KEY_LENGTH_MAX - 12)}@example.com`,
    key: `${'b'.repeat(REFUSAL_KEY_LENGTH_MAX - 12)}@example.com`,
  },
  { path: `${'b'.repeat(REFUSAL_KEY_LENGTH_MAX - 11)}@example.com`, key: undefined },
])('the key of $path', ({ path, key }) => expect(keyOf(path)).toBe(key));

const ip = '198.51.100.7';
const unknown = { code: 550, lines: ['5.1.1 no such user'] };
const remembering = (reply = unknown, atMs = 1_000): RecipientMemory => {
  const memory = new RecipientMemory();
  memory.remember(ip, 'b@example.com', reply, atMs);
  return memory;
};

test('for a minute the same source gets the same reply to the same forward-path', () => {
  const memory = remembering();
  const reply = { code: 550, enhanced: '5.1.1', text: 'no such user' };
  expect(memory.refused(ip, 'b@example.com', 1_000)).toEqual(reply);
  expect(memory.refused(ip, 'b@example.com', 1_000 + REFUSAL_TTL_MS - 1)).toEqual(reply);
  expect(memory.refused(ip, 'b@example.com', 1_000 + REFUSAL_TTL_MS)).toBeUndefined();
});

test('another source, another local part, another case: nothing is known', () => {
  const memory = remembering();
  expect(memory.refused('198.51.100.8', 'b@example.com', 1_000)).toBeUndefined();
  expect(memory.refused(ip, 'B@example.com', 1_000)).toBeUndefined();
  expect(memory.refused(ip, 'b@example.net', 1_000)).toBeUndefined();
});

test('a clock that was set back makes nothing last longer', () => {
  expect(remembering().refused(ip, 'b@example.com', 999)).toBeUndefined();
});

test.each([
  { reply: { code: 550, lines: ['5.1.1 <b> unknown'] }, remembered: true },
  { reply: { code: 556, lines: ['5.1.10 null MX'] }, remembered: true },
  { reply: { code: 550, lines: ['5.1.1'] }, remembered: true },
  { reply: { code: 550, lines: ['5.1.2 bad domain'] }, remembered: false },
  { reply: { code: 550, lines: ['5.1.100 what'] }, remembered: false },
  { reply: { code: 550, lines: ['5.2.2 full'] }, remembered: false },
  { reply: { code: 550, lines: ['5.7.1 not you'] }, remembered: false },
  { reply: { code: 550, lines: ['no such user'] }, remembered: false },
  { reply: { code: 450, lines: ['5.1.1 greylisted'] }, remembered: false },
  { reply: { code: 450, lines: ['4.1.1 later'] }, remembered: false },
  { reply: { code: 250, lines: ['2.1.5 ok'] }, remembered: false },
  { reply: { code: 550, lines: [] }, remembered: false },
])('$reply: $remembered', ({ reply, remembered }) => {
  expect(remembering(reply).refused(ip, 'b@example.com', 1_000) !== undefined).toBe(remembered);
});

test('the lines of a reply become one text, which is capped', () => {
  const reply = { code: 550, lines: ['5.1.1 no such user', '5.1.1 ask somebody', 'else'] };
  expect(remembering(reply).refused(ip, 'b@example.com', 1_000)?.text).toBe('no such user ask somebody else');
  const long = { code: 550, lines: [`5.1.1 ${'x'.repeat(4_000)}`] };
  expect(remembering(long).refused(ip, 'b@example.com', 1_000)?.text).toBe('x'.repeat(REFUSAL_TEXT_LENGTH_MAX));
});

test('the latest reply counts', () => {
  const memory = remembering();
  memory.remember(ip, 'b@example.com', { code: 551, lines: ['5.1.1 still not'] }, 50_000);
  expect(memory.refused(ip, 'b@example.com', 100_000)).toMatchObject({ code: 551 });
});

test('at its bound the older half is forgotten, and the newer half is not', () => {
  const memory = new RecipientMemory(100);
  for (let index = 0; index < 10_000; index += 1) {
    memory.remember(ip, `b${index}@example.com`, unknown, 1_000);
    expect(memory.size).toBeLessThanOrEqual(100);
    expect(memory.refused(ip, `b${index}@example.com`, 1_000)).toBeDefined();
    if (index >= 50) expect(memory.refused(ip, `b${index - 49}@example.com`, 1_000)).toBeDefined();
  }
  expect(memory.refused(ip, 'b0@example.com', 1_000)).toBeUndefined();
  expect(REFUSALS_MAX).toBe(50_000);
});

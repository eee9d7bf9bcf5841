import { expect, test } from 'vitest';
import { loadConfig } from '../../cli/config/load.ts';
import { demoConfig } from '../../cli/demo/config.ts';
import { chunksOfLetter, largeLetter, plainLetter, smuggling } from '../../cli/demo/letters.ts';
import { scenes } from '../../cli/demo/scenes.ts';
import { acts, story } from '../../cli/demo/story.ts';
import { canonicalAddress, PrefixSet, parseAddress, parsePrefix } from '../../lib/ip.ts';

test('every line has a source of its own, and only addresses for documentation are used', () => {
  const sources = story.map(({ source }) => source);
  expect(new Set(sources).size).toBe(sources.length);
  // Limits count a /64 of IPv6 as one source.
  expect(sources.filter((source) => source.includes(':'))).toHaveLength(1);
  const documentation = new PrefixSet(
    ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32'].flatMap((text) => parsePrefix(text) ?? []),
  );
  for (const source of sources) {
    expect(canonicalAddress(source)).toBe(source);
    const address = parseAddress(source);
    expect(address !== undefined && documentation.contains(address)).toBe(true);
  }
});

test('every act has lines, every line an actor, and an id that names its act', () => {
  expect([...new Set(story.map(({ act }) => act))]).toEqual(Object.keys(acts));
  expect(Object.keys(scenes)).toEqual(story.map(({ id }) => id));
  for (const { id, act } of story) expect(id.startsWith(`${act}.`)).toBe(true);
});

test('no attack is told to deliver anything through the gate', () => {
  const attacks = new Set(['relay', 'harvest', 'passwords', 'smuggling', 'oddities', 'slow']);
  const attackers = story.filter(({ act, id }) => act === 'watch' && id !== 'watch.typos');
  for (const { told } of attackers) expect(Object.keys(told)).not.toContain('delivered');
  for (const { act, told } of story) {
    const keys = Object.keys(told);
    if (attacks.has(act)) expect(keys).not.toContain('delivered');
    if (act !== 'alone') expect(keys).not.toContain('never sent as such');
  }
});

test('the configuration of the demo is valid', () => {
  const ports = {
    mx: 2525,
    submission: 2587,
    submissions: 2465,
    reader: 2526,
    http: 2580,
    history: 2581,
    console: 2582,
    server: 2500,
  };
  const text = demoConfig({
    dataDirectory: '/tmp/demo/data',
    certFile: '/tmp/demo/certificate.pem',
    keyFile: '/tmp/demo/key.pem',
    recipientsFile: '/tmp/demo/recipients.txt',
    ports,
    hasConsole: true,
  });
  const loaded = loadConfig(text, 'postern.yaml', {});
  expect(loaded).toMatchObject({ ok: true });
  if (!loaded.ok) return;
  expect(loaded.value.listeners.map(({ port }) => port)).toEqual([2525, 2587, 2465, 2526]);
  expect(loaded.value.listeners.map(({ proxyProtocol }) => proxyProtocol)).toEqual([true, true, true, false]);
});

test.each([
  ['plain', plainLetter('Subject')],
  ['large', largeLetter()],
])('the %s letter is well formed for DATA: CRLF alone ends lines, dots are doubled', (_what, body) => {
  const text = body.toString('latin1');
  expect(text.endsWith('\r\n')).toBe(true);
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  expect(text).not.toMatch(/(?:^|\r\n)\.(?!\.)/);
});

test('the large letter has ten megabytes, and is the same every time', () => {
  expect(largeLetter().length).toBeGreaterThanOrEqual(10 * 1024 * 1024);
  expect(largeLetter().equals(largeLetter())).toBe(true);
});

test('the chunks hold what would end a body after DATA', () => {
  expect(chunksOfLetter()).toHaveLength(3);
  expect(chunksOfLetter().join('')).toContain('\r\n.\r\n');
});

test.each(['\n.\n', '\n.\r\n', '\r.\r'])('a smuggled message stands behind the false end %j', (falseEnd) => {
  const { cover, body } = smuggling(falseEnd, 'a@attacker.example');
  const rest = body.toString('latin1').slice(cover.length);
  expect(body.subarray(0, cover.length).equals(cover)).toBe(true);
  expect(rest.startsWith(falseEnd.slice(falseEnd.indexOf('.')))).toBe(true);
  expect(rest).toContain('\r\nDATA\r\n');
  expect(body.includes('\r\n.\r\n')).toBe(false);
});

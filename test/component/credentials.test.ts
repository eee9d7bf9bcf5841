import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CredentialHashes } from '../../cli/io/credential-hashes.ts';
import { CredentialRatchet } from '../../cli/io/credential-ratchet.ts';
import { SiteSecret } from '../../cli/io/site-secret.ts';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const DAY_MS = 86_400_000;
const START_MS = 20_000 * DAY_MS;
const secret = new SiteSecret(Buffer.alloc(32, 7));
const fail = (reason: string): never => {
  throw new Error(reason);
};

test('the ratchet gives one key a day, the same at every gate, and yesterday is gone from its file', () => {
  const [one, other] = [join(temporaryDirectory(), 'key'), join(temporaryDirectory(), 'key')];
  const first = new CredentialRatchet(one, START_MS, fail);
  writeFileSync(other, readFileSync(one));
  const today = Buffer.from(first.keyAt(START_MS + 5));
  expect(statSync(one).mode & 0o777).toBe(0o600);
  const tomorrow = Buffer.from(first.keyAt(START_MS + DAY_MS));
  expect(tomorrow.equals(today)).toBe(false);
  expect(readFileSync(one, 'utf8')).not.toContain(today.toString('hex'));
  expect(readFileSync(one, 'utf8')).toContain(tomorrow.toString('hex'));
  expect(Buffer.from(first.keyAt(START_MS)).equals(tomorrow)).toBe(true);
  const later = new CredentialRatchet(other, START_MS + DAY_MS, fail);
  expect(Buffer.from(later.keyAt(START_MS + DAY_MS)).equals(tomorrow)).toBe(true);
  expect(
    Buffer.from(new CredentialRatchet(one, START_MS + 3 * DAY_MS, fail).keyAt(0)).equals(
      later.keyAt(START_MS + 3 * DAY_MS),
    ),
  ).toBe(true);
});

test('a file that cannot be read, or is of another age, begins a new key; one that cannot be written is told', () => {
  const file = join(temporaryDirectory(), 'key');
  writeFileSync(file, 'rubbish');
  const ratchet = new CredentialRatchet(file, START_MS, fail);
  const before = Buffer.from(ratchet.keyAt(START_MS));
  expect(ratchet.keyAt(START_MS + 5000 * DAY_MS).equals(before)).toBe(false);
  const told: string[] = [];
  new CredentialRatchet(join(file, 'below a file'), START_MS, (reason) => told.push(reason));
  expect(told).toHaveLength(1);
});

const password = 'correct horse';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test.each([
  { mechanism: 'PLAIN', lines: [`AUTH PLAIN ${base64(`\0Alice\0${password}`)}`], hasFingerprint: true },
  { mechanism: 'PLAIN', lines: ['AUTH PLAIN', base64(`\0alice\0${password}`)], hasFingerprint: true },
  { mechanism: 'LOGIN', lines: ['AUTH LOGIN', base64('alice'), base64(password)], hasFingerprint: true },
  { mechanism: 'LOGIN', lines: [`AUTH LOGIN ${base64('alice')}`, base64(password)], hasFingerprint: true },
  {
    mechanism: 'CRAM-MD5',
    lines: ['AUTH CRAM-MD5', base64('alice 9ebd2d4a1f3c5b7a9ebd2d4a1f3c5b7a')],
    hasFingerprint: false,
  },
])('$lines.0 is told by keyed hashes, and nothing of it is anywhere', async ({ mechanism, lines, hasFingerprint }) => {
  const hashes = new CredentialHashes(
    secret,
    new CredentialRatchet(join(temporaryDirectory(), 'key'), Date.now(), fail),
    false,
  );
  const exchange = [...lines];
  const answer = (line: string): string | undefined => {
    if (exchange[0] !== line) return undefined;
    exchange.shift();
    return exchange.length > 0 ? '334 ' : '535 5.7.8 no';
  };
  const server = smtpServer({ keywords: ['AUTH PLAIN LOGIN CRAM-MD5', 'ENHANCEDSTATUSCODES'], answer });
  await using upstream = await ScriptedUpstream.listen(server);
  await using gate = await TestGate.open(upstream.port, {
    listener: { role: 'submission' },
    modes: { 'auth.needs-tls': 'off' },
    options: { credentials: hashes },
  });
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  for (const line of lines.slice(0, -1)) expect(await client.say(line)).toBe(334);
  expect(await client.say(lines.at(-1) ?? '')).toBe(535);
  client.destroy();
  await gate.empty();
  const [attempt] = gate.of('auth-attempt');
  expect(attempt).toMatchObject({ mechanism, outcome: 'refused', account: hashes.hashOf('alice') });
  expect(attempt?.account).toMatch(/^[0-9a-f]{32}$/);
  expect(typeof attempt?.credentialFingerprint).toBe(hasFingerprint ? 'number' : 'undefined');
  const told = JSON.stringify(gate.events);
  for (const hidden of [password, base64(password), 'alice', base64(`\0alice\0${password}`)])
    expect(told).not.toContain(hidden);
});

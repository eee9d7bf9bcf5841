import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CredentialHashes } from '../../cli/io/credential-hashes.ts';
import { CredentialRatchet, RATCHET_DAYS_MAX } from '../../cli/io/credential-ratchet.ts';
import { SiteSecret } from '../../cli/io/site-secret.ts';
import { parseSaslResponse, SaslData } from '../../proxy/sasl.ts';
import { credentialsOf, type SaslCredentials } from '../../proxy/sasl-credentials.ts';
import { answersTo, authExchanges, offeredMechanisms, spellings } from '../support/auth-exchanges.ts';
import { aDecision, blocklistOf } from '../support/decisions.ts';
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

/** The key in the file of a ratchet. */
const keptIn = (file: string): string => readFileSync(file).toString('hex');

test('the ratchet gives one key a day, the same at every gate, and yesterday is gone from its file and from memory', () => {
  const folder = temporaryDirectory();
  const [one, other] = [join(folder, 'key'), join(temporaryDirectory(), 'key')];
  const first = new CredentialRatchet(one, START_MS, fail);
  writeFileSync(other, readFileSync(one));
  const held = first.keyAt(START_MS + 5);
  const today = Buffer.from(held);
  expect(statSync(one).mode & 0o777).toBe(0o600);
  const tomorrow = Buffer.from(first.keyAt(START_MS + DAY_MS));
  expect(tomorrow.equals(today)).toBe(false);
  expect(held.every((octet) => octet === 0)).toBe(true);
  expect(keptIn(one)).not.toContain(today.toString('hex'));
  expect(keptIn(one)).toContain(tomorrow.toString('hex'));
  expect(readdirSync(folder)).toEqual(['key']);
  expect(first.keyAt(START_MS).equals(tomorrow)).toBe(true);
  const later = new CredentialRatchet(other, START_MS + DAY_MS, fail);
  expect(later.keyAt(START_MS + DAY_MS).equals(tomorrow)).toBe(true);
  const again = new CredentialRatchet(one, START_MS + 3 * DAY_MS, fail);
  expect(again.keyAt(0).equals(later.keyAt(START_MS + 3 * DAY_MS))).toBe(true);
});

test('what a crash left beside the file of the ratchet does not stay', () => {
  const folder = temporaryDirectory();
  const file = join(folder, 'key');
  const ratchet = new CredentialRatchet(file, START_MS, fail);
  writeFileSync(`${file}.new`, readFileSync(file));
  ratchet.keyAt(START_MS + DAY_MS);
  expect(readdirSync(folder)).toEqual(['key']);
});

test.each(['rubbish', 'x'.repeat(35), ''])(
  'a file that holds %j, or is of another age, begins a new key; one that cannot be written is told',
  (text) => {
    const file = join(temporaryDirectory(), 'key');
    writeFileSync(file, text);
    const ratchet = new CredentialRatchet(file, START_MS, fail);
    const before = Buffer.from(ratchet.keyAt(START_MS));
    const far = Buffer.from(ratchet.keyAt(START_MS + (RATCHET_DAYS_MAX + 1) * DAY_MS));
    expect(far.equals(before)).toBe(false);
    const told: string[] = [];
    const unkept = new CredentialRatchet(join(file, 'below a file'), START_MS, (reason) => told.push(reason));
    expect(told).toHaveLength(1);
    for (const reason of told) expect(reason).not.toContain(unkept.keyAt(START_MS).toString('hex'));
  },
);

const ratchetOf = (): CredentialRatchet => new CredentialRatchet(join(temporaryDirectory(), 'key'), START_MS, fail);

const credentials = (text: string): SaslCredentials => {
  const line = parseSaslResponse(Buffer.from(Buffer.from(text).toString('base64')));
  const shown = line instanceof SaslData ? credentialsOf('PLAIN', [line]) : undefined;
  if (shown === undefined) throw new Error('no credentials');
  return shown;
};

test('gates with one secret and one ratchet agree; the account is told on every day alike, the password is not', () => {
  const hashes = new CredentialHashes(secret, ratchetOf(), false);
  const other = new CredentialHashes(new SiteSecret(Buffer.alloc(32, 8)), ratchetOf(), false);
  const shown = credentials('\0alice\0secret');
  const today = hashes.fieldsOf(shown, START_MS);
  expect(hashes.fieldsOf(credentials('\0 ALICE\0secret'), START_MS)).toEqual(today);
  expect(hashes.fieldsOf(credentials('\0alice\0Secret'), START_MS)).not.toEqual(today);
  expect(other.fieldsOf(shown, START_MS).account).not.toBe(today.account);
  const fingerprints = new Set(
    [1, 2, 3].map((day) => hashes.fieldsOf(shown, START_MS + day * DAY_MS).credentialFingerprint),
  );
  expect(fingerprints.size).toBeGreaterThan(1);
  expect(hashes.fieldsOf(shown, START_MS + 4 * DAY_MS).account).toBe(today.account);
});

test('a plain account is escaped as every text from the network', () => {
  const hashes = new CredentialHashes(secret, ratchetOf(), true);
  expect(hashes.fieldsOf(credentials('\0al\u001b[31mice\0secret'), START_MS).account).toBe('al\\u001b[31mice');
  expect(hashes.fieldsOf(credentials('\0Alice\0secret'), START_MS).account).toBe('alice');
});

test.each(authExchanges)('through a gate, $title: keyed hashes, and nothing of it is anywhere', async (exchange) => {
  const hashes = new CredentialHashes(secret, ratchetOf(), false);
  const [lines, replies] = [[...exchange.lines], [...answersTo(exchange)]];
  const answer = (line: string): string | undefined => {
    if (lines[0]?.toLowerCase() !== line.toLowerCase()) return undefined;
    lines.shift();
    return replies.shift();
  };
  const server = smtpServer({ keywords: [`AUTH ${offeredMechanisms.join(' ')}`, 'ENHANCEDSTATUSCODES'], answer });
  await using upstream = await ScriptedUpstream.listen(server);
  await using gate = await TestGate.open(upstream.port, {
    listener: { role: 'submission' },
    modes: { 'auth.needs-tls': 'off' },
    options: { credentials: hashes },
  });
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  for (const line of exchange.lines.slice(0, -1)) expect(await client.say(line)).toBe(334);
  expect(await client.say(exchange.lines.at(-1) ?? '')).toBeGreaterThan(500);
  client.destroy();
  await gate.empty();
  const { mechanism, account, password } = exchange;
  const [attempt, ...more] = gate.of('auth-attempt');
  expect(more).toEqual([]);
  expect(attempt).toMatchObject({ mechanism });
  expect(attempt?.account).toBe(account === undefined ? undefined : hashes.hashOf(account));
  if (account !== undefined) expect(attempt?.account).toMatch(/^[0-9a-f]{32}$/);
  expect(typeof attempt?.credentialFingerprint).toBe(password === undefined ? 'undefined' : 'number');
  const told = JSON.stringify([gate.events, gate.log]).toLowerCase();
  for (const hidden of [...spellings(exchange), 'alice']) expect(told).not.toContain(hidden);
});

test('a guarded account: a strange network waits, after a failure it is told 454 and the server behind is not asked', async () => {
  const hashes = new CredentialHashes(secret, ratchetOf(), false);
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const wrong = `AUTH PLAIN ${base64('\0alice\0wrong')}`;
  const right = `AUTH PLAIN ${base64('\0bob\0right')}`;
  const answer = (line: string): string | undefined => {
    if (line === wrong) return '535 5.7.8 no';
    return line === right ? '235 2.7.0 yes' : undefined;
  };
  await using upstream = await ScriptedUpstream.listen(smtpServer({ keywords: ['AUTH PLAIN'], answer }));
  await using gate = await TestGate.open(upstream.port, {
    listener: { role: 'submission' },
    modes: { 'auth.needs-tls': 'off' },
    limits: { slowDelayMs: 50 },
    options: { credentials: hashes },
  });
  const login = async (line: string): Promise<number> => {
    const client = await RawClient.connect(gate.port());
    await client.reply();
    await client.say('EHLO c.example.net');
    const code = await client.say(line);
    client.destroy();
    return code;
  };
  const about = (account: string) =>
    aDecision({ scope: 'account', value: hashes.hashOf(account), scenario: 'auth-guessing', action: 'slow' });
  expect(await login(right)).toBe(235);
  gate.gate.setBlocklist(blocklistOf([about('alice'), about('bob')]));
  expect(await login(wrong)).toBe(535);
  expect(await login(wrong)).toBe(454);
  expect(await login(right)).toBe(235);
  await gate.empty();
  const asked = upstream.connections.filter(({ received }) => received.includes(wrong));
  expect(asked).toHaveLength(1);
  const verdicts = gate.of('command').filter(({ verb }) => verb === 'AUTH');
  expect(verdicts.map(({ verdict }) => verdict)).toEqual([
    { action: 'accept' },
    { action: 'slow', rule: 'auth.guarded' },
    { action: 'defer', rule: 'auth.guarded' },
    { action: 'accept' },
  ]);
});

test('ten exchanges at once from a strange network are one attempt: whoever waited behind a failure is deferred', async () => {
  const hashes = new CredentialHashes(secret, ratchetOf(), false);
  const line = `AUTH PLAIN ${Buffer.from('\0alice\0wrong').toString('base64')}`;
  const answer = (said: string): string | undefined => (said === line ? '535 5.7.8 no' : undefined);
  await using upstream = await ScriptedUpstream.listen(smtpServer({ keywords: ['AUTH PLAIN'], answer }));
  await using gate = await TestGate.open(upstream.port, {
    listener: { role: 'submission' },
    modes: { 'auth.needs-tls': 'off', 'limits.per-source': 'off' },
    limits: { slowDelayMs: 300 },
    options: { credentials: hashes },
  });
  const account = hashes.hashOf('alice');
  gate.gate.setBlocklist(
    blocklistOf([aDecision({ scope: 'account', value: account, scenario: 'auth-guessing', action: 'slow' })]),
  );
  const login = async (waitMs: number): Promise<number> => {
    const client = await RawClient.connect(gate.port());
    await client.reply();
    await client.say('EHLO c.example.net');
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    const code = await client.say(line);
    client.destroy();
    return code;
  };
  const codes = await Promise.all(Array.from({ length: 10 }, (_, index) => login(index * 25)));
  expect(codes.filter((code) => code === 454).length).toBeGreaterThanOrEqual(7);
  expect(codes.filter((code) => code === 535).length).toBeGreaterThanOrEqual(1);
});

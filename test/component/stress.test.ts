import { expect, test } from 'vitest';
import type { CredentialHasher } from '../../proxy/io/credential-hasher.ts';
import { revealCredentials } from '../../proxy/sasl-credentials.ts';
import { stressDeadlines, stressed, stressLimits } from '../../proxy/stress.ts';
import { aDecision, blocklistOf } from '../support/decisions.ts';
import { type GateChanges, sessionSettings, TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

const stress = aDecision({ scope: 'site', value: 'site', action: 'stress', scenario: 'slow-session' });

async function withClient(
  changes: GateChanges,
  play: (gate: TestGate, connect: () => Promise<RawClient>) => Promise<void>,
  answer?: (line: string) => string | undefined,
): Promise<void> {
  const keywords = ['AUTH PLAIN', 'ENHANCEDSTATUSCODES'];
  await using upstream = await ScriptedUpstream.listen(
    smtpServer({ keywords, ...(answer === undefined ? {} : { answer }) }),
  );
  await using gate = await TestGate.open(upstream.port, changes);
  await play(gate, async () => {
    const client = await RawClient.connect(gate.port());
    await client.reply();
    await client.say('EHLO c.example.net');
    return client;
  });
}

test('settings under stress are the stricter of both', () => {
  const settings = sessionSettings({ limits: { errorsMax: 1 }, deadlines: { commandMs: 5 } });
  expect(stressed(settings).limits).toMatchObject({ errorsMax: 1, authAttemptsMax: stressLimits.authAttemptsMax });
  expect(stressed(settings).deadlines).toMatchObject({ commandMs: 5, dataMs: stressDeadlines.dataMs });
});

test('under stress a stranger may make one mistake, and who has history as many as ever', async () => {
  let hasHistory = false;
  await withClient({ options: { hasHistory: () => hasHistory } }, async (gate, connect) => {
    gate.gate.setBlocklist(blocklistOf([stress]));
    const stranger = await connect();
    expect([await stranger.say('FOO'), await stranger.say('FOO'), await stranger.say('FOO')].at(-1)).toBe(421);
    stranger.destroy();
    hasHistory = true;
    const friend = await connect();
    for (let count = 0; count < 5; count += 1) expect(await friend.say('FOO')).toBe(500);
    friend.destroy();
    await gate.empty();
    expect(gate.of('session-opened').map((event) => event.stressed)).toEqual([true, undefined]);
  });
});

test.each([
  { why: 'only observes', list: blocklistOf([stress], ['slow-session']) },
  { why: 'is over', list: blocklistOf([{ ...stress, until: 1 }]) },
  { why: 'is for another role', list: blocklistOf([{ ...stress, roles: ['submission'] }]) },
])('stress that $why changes nothing', ({ list }) =>
  withClient({}, async (gate, connect) => {
    gate.gate.setBlocklist(list);
    const client = await connect();
    for (let count = 0; count < 5; count += 1) expect(await client.say('FOO')).toBe(500);
    client.destroy();
    await gate.empty();
  }),
);

test('a gate whose slots are short is under stress by itself', () =>
  withClient(
    { options: { connections: { totalMax: 2, perSourceMax: 10, perMinuteMax: 1000, reservedShare: 0 } } },
    async (gate, connect) => {
      const first = await connect();
      const second = await connect();
      first.destroy();
      second.destroy();
      await gate.empty();
      expect(gate.of('session-opened').map((event) => event.stressed)).toEqual([undefined, true]);
    },
  ));

const hasher: CredentialHasher = { fieldsOf: (credentials) => ({ account: revealCredentials(credentials).account }) };
const plain = `AUTH PLAIN ${Buffer.from('\0alice\0secret').toString('base64')}`;
const SLOW_MS = 150;
const withAccounts: GateChanges = {
  listener: { role: 'submission' },
  modes: { 'auth.needs-tls': 'off' },
  limits: { slowDelayMs: SLOW_MS },
  options: { credentials: hasher },
};
const about = (scenario: string) =>
  blocklistOf([aDecision({ scope: 'account', value: 'alice', action: 'slow', scenario })]);

test.each([
  { scenario: 'auth-guessing', isAccepted: false, isSlow: true },
  { scenario: 'auth-guessing', isAccepted: true, isSlow: false },
  { scenario: 'account-takeover', isAccepted: true, isSlow: true },
])(
  '$scenario of an account slows a session whose password was right: $isAccepted',
  async ({ scenario, isAccepted, isSlow }) => {
    const answer = (line: string): string | undefined =>
      line.startsWith('AUTH') && !isAccepted ? '535 5.7.8 no' : undefined;
    await withClient(
      withAccounts,
      async (gate, connect) => {
        gate.gate.setBlocklist(about(scenario));
        const client = await connect();
        expect(await client.say(plain)).toBe(isAccepted ? 235 : 535);
        const before = performance.now();
        expect(await client.say('NOOP')).toBe(250);
        expect(performance.now() - before > SLOW_MS - 10).toBe(isSlow);
        client.destroy();
        await gate.empty();
      },
      answer,
    );
  },
);

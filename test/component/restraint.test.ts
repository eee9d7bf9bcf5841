import { expect, test } from 'vitest';
import type { DecisionMade } from '../../events/decision.ts';
import { aDecision, blocklistOf } from '../support/decisions.ts';
import { type GateChanges, prefixes, TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

const decided = (fields: Partial<DecisionMade>) => blocklistOf([aDecision({ value: '127.0.0.1', ...fields })]);
const deferred = decided({ action: 'defer', id: 'fedcba9876543210' });
const nothing = blocklistOf([]);

interface Place {
  readonly upstream: ScriptedUpstream;
  readonly gate: TestGate;
  readonly client: RawClient;
}

/** A client that has greeted. */
async function greeted(play: (place: Place) => Promise<void>, changes: GateChanges = {}): Promise<void> {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, changes);
  const client = await RawClient.connect(gate.port());
  await client.reply();
  expect(await client.say('EHLO c.example.net')).toBe(250);
  await play({ upstream, gate, client });
  client.destroy();
  await gate.empty();
}

test.each(['defer', 'refuse', 'drop'] as const)('a decision to %s ends an idle session with 421', (action) =>
  greeted(async ({ gate, client }) => {
    gate.gate.setBlocklist(decided({ action }));
    const reply = await client.reply();
    expect(reply).toMatchObject({ code: 421 });
    expect(reply.lines[0]).toMatch(/\[source\.blocked [0-9A-Z]{26}\]$/);
    await client.toEnd();
    client.fin();
    await gate.empty();
    expect(gate.of('session-closed')).toMatchObject([{ closedBy: 'gate', rule: 'source.blocked', replyCode: 421 }]);
  }),
);

test.each([
  { fields: { action: 'defer' }, counts: [['recipient-harvest\ndefer', 2]] },
  { fields: { action: 'refuse', origin: 'operator' }, counts: [['operator\nrefuse', 2]] },
] as const)(
  'a live session that a decision ends, and a client that it turns away, are counted: $counts',
  ({ fields, counts }) =>
    greeted(async ({ gate, client }) => {
      gate.gate.setBlocklist(decided(fields));
      expect(await client.code()).toBe(421);
      gate.gate.reviewSessions();
      const late = await RawClient.connect(gate.port());
      expect(await late.code()).toBeGreaterThan(400);
      late.destroy();
      expect([...gate.gate.stats.restrained]).toEqual(counts);
    }),
);

test('a client that a decision slows down from the start is counted once, and not again when it is reviewed', () =>
  greeted(async ({ gate }) => {
    expect([...gate.gate.stats.restrained]).toEqual([]);
    gate.gate.setBlocklist(decided({ action: 'slow' }));
    expect([...gate.gate.stats.restrained]).toEqual([['recipient-harvest\nslow', 1]]);
    const late = await RawClient.connect(gate.port());
    await late.reply();
    gate.gate.reviewSessions();
    gate.gate.reviewSessions();
    expect([...gate.gate.stats.restrained]).toEqual([['recipient-harvest\nslow', 2]]);
    late.destroy();
  }));

test('a transaction without an accepted forward-path has nothing to lose: the session ends', () =>
  greeted(async ({ gate, client }) => {
    expect(await client.say('MAIL FROM:<a@example.net>')).toBe(250);
    expect(await client.say('RCPT TO:<b@elsewhere.example>')).toBe(554);
    gate.gate.setBlocklist(deferred);
    expect(await client.code()).toBe(421);
  }));

test('a transaction with one goes to its end, without further forward-paths, and then the session ends', () =>
  greeted(async ({ gate, client }) => {
    expect(await client.say('MAIL FROM:<a@example.net>')).toBe(250);
    expect(await client.say('RCPT TO:<b@example.com>')).toBe(250);
    gate.gate.setBlocklist(deferred);
    expect(await client.say('RCPT TO:<c@example.com>')).toBe(451);
    expect(await client.say('DATA')).toBe(354);
    client.send('Subject: x\r\n\r\nhello\r\n.\r\n');
    expect(await client.code()).toBe(250);
    expect(await client.code()).toBe(421);
    await client.toEnd();
    client.fin();
    await gate.empty();
    expect(gate.of('mail')).toMatchObject([{ outcome: 'accepted', acceptedCount: 1, refusedCount: 1 }]);
    expect(gate.of('command').find(({ reply }) => reply?.code === 451)).toMatchObject({
      verdict: { action: 'defer', rule: 'source.blocked' },
    });
  }));

test('a decision between the dot and its reply waits for the reply', async () => {
  let asked = false;
  const release = Promise.withResolvers<undefined>();
  await using upstream = await ScriptedUpstream.listen(
    smtpServer({
      answer: (line) => {
        if (line !== '.') return undefined;
        asked = true;
        return release.promise;
      },
    }),
  );
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  await client.say('MAIL FROM:<a@example.net>');
  await client.say('RCPT TO:<b@example.com>');
  expect(await client.say('DATA')).toBe(354);
  client.send('Subject: x\r\n\r\nhello\r\n.\r\n');
  await gate.until(() => asked, 'the dot');
  gate.gate.setBlocklist(deferred);
  release.resolve(undefined);
  expect(await client.code()).toBe(250);
  expect(await client.code()).toBe(421);
  client.destroy();
  await gate.empty();
  expect(gate.of('mail')).toMatchObject([{ outcome: 'accepted' }]);
});

test.each([
  { why: 'only observes', list: blocklistOf([aDecision({ value: '127.0.0.1' })], ['recipient-harvest']), changes: {} },
  { why: 'is about somebody else', list: decided({ value: '127.0.0.2' }), changes: {} },
  { why: 'is for another role', list: decided({ roles: ['submission'] }), changes: {} },
  { why: 'meets the panic switch', list: deferred, changes: { modes: { 'source.blocked': 'observe' } } },
  {
    why: 'meets the never-list',
    list: deferred,
    changes: {
      options: {
        networks: {
          trusted: prefixes(),
          never: prefixes('127.0.0.1/32'),
          normalised: prefixes(),
          providers: prefixes(),
        },
      },
    },
  },
] as const)('a decision that $why touches no session', ({ list, changes }) =>
  greeted(async ({ gate, client }) => {
    gate.gate.setBlocklist(list);
    expect(await client.say('NOOP')).toBe(250);
    const late = await RawClient.connect(gate.port());
    expect(await late.code()).toBe(220);
    expect([...gate.gate.stats.restrained]).toEqual([]);
    late.destroy();
  }, changes),
);

const SLOW_MS = 120;

test('a source that is slowed down waits for each reply, pipelined or not, and others do not', () =>
  greeted(
    async ({ gate, client }) => {
      gate.gate.setBlocklist(decided({ action: 'slow' }));
      const before = performance.now();
      client.send('MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nNOOP\r\n');
      expect([await client.code(), await client.code(), await client.code()]).toEqual([250, 250, 250]);
      expect(performance.now() - before).toBeGreaterThan(3 * SLOW_MS - 20);
      expect(
        gate
          .of('command')
          .slice(1)
          .map(({ verdict }) => verdict),
      ).toEqual([
        { action: 'slow', rule: 'source.blocked' },
        { action: 'slow', rule: 'source.blocked' },
        { action: 'slow', rule: 'source.blocked' },
      ]);
      gate.gate.setBlocklist(nothing);
      const afterwards = performance.now();
      expect(await client.say('NOOP')).toBe(250);
      expect(performance.now() - afterwards).toBeLessThan(SLOW_MS);
    },
    { limits: { slowDelayMs: SLOW_MS } },
  ));

test('a message of a slowed source arrives whole', () =>
  greeted(
    async ({ gate, client }) => {
      gate.gate.setBlocklist(decided({ action: 'slow' }));
      client.send('MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n');
      expect([await client.code(), await client.code(), await client.code()]).toEqual([250, 250, 354]);
      client.send('Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n');
      expect([await client.code(), await client.code()]).toEqual([250, 221]);
    },
    { limits: { slowDelayMs: 20 } },
  ));

test('a client that leaves while its command waits is let go once it was answered', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { limits: { slowDelayMs: 100 } });
  gate.gate.setBlocklist(decided({ action: 'slow' }));
  const client = await RawClient.connect(gate.port());
  await client.reply();
  client.send('EHLO c.example.net\r\n');
  await new Promise((resolve) => setTimeout(resolve, 30));
  client.destroy();
  await gate.empty();
  expect(gate.of('session-closed')).toMatchObject([{ closedBy: 'client' }]);
});

test('a decision while a command waits ends the session instead', () =>
  greeted(
    async ({ gate, client }) => {
      gate.gate.setBlocklist(decided({ action: 'slow' }));
      client.send('NOOP\r\n');
      await new Promise((resolve) => setTimeout(resolve, 20));
      gate.gate.setBlocklist(deferred);
      expect(await client.code()).toBe(421);
    },
    { limits: { slowDelayMs: 100 } },
  ));

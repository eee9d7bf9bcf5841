import { expect, test } from 'vitest';
import { Slots } from '../../proxy/io/slots.ts';
import { type GateChanges, TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

const SLOTS = 40;
const OPEN_TO_STRANGERS = 36;

/** Strangers open connections until none is left to them, and stand still. Then a friend comes, again and again. */
async function besieged(
  changes: GateChanges,
  friends: number,
): Promise<{ refused: number[]; served: number; gate: TestGate }> {
  await using upstream = await ScriptedUpstream.listen(smtpServer({ keywords: [] }));
  let isFriend = false;
  const gate = await TestGate.open(upstream.port, {
    ...changes,
    options: { ...changes.options, hasHistory: () => isFriend },
  });
  const strangers: RawClient[] = [];
  const refused: number[] = [];
  for (let count = 0; count < SLOTS; count += 1) {
    const stranger = await RawClient.connect(gate.port());
    strangers.push(stranger);
    const { code } = await stranger.reply();
    if (code !== 220) refused.push(code);
    else expect(await stranger.say('EHLO slow.example.net')).toBe(250);
  }
  isFriend = true;
  let served = 0;
  for (let count = 0; count < friends; count += 1) {
    const friend = await RawClient.connect(gate.port());
    const isGreeted = (await friend.reply()).code === 220;
    if (isGreeted && (await friend.say('EHLO friend.example.org')) === 250) served += 1;
    if (isGreeted) await friend.say('QUIT');
    friend.destroy();
  }
  for (const stranger of strangers) stranger.destroy();
  await gate.gate.drain(0);
  return { refused, served, gate };
}

test('slots held by strangers who do nothing: mail of those with history comes in, all of it', async () => {
  const connections = { totalMax: SLOTS, perSourceMax: 1000, perMinuteMax: 10_000, reservedShare: 0.1 };
  const { refused, served, gate } = await besieged({ options: { connections } }, 100);
  expect(refused).toEqual(Array(SLOTS - OPEN_TO_STRANGERS).fill(421));
  expect(served).toBe(100);
  expect(gate.of('session-opened').filter(({ stressed }) => stressed === true).length).toBeGreaterThan(0);
});

test('so it is with the connections to the server behind, and they count as slots', async () => {
  const connections = { totalMax: 1000, perSourceMax: 1000, perMinuteMax: 10_000, reservedShare: 0.1 };
  const { refused, served, gate } = await besieged({ upstreamConnectionsMax: SLOTS, options: { connections } }, 100);
  expect(refused).toEqual(Array(SLOTS - OPEN_TO_STRANGERS).fill(421));
  expect(served).toBe(100);
  expect(gate.of('session-opened').filter(({ stressed }) => stressed === true).length).toBeGreaterThan(0);
});

test('without a reserve whoever comes first has them all', async () => {
  const connections = { totalMax: SLOTS, perSourceMax: 1000, perMinuteMax: 10_000, reservedShare: 0 };
  expect(await besieged({ options: { connections } }, 3)).toMatchObject({ refused: [], served: 0 });
});

test('a reserve that a reload makes larger holds for the next one', () => {
  const slots = new Slots(10, 0);
  for (let count = 0; count < 9; count += 1) expect(slots.take(true)).toBe(true);
  slots.reservedShare = 0.5;
  expect(slots.take(true)).toBe(false);
  expect(slots.take()).toBe(true);
  expect(slots.usedShare).toBe(1);
});

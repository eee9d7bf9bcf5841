import { expect, test } from 'vitest';
import { ROUND_OCTETS_MAX, Rounds } from '../../proxy/io/rounds.ts';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

const nextRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a round serves what was added before it, in order; what is added in its midst waits for the next', async () => {
  const rounds = new Rounds();
  const served: string[] = [];
  const third = { serve: () => void served.push('third') };
  rounds.add({
    serve: () => {
      served.push('first');
      rounds.add(third);
    },
  });
  rounds.add({ serve: () => void served.push('second') });
  expect(served).toEqual([]);
  await nextRound();
  expect(served).toEqual(['first', 'second']);
  await nextRound();
  expect(served).toEqual(['first', 'second', 'third']);
});

test('what came before the end is served before it', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.code();
  client.send('VRFY someone\r\n');
  client.fin();
  expect(await client.code()).toBe(252);
  await gate.empty();
  expect(gate.of('command')).toMatchObject([{ verb: 'VRFY', reply: { code: 252 } }]);
  expect(gate.of('session-closed')).toMatchObject([{ closedBy: 'client' }]);
});

test('pipelined commands beyond the octets of a round are all answered, in order', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { limits: { junkMax: 100_000 } });
  const client = await RawClient.connect(gate.port());
  await client.code();
  await client.say('EHLO c.example.net');
  const count = Math.ceil((2 * ROUND_OCTETS_MAX) / 'VRFY 00000\r\n'.length);
  client.send(Array.from({ length: count }, (_, at) => `VRFY ${at}\r\n`).join(''));
  for (let at = 0; at < count; at += 1) expect(await client.code()).toBe(252);
  expect(gate.of('command').filter(({ verb }) => verb === 'VRFY')).toHaveLength(count);
  client.destroy();
});

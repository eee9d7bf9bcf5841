import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';

const wholeSession = [
  'EHLO c.example.net\r\n',
  'MAIL FROM:<a@example.net>\r\n',
  'RCPT TO:<b@example.com>\r\n',
  'DATA\r\n',
  'Subject: x\r\n\r\nhello\r\n..dot\r\n.\r\n',
  'QUIT\r\n',
] as const;

async function sendMessage(client: RawClient, body: string | Uint8Array): Promise<number> {
  await client.say('MAIL FROM:<a@example.net>');
  await client.say('RCPT TO:<b@example.com>');
  await client.say('DATA');
  client.send(body);
  return client.code();
}

test('a message goes through, unchanged, and is told in events', async () => {
  const bodies: string[] = [];
  await using upstream = await ScriptedUpstream.listen(smtpServer({ bodies }));
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  expect(await client.reply()).toEqual({ code: 220, lines: ['upstream.example ESMTP'] });
  const codes: number[] = [];
  for (const line of wholeSession) {
    client.send(line);
    codes.push(await client.code());
  }
  expect(codes).toEqual([250, 250, 250, 354, 250, 221]);
  await client.toEnd();
  client.fin();
  await gate.empty();
  expect(bodies).toEqual(['Subject: x\r\n\r\nhello\r\n..dot\r\n.\r\n']);
  expect(gate.of('mail')).toMatchObject([{ outcome: 'accepted', acceptedCount: 1, domains: ['example.com'] }]);
  expect(gate.of('command').map(({ verb, reply }) => [verb, reply?.code])).toEqual([
    ['EHLO', 250],
    ['MAIL', 250],
    ['RCPT', 250],
    ['DATA', 250],
    ['QUIT', 221],
  ]);
  const received = wholeSession.join('').length;
  expect(gate.of('session-closed')).toMatchObject([{ outcome: 'delivered', commandCount: 5, octetsIn: received }]);
  expect(gate.of('session-closed')[0]?.octetsOut).toBeGreaterThan(100);
});

test('the digest in the event is that of the body as it was received', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  const body = `Subject: x\r\n\r\n${'0123456789\r\n'.repeat(20_000)}`;
  expect(await sendMessage(client, `${body}.\r\n`)).toBe(250);
  client.destroy();
  await gate.empty();
  const [mail] = gate.of('mail');
  const whole = createHash('sha256').update(body).digest('hex');
  expect(mail?.bodySha256).toBe(whole);
  expect(mail?.octets).toBe(body.length);
});

test('a refused message has no digest, and the next one has its own', async () => {
  await using upstream = await ScriptedUpstream.listen(
    smtpServer({
      answer: (line) =>
        line === '.' &&
        upstream.connections[0]?.received.includes('first') === true &&
        !upstream.connections[0].received.includes('second')
          ? '554 5.7.1 no'
          : undefined,
    }),
  );
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  expect(await sendMessage(client, 'first\r\n.\r\n')).toBe(554);
  expect(await sendMessage(client, 'second\r\n.\r\n')).toBe(250);
  client.destroy();
  await gate.empty();
  expect(gate.of('mail').map(({ outcome, bodySha256 }) => [outcome, bodySha256])).toEqual([
    ['rejected', undefined],
    ['accepted', createHash('sha256').update('second\r\n').digest('hex')],
  ]);
});

test('BDAT chunks, the next BDAT and QUIT in one segment (BD-02)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  client.send('MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nBDAT 3\r\nabcBDAT 2 LAST\r\ndeQUIT\r\n');
  const codes = [
    await client.code(),
    await client.code(),
    await client.code(),
    await client.code(),
    await client.code(),
  ];
  expect(codes).toEqual([250, 250, 250, 250, 221]);
  expect((await upstream.connection()).received).toContain('BDAT 3\r\nabcBDAT 2 LAST\r\ndeQUIT\r\n');
  client.destroy();
});

test('replies to pipelined commands keep their order, and those that are ready together leave in one packet (PI-01)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  const packets: string[] = [];
  client.socket.on('data', (octets: Buffer) => packets.push(octets.toString('latin1')));
  client.send('VRFY a\r\nVRFY b\r\nEXPN c\r\nVRFY d\r\n');
  const codes = [await client.code(), await client.code(), await client.code(), await client.code()];
  expect(codes).toEqual([252, 252, 502, 252]);
  expect(packets).toHaveLength(1);
  client.destroy();
});

test('a client that sends everything and then FIN gets every reply, then FIN (RT-12)', async () => {
  const bodies: string[] = [];
  await using upstream = await ScriptedUpstream.listen(smtpServer({ bodies, answer: slowly }));
  await using gate = await TestGate.open(upstream.port, {
    modes: { 'greet.early-talker': 'off' },
    listener: { lenientEhlo: true },
  });
  const client = await RawClient.connect(gate.port());
  await client.reply();
  client.send(wholeSession.slice(0, 3).join(''));
  const first = [await client.code(), await client.code(), await client.code()];
  client.send('DATA\r\n');
  expect(await client.code()).toBe(354);
  client.send(wholeSession.slice(4).join(''));
  client.fin();
  expect([...first, await client.code(), await client.code()]).toEqual([250, 250, 250, 250, 221]);
  await client.until(() => client.closed, 'the close');
  expect(client.error).toBeUndefined();
  expect(bodies).toHaveLength(1);
  expect(gate.of('session-closed')).toMatchObject([{ outcome: 'delivered' }]);
});

test('commands that wait behind a reply are answered although the client has ended (RT-12)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer({ answer: slowly }));
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  client.send('MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nRSET\r\nNOOP\r\nQUIT\r\n');
  client.fin();
  const codes = [
    await client.code(),
    await client.code(),
    await client.code(),
    await client.code(),
    await client.code(),
  ];
  expect(codes).toEqual([250, 250, 250, 250, 221]);
  await client.until(() => client.closed, 'the close');
});

async function slowly(): Promise<undefined> {
  await new Promise((resolve) => setTimeout(resolve, 30));
  return undefined;
}

test('a client in the midst of 8 MiB can read the refusal (RT-13)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  client.send('BDAT 99999999999 LAST\r\n');
  client.send(Buffer.alloc(8 * 1024 * 1024, 0x78));
  expect((await client.reply()).code).toBeGreaterThanOrEqual(500);
  await client.toEnd();
  client.fin();
  await client.until(() => client.closed, 'the close');
  expect(client.error).toBeUndefined();
  await gate.empty();
});

test('what is drained is bounded: a client that never stops is cut off (RT-13)', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  await using gate = await TestGate.open(upstream.port, { limits: { discardOctetsMax: 1_000_000 } });
  const client = await RawClient.connect(gate.port());
  await client.reply();
  client.send('GET / HTTP/1.1\r\n');
  await client.toEnd();
  const piece = Buffer.alloc(65_536, 0x78);
  let sent = 0;
  while (!client.closed && sent < 1_000_000_000) {
    sent += piece.length;
    if (!client.socket.write(piece))
      await Promise.race([once(client.socket, 'drain'), once(client.socket, 'close')]).catch(() => undefined);
  }
  expect(client.closed).toBe(true);
  await gate.empty();
});

test('200 sessions at once, each with its own message', async () => {
  const bodies: string[] = [];
  await using upstream = await ScriptedUpstream.listen(smtpServer({ bodies }));
  await using gate = await TestGate.open(upstream.port);
  const codes = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const client = await RawClient.connect(gate.port());
      await client.reply();
      await client.say('EHLO c.example.net');
      const code = await sendMessage(client, `number ${index}\r\n.\r\n`);
      await client.say('QUIT');
      client.fin();
      return code;
    }),
  );
  expect(codes).toEqual(new Array(200).fill(250));
  expect(new Set(bodies).size).toBe(200);
  await gate.empty();
  expect(gate.of('session-closed')).toHaveLength(200);
  expect(upstream.faults).toEqual([]);
});

test('a forward-path that the server behind does not know is not asked for again in a moment', async () => {
  const asked: string[] = [];
  await using upstream = await ScriptedUpstream.listen(
    smtpServer({
      answer: (line) => {
        if (!line.startsWith('RCPT')) return undefined;
        asked.push(line);
        return '550 5.1.1 unknown user';
      },
    }),
  );
  await using gate = await TestGate.open(upstream.port);
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  await client.say('MAIL FROM:<a@example.net>');
  expect(await client.say('RCPT TO:<nobody@example.com>')).toBe(550);
  client.send('RCPT TO:<nobody@EXAMPLE.com>\r\n');
  expect(await client.reply()).toEqual({ code: 550, lines: ['5.1.1 unknown user'] });
  expect(asked).toEqual(['RCPT TO:<nobody@example.com>']);
  client.destroy();
});

test('a fault of this program ends one session with 421, is logged, and the others go on', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer());
  const gate = await TestGate.open(upstream.port, {
    options: {
      lists: {
        isOwnDomain: (domain) => {
          if (domain === 'crash.example') throw new Error('planted');
          return true;
        },
        isOwnAddress: () => false,
        isKnownRecipient: () => 'no-list',
        isNearMiss: () => false,
      },
    },
  });
  const [victim, other] = [await RawClient.connect(gate.port()), await RawClient.connect(gate.port())];
  for (const client of [victim, other]) {
    await client.reply();
    await client.say('EHLO c.example.net');
    await client.say('MAIL FROM:<a@example.net>');
  }
  expect(await victim.say('RCPT TO:<b@crash.example>')).toBe(421);
  await victim.until(() => victim.closed || victim.ended, 'the close');
  expect(await other.say('RCPT TO:<b@example.com>')).toBe(250);
  other.destroy();
  await gate.empty();
  expect(gate.gate.stats.crashed).toBe(1);
  expect(gate.log.errors).toHaveLength(1);
  expect(gate.log.errors[0]).toContain('planted');
  await gate.gate.drain(0);
});

import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localPartHashes } from '../../cli/io/local-part-hashes.ts';
import type { MailEvent } from '../../events/event.ts';
import { TestGate } from '../support/gate.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';
import { Site } from '../support/site.ts';

/** A server behind that repeats addresses in its replies, as many do. */
const talkative = (line: string): string | undefined => {
  const path = /^(?:RCPT TO|MAIL FROM):<([^>]*)>/.exec(line)?.[1];
  if (path === undefined) return undefined;
  return path.startsWith('nobody') ? `550 5.1.1 <${path}>: Recipient address rejected` : `250 2.1.5 <${path}> ok`;
};

const hashedPath = /^h:[0-9a-f]{16}@example\.(?:com|net)$/;

test('with a hash of local parts none leaves the gate, and the gate itself remembers what they were', async () => {
  await using upstream = await ScriptedUpstream.listen(smtpServer({ answer: talkative }));
  const seen: MailEvent[] = [];
  await using gate = await TestGate.open(upstream.port, {
    modes: { 'auth.needs-tls': 'off' },
    options: { hashLocalPart: localPartHashes(randomBytes(32)), onRecord: (event) => seen.push(event) },
  });
  const client = await RawClient.connect(gate.port());
  await client.reply();
  await client.say('EHLO c.example.net');
  expect(await client.say('MAIL FROM:<alice@example.net> AUTH=alice+40example.net')).toBe(250);
  expect(await client.say('RCPT TO:<bob@example.com> ORCPT=rfc822;bob@example.com')).toBe(250);
  expect(await client.say('RCPT TO:<nobody@example.com>')).toBe(550);
  expect(await client.say('RCPT TO:<nobody@example.com>')).toBe(550);
  expect(await client.say('RCPT TO:<alice@example net>')).toBe(501);
  expect(await client.say('RCPT TO:<postmaster>')).toBe(250);
  expect(await client.say('DATA')).toBe(354);
  expect(await client.say('Subject: x\r\n\r\nhello\r\n.')).toBe(250);
  expect(await client.say('MAIL FROM:<>')).toBe(250);
  expect((await upstream.connection()).received.match(/nobody/g)).toHaveLength(1);
  client.destroy();
  await gate.empty();
  expect(seen).toEqual(gate.events);
  expect(JSON.stringify(gate.events)).not.toMatch(/alice|bob|nobody/);
  const commands = gate.of('command');
  const [mail, nullMail] = commands.filter(({ verb }) => verb === 'MAIL').map(({ reversePath }) => reversePath);
  expect(mail).toMatch(hashedPath);
  expect(nullMail).toBe('');
  expect(gate.of('mail')).toMatchObject([{ reversePath: mail }, { reversePath: '' }]);
  const paths = commands.filter(({ verb }) => verb === 'RCPT').map(({ forwardPath }) => forwardPath);
  expect(paths).toEqual([
    expect.stringMatching(hashedPath),
    expect.stringMatching(hashedPath),
    paths[1],
    undefined,
    'postmaster',
  ]);
  expect(new Set([mail, ...paths]).size).toBe(5);
});

test('privacy.localParts: no local part is in the log, and a hash outlives a restart', {
  timeout: 60_000,
}, async () => {
  const site = await Site.open({ privacy: { localParts: 'hash' } }, { answer: talkative });
  await site.start();
  expect(await site.rcpt('bob@example.com')).toBe(250);
  expect(statSync(join(site.data, 'credential.key')).mode & 0o777).toBe(0o600);
  expect(await site.process.stop()).toBe(0);
  await site.start();
  expect(await site.rcpt('Bob@example.com')).toBe(250);
  const events = await site.events();
  const paths = events.flatMap((event) =>
    event.type === 'command' && event.verb === 'RCPT' ? [event.forwardPath] : [],
  );
  expect(paths).toEqual([expect.stringMatching(hashedPath), paths[0]]);
  expect(JSON.stringify(events).toLowerCase()).not.toContain('bob');
  await site.process.stop();
});

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exportLog } from '../../evaluation/export-log.ts';
import { MailLog } from '../../evaluation/mail-log.ts';
import { Random } from '../../evaluation/traffic/random.ts';
import { type RecipientReply, SessionScript } from '../../evaluation/traffic/session-script.ts';
import type { MailEvent } from '../../events/event.ts';

const START_MS = 1_767_225_600_000;
const ip = '203.0.113.9';

const script = (from = ip): SessionScript => new SessionScript({ ip: from, atMs: START_MS }, new Random(1));

/** Lines without what comes before the text. */
const textsOf = (events: readonly MailEvent[], log = new MailLog()): readonly string[] =>
  events.flatMap((event) => log.linesOf(event)).map((line) => line.slice(line.indexOf(': ') + 2));

// What Postfix 3.7.11 of Debian 12 wrote for these dialogues; queue ids and lines of the queue aside.
describe('lines as Postfix writes them', () => {
  const rejected = (reply: RecipientReply, forwardPath: string, reversePath = 'offer@spam.example') =>
    textsOf(script().hello().mail(reversePath).recipient(forwardPath, reply).quit());
  const total = 'disconnect from unknown[203.0.113.9] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4';

  test('an unknown recipient', () => {
    expect(rejected('unknown', 'nobody@example.com')).toEqual([
      'connect from unknown[203.0.113.9]',
      'NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in virtual mailbox table; from=<offer@spam.example> to=<nobody@example.com> proto=ESMTP helo=<mail.example.net>',
      total,
    ]);
  });

  test('an unknown recipient of a null reverse-path, and one that the gate refused', () => {
    const line =
      'NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in virtual mailbox table; from=<> to=<nobody@example.com> proto=ESMTP helo=<mail.example.net>';
    expect(rejected('unknown', 'nobody@example.com', '')[1]).toBe(line);
    expect(rejected('near-miss', 'nobody@example.com', '')[1]).toBe(line);
  });

  test.each(['probe@probe.example', 'probe0%relay.example@example.com'])('relaying: %s', (forwardPath) => {
    const reply = forwardPath.includes('%') ? 'routing' : 'foreign';
    expect(rejected(reply, forwardPath)).toEqual([
      'connect from unknown[203.0.113.9]',
      `NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 554 5.7.1 <${forwardPath}>: Relay access denied; from=<offer@spam.example> to=<${forwardPath}> proto=ESMTP helo=<mail.example.net>`,
      total,
    ]);
  });

  test('a wrong password', () => {
    expect(textsOf(script().hello().authenticate('admin', 1, 'refused').quit())).toEqual([
      'connect from unknown[203.0.113.9]',
      'warning: unknown[203.0.113.9]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=admin',
      'disconnect from unknown[203.0.113.9] ehlo=1 auth=0/1 quit=1 commands=2/3',
    ]);
  });

  test('a right password, and mail', () => {
    const session = script().hello().authenticate('alice', 1, 'accepted').mail('alice@example.com');
    expect(textsOf(session.recipient('anyone@example.com', 'known').data().quit())).toEqual([
      'connect from unknown[203.0.113.9]',
      expect.stringMatching(/^[0-9A-F]{10}: client=unknown\[203\.0\.113\.9\], sasl_method=PLAIN, sasl_username=alice$/),
      'disconnect from unknown[203.0.113.9] ehlo=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=6',
    ]);
  });

  test('once a recipient has been taken, the next one is refused under the id of the queue', () => {
    const session = script().hello().mail('a@spam.example').recipient('anyone@example.com', 'known');
    const [, client, reject] = textsOf(session.recipient('nobody@example.com', 'unknown').quit());
    expect(reject?.split(': ')[0]).toBe(client?.split(': ')[0]);
    expect(reject).toContain(': reject: RCPT from unknown[203.0.113.9]: 550 5.1.1 ');
    const other = script().hello().mail('a@spam.example').recipient('anyone@example.com', 'known').idle('RSET');
    expect(textsOf(other.mail('').recipient('nobody@example.com', 'unknown').quit())[2]).toMatch(/^NOQUEUE: reject/);
  });

  test('IPv6', () => {
    expect(textsOf(script('2a0e:97c0:5a1:1::25').quit())[0]).toBe('connect from unknown[2a0e:97c0:5a1:1::25]');
  });

  test('connections that are cut', () => {
    expect(textsOf(script().close({ closedBy: 'client' }))).toEqual([
      'connect from unknown[203.0.113.9]',
      'lost connection after CONNECT from unknown[203.0.113.9]',
      'disconnect from unknown[203.0.113.9] commands=0/0',
    ]);
    const body = script().hello().mail('a@spam.example').recipient('anyone@example.com', 'known');
    const texts = textsOf(body.progress('data', 1500, 30_000, 0.1).close({ closedBy: 'client' }));
    expect(texts[2]).toBe('lost connection after DATA (1500 bytes) from unknown[203.0.113.9]');
    expect(textsOf(script().hello().close({ closedBy: 'gate', rule: 'deadline.command' }))[1]).toBe(
      'timeout after EHLO from unknown[203.0.113.9]',
    );
    expect(textsOf(script().hello().close({ closedBy: 'gate', rule: 'errors.limit' }))[1]).toBe(
      'too many errors after EHLO from unknown[203.0.113.9]',
    );
  });

  test('HTTP and TLS; EHLO before the greeting leaves no line', () => {
    expect(textsOf(script().anomaly('http-on-smtp').close({ closedBy: 'gate' }))).toEqual([
      'connect from unknown[203.0.113.9]',
      'improper command pipelining after CONNECT from unknown[203.0.113.9]: GET / HTTP/1.1\\r\\nHost: mx.example.com\\r\\n\\r\\n',
      'warning: non-SMTP command from unknown[203.0.113.9]: GET / HTTP/1.1',
      'disconnect from unknown[203.0.113.9] unknown=0/1 commands=0/1',
    ]);
    expect(textsOf(script().anomaly('tls-on-plaintext').close({ closedBy: 'gate' }))[1]).toMatch(
      /^improper command pipelining after CONNECT from unknown\[203\.0\.113\.9\]: \\026\\003\\001/,
    );
    expect(textsOf(script().hello().anomaly('sync-violation').quit())[1]).toMatch(
      /^improper command pipelining after EHLO from unknown\[203\.0\.113\.9\]:/,
    );
    expect(textsOf(script().anomaly('early-talker').hello().quit())).toHaveLength(2);
  });

  test('commands that move nothing are counted', () => {
    const session = script().hello().idle('NOOP').idle('NOOP').idle('EXPN', undefined);
    expect(textsOf(session.quit()).at(-1)).toBe(
      'disconnect from unknown[203.0.113.9] ehlo=1 noop=2 quit=1 unknown=1 commands=5',
    );
  });
});

test('a line begins like those of the rsyslog of Debian 12', () => {
  const [line] = script()
    .quit()
    .flatMap((event) => new MailLog().linesOf({ ...event, at: START_MS + 7 }));
  expect(line).toMatch(/^2026-01-01T00:00:00\.007000\+00:00 mx postfix\/smtpd\[2\d{3}\]: connect from /);
});

test('what cannot be printed does not get into a line', () => {
  const [, line] = textsOf(script().hello().mail('').recipient('a\nb@example.com', 'unknown').quit());
  expect(line).toContain('to=<a?b@example.com>');
});

test('events of gates have no line', () => {
  const started = { v: 1, type: 'gate-stopped', at: START_MS, site: 'site', gate: 'gate-1' } as unknown as MailEvent;
  expect(new MailLog().linesOf(started)).toEqual([]);
});

test('a whole log in a file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'postern-mail-log-'));
  try {
    const path = join(directory, 'mail.log');
    const count = exportLog(path, [...script().quit(), ...script('203.0.113.10').quit()]);
    const lines = (await readFile(path, 'utf8')).split('\n');
    expect([count, lines.length, lines.at(-1)]).toEqual([4, 5, '']);
    expect(lines[2]).toContain('connect from unknown[203.0.113.10]');
  } finally {
    await rm(directory, { recursive: true });
  }
});

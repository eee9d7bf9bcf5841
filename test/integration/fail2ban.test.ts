import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { describe, expect, test } from 'vitest';
import { type Ban, fail2banDefault } from '../../evaluation/defenders/fail2ban.ts';
import { MailLog } from '../../evaluation/mail-log.ts';
import { everyone } from '../../evaluation/traffic/all.ts';
import { Random } from '../../evaluation/traffic/random.ts';
import { SessionScript } from '../../evaluation/traffic/session-script.ts';
import { undefended } from '../../evaluation/traffic/traffic.ts';
import { DAY_MS, World } from '../../evaluation/traffic/world.ts';
import { certificateFor } from '../support/certificates.ts';
import { describeNeeds, requireTools } from '../support/needs.ts';
import { freePort } from './support/gate-process.ts';
import { isRoot, Postfix } from './support/postfix.ts';
import { run } from './support/run.ts';

const root = join(import.meta.dirname, '..', '..');
const START_MS = 1_767_225_600_000;
const SEED = 11;

/** What support/fail2ban-bans.py prints. */
interface Real {
  readonly settings: Readonly<Record<string, { maxretry: number; findtimeS: number; bantimeS: number }>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly bans: readonly (readonly [jail: string, ip: string, atS: number])[];
}

/**
 * Both read the same traffic, which nobody keeps out: a source that is banned goes on, in the log as in the events. So every ban that is
 * decided can be compared, those of banned sources too.
 */
function modelBans(): readonly Ban[] {
  const bans: Ban[] = [];
  const defender = fail2banDefault((ban) => bans.push(ban));
  const span = { startMs: START_MS, attacksMs: START_MS + 7 * DAY_MS, endMs: START_MS + 14 * DAY_MS };
  const scenarios = everyone.filter(({ sizes }) => sizes.includes('S'));
  for (const event of undefended(new World(SEED, 'S', span), scenarios, SEED)) defender.see(event);
  return bans;
}

const firstOfEach = (bans: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    bans
      .map((ban) => ban.split(' '))
      .reverse()
      .map(([jail, ip, atS = '']) => [`${jail} ${ip}`, atS]),
  );

describeNeeds(['fail2ban-server'], 'the fail2ban of Debian', () => {
  test('bans whom our model of it bans, at the same failure', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'postern-fail2ban-log-'));
    try {
      const log = join(directory, 'mail.log');
      const parameters = ['--site', 'S', '--seeds', String(SEED), '--export-log', log];
      const exported = await run(process.execPath, [join(root, 'evaluation/main.ts'), ...parameters]);
      expect(exported.code, exported.output).toBe(0);
      const script = join(import.meta.dirname, 'support/fail2ban-bans.py');
      const read = await run('/usr/bin/python3', [script, log]);
      expect(read.code, read.output).toBe(0);
      const real = JSON.parse(read.output) as Real;

      const settings = { maxretry: 5, findtimeS: 600, bantimeS: 600 };
      for (const jail of ['postfix', 'postfix-sasl', 'dovecot']) expect(real.settings[jail]).toMatchObject(settings);
      expect(real.failures['postfix']).toBeGreaterThan(5000);
      expect(real.failures['postfix-sasl']).toBeGreaterThan(2000);
      // Dovecot writes nothing about the wrong passwords of Postfix's clients, so its jail has nothing to read.
      expect(real.failures['dovecot']).toBe(0);

      const reals = real.bans.map((ban) => ban.join(' '));
      const models = modelBans().map(({ jail, ip, atS }) => `${jail} ${ip} ${atS}`);
      expect(firstOfEach(models)).toEqual(firstOfEach(reals));
      expect(firstOfEach(models).size).toBeGreaterThan(15);
      // To the second, which is all that fail2ban reads of a stamp. In one thing the real one depends on chance: it forgets a source
      // whose last failure is ten minutes old when it next cleans up, every ten seconds, our model at once. A failure in between counts
      // as the next one or as a first one; in the traffic of this seed no ban hangs on that.
      expect([...models].sort()).toEqual([...reals].sort());
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

/** Says these lines one by one to a server that expects a PROXY header, each after the answer to the one before. */
async function say(port: number, ip: string, lines: readonly string[]): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(`PROXY TCP4 ${ip} 127.0.0.1 40000 25\r\n`);
  const left = [...lines];
  for await (const reply of createInterface({ input: socket })) {
    if (reply[3] === '-') continue;
    const next = left.shift();
    if (next === undefined) break;
    socket.write(`${next}\r\n`);
  }
  socket.destroy();
}

/** The lines of smtpd without stamp, process and queue id; what it says of cleartext or of its start is left out. */
const comparable = (log: string, ip: string): readonly string[] =>
  log
    .split('\n')
    .filter((line) => line.includes('postfix/smtpd[') && line.includes(`[${ip}]`))
    .map((line) => line.slice(line.indexOf(']: ') + 3).replace(/^[0-9A-F]{8,}: /, 'ID: '));

const missing = requireTools('postfix', 'dovecot') ?? (isRoot() ? undefined : 'needs root');
describe.skipIf(missing !== undefined)(`the Postfix of Debian${missing === undefined ? '' : ` (${missing})`}`, () => {
  const ehlo = 'EHLO mail.example.net';
  const mail = 'MAIL FROM:<offer@spam.example>';
  const play = (ip: string): SessionScript => new SessionScript({ ip, atMs: START_MS }, new Random(1)).hello();
  const password = Buffer.from('\0admin\0wrong').toString('base64');

  test('writes the lines that the exported log has', async () => {
    const certificate = await certificateFor('mx.example.com');
    const account = { user: 'alice', password: 'not-asked-for' };
    const port = await freePort();
    await using postfix = await Postfix.start({ port, clientAddress: 'proxy', certificate, account });
    const dialogues = [
      [
        [ehlo, mail, 'RCPT TO:<nobody@example.com>', 'QUIT'],
        (ip: string) => play(ip).mail('offer@spam.example').recipient('nobody@example.com', 'unknown').quit(),
      ],
      [
        [ehlo, mail, 'RCPT TO:<probe@probe.example>', 'QUIT'],
        (ip: string) => play(ip).mail('offer@spam.example').recipient('probe@probe.example', 'foreign').quit(),
      ],
      [
        [ehlo, mail, 'RCPT TO:<a%relay.example@example.com>', 'QUIT'],
        (ip: string) => play(ip).mail('offer@spam.example').recipient('a%relay.example@example.com', 'routing').quit(),
      ],
      [[ehlo, `AUTH PLAIN ${password}`, 'QUIT'], (ip: string) => play(ip).authenticate('admin', 1, 'refused').quit()],
      [
        [ehlo, 'MAIL FROM:<>', 'RCPT TO:<anyone@example.com>', 'RCPT TO:<nobody@example.com>', 'RSET', 'QUIT'],
        (ip: string) =>
          play(ip)
            .mail('')
            .recipient('anyone@example.com', 'known')
            .recipient('nobody@example.com', 'unknown')
            .idle('RSET')
            .quit(),
      ],
      [[ehlo], (ip: string) => play(ip).close({ closedBy: 'client' })],
    ] as const;
    for (const [index, [lines, events]] of dialogues.entries()) {
      const ip = `203.0.113.${10 + index}`;
      await say(port, ip, lines);
      const written = await postfix.untilLogged(
        new RegExp(`disconnect from unknown\\[203\\.0\\.113\\.${10 + index}\\]`),
      );
      const log = new MailLog();
      const exported = events(ip).flatMap((event) => log.linesOf(event));
      expect(comparable(exported.join('\n'), ip)).toEqual(comparable(written, ip));
    }
  });
});

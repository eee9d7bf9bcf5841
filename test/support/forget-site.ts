import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished } from 'vitest';
import { RawClient } from './raw-client.ts';
import { Site } from './site.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const AUTH = `AUTH PLAIN ${base64('\0anna@example.com\0secret')}`;

/** A server behind that repeats addresses in its replies, as many do, and knows nobody called guess. */
function talkative(line: string): string | undefined {
  if (line.startsWith('AUTH')) return line === AUTH ? '235 2.7.0 yes' : '535 5.7.8 no';
  const path = /^(?:RCPT TO|MAIL FROM):<([^>]*)>/.exec(line)?.[1];
  if (path === undefined) return undefined;
  return /^(?:guess|ANNA)/.test(path) ? `550 5.1.1 <${path}>: Recipient address rejected` : `250 2.1.5 <${path}> ok`;
}

const listener = { address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true };

/** A site of mail about anna@example.com, behind a balancer, so that clients have the addresses that they say. */
export class ForgetSite {
  readonly site: Site;

  private constructor(site: Site) {
    this.site = site;
  }

  static async open(change: Record<string, unknown> = {}): Promise<ForgetSite> {
    const site = await Site.open(
      {
        listeners: [
          { role: 'mx', ...listener },
          { role: 'submission', ...listener },
        ],
        networks: { balancers: ['127.0.0.1'] },
        limits: { slowDelayMs: 10 },
        policy: { modes: { 'auth.needs-tls': 'off' } },
        watch: { documentationRanges: true },
        ...change,
      },
      { answer: talkative, keywords: ['AUTH PLAIN', 'DSN', 'VRFY', 'ENHANCEDSTATUSCODES'] },
    );
    const opened = new ForgetSite(site);
    await opened.start();
    return opened;
  }

  async start(): Promise<void> {
    const running = await this.site.start();
    await running.line('the analyzers watch');
  }

  /** @param ip - Address of the client. */
  async client(role: 'mx' | 'submission', ip: string): Promise<RawClient> {
    const port = Number(
      this.site.process.lines.findLast(({ msg, listener: name }) => msg === 'listening' && name === role)?.['port'],
    );
    const client = await RawClient.connect(port);
    onTestFinished(() => client.destroy());
    client.send(`PROXY TCP4 ${ip} 192.0.2.1 4242 25\r\n`);
    expect(await client.code()).toBe(220);
    await client.say('EHLO c.example.net');
    return client;
  }

  /** Everything that an event can say of an address: paths, parameters, replies, accounts, octets. */
  async mailAboutAnna(): Promise<void> {
    const client = await this.client('mx', '198.51.100.20');
    expect(await client.say('MAIL FROM:<berta@example.net>')).toBe(250);
    for (const path of ['anna@example.com', 'Anna@example.com', 'anna+shop@example.com', 'joanna@example.com'])
      expect(await client.say(`RCPT TO:<${path}> ORCPT=rfc822;${path.replace('+', '+2B')}`)).toBe(250);
    expect(await client.say('DATA')).toBe(354);
    expect(await client.say('Subject: x\r\n\r\nhello\r\n.')).toBe(250);
    await client.say('VRFY anna@example.com');
    await client.say('RCPT TO:<anna@example com');
    client.destroy();
    const user = await this.client('submission', '198.51.100.30');
    expect(await user.say(AUTH)).toBe(235);
    expect(await user.say('MAIL FROM:<anna@example.com> AUTH=anna+40example.com')).toBe(250);
    expect(await user.say('RCPT TO:<friend@elsewhere.example>')).toBe(250);
    expect(await user.say('DATA')).toBe(354);
    expect(await user.say('Subject: x\r\n\r\nhello\r\n.')).toBe(250);
    user.destroy();
    const browser = await this.client('mx', '198.51.100.40');
    browser.send('GET /anna@example.com HTTP/1.1\r\n\r\n');
    await browser.until(() => browser.closed || browser.ended, 'the end');
    browser.destroy();
  }

  /** One source asks for addresses that do not exist, hers among them; from five networks her password is guessed. */
  async attacks(): Promise<void> {
    const client = await this.client('mx', '198.51.100.7');
    expect(await client.say('MAIL FROM:<a@spam.example>')).toBe(250);
    for (const local of ['guess0', 'Anna', 'guess1', 'anna', 'guess2', 'ANNA', 'guess3', 'guess4', 'guess5']) {
      client.send(`RCPT TO:<${local}@example.com>\r\n`);
      // Once it was enough the gate ends it.
      if ((await client.code()) === 421) break;
      await delay(60);
    }
    client.destroy();
    for (const network of [60, 61, 62, 63, 64, 65]) {
      const guesser = await this.client('submission', `20.${network}.1.1`);
      await guesser.say(`AUTH PLAIN ${base64(`\0anna@example.com\0wrong${network}`)}`);
      guesser.destroy();
    }
    await delay(500);
  }

  /** Once everything that was said is in the log, and in the history where one is kept. */
  async settled(): Promise<void> {
    await delay(2500);
  }

  /** Paths of files of the data directory that hold a pattern; packed state of the analyzers is unpacked. */
  filesWith(pattern: RegExp, folder = ''): readonly string[] {
    const root = join(this.site.data, folder);
    return filesIn(root).filter((path) => {
      const octets = octetsOf(path);
      return pattern.test((path.endsWith('.snapshot') ? gunzipSync(octets) : octets).toString('latin1'));
    });
  }
}

/** The database removes files by itself, at any moment. */
function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesIn(path);
      return entry.isFile() ? [path] : [];
    });
  } catch {
    return [];
  }
}

function octetsOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

/** The address as text or in hexadecimal digits; not within another one. */
export const ANNA = new RegExp(
  `(?<![a-z])anna(?:\\+(?:2b)?[a-z]+)?(?:@|\\+40)example\\.com|${Buffer.from('anna@example').toString('hex')}`,
  'i',
);

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MailEvent } from '../../events/event.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';
import { freePort, GateProcess } from './support/gate-process.ts';

/** How often each part is killed. */
const KILLS = 4;
/** Sessions at once. */
const PARALLEL = 20;
/** What was answered this long before a kill must be in the log. */
const GRACE_MS = 100;
/** Load between two kills: the part that was killed is back by then, and what waited for it is written. */
const BETWEEN_KILLS_MS = 3000;

/** How long reading the log may take. */
const READ_MS = 60_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One session as its client saw it; times of `performance.now()`, undefined for what it was never told. */
interface Seen {
  readonly name: string;
  readonly startedMs: number;
  queuedMs?: number;
  goodbyeMs?: number;
}

/** Sessions one after another until it is told to stop; what a kill breaks off is only noted. */
class Load {
  readonly sessions: Seen[] = [];
  private readonly port: number;
  private readonly runners: Promise<void>[];
  private isStopped = false;

  constructor(port: number) {
    this.port = port;
    this.runners = Array.from({ length: PARALLEL }, () => this.run());
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.runners);
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const seen: Seen = { name: `s${this.sessions.length}.example.net`, startedMs: performance.now() };
      this.sessions.push(seen);
      await this.session(seen).catch(() => pause(50));
    }
  }

  private async session(seen: Seen): Promise<void> {
    const client = await RawClient.connect(this.port);
    try {
      const greeting = await client.code();
      if (greeting !== 220) throw new Error(`greeted with ${greeting}`);
      await client.say(`EHLO ${seen.name}`);
      await client.say('MAIL FROM:<a@example.net>');
      await client.say('RCPT TO:<b@example.com>');
      if ((await client.say('DATA')) !== 354) throw new Error('no 354');
      if ((await client.say(`Subject: ${seen.name}\r\n\r\nbody\r\n.`)) === 250) seen.queuedMs = performance.now();
      if ((await client.say('QUIT')) === 221) seen.goodbyeMs = performance.now();
    } finally {
      client.destroy();
    }
  }
}

/** The events of each session, by the name its client gave. */
function byName(events: readonly MailEvent[]): ReadonlyMap<string, readonly MailEvent[]> {
  const inSession = events.filter((event) => 'sid' in event);
  const names = new Map(
    inSession.flatMap((event) => (event.type === 'command' && event.heloName ? [[event.sid, event.heloName]] : [])),
  );
  return Map.groupBy(inSession, ({ sid }) => names.get(sid) ?? sid);
}

/** From connection to end, each event once, its mail accepted. */
function isWhole(events: readonly MailEvent[] | undefined): boolean {
  if (events === undefined) return false;
  const numbers = events.flatMap((event) => ('seq' in event ? [event.seq] : [])).sort((a, b) => a - b);
  const types = new Set(events.map(({ type }) => type));
  const isAccepted = events.some((event) => event.type === 'mail' && event.outcome === 'accepted');
  return isAccepted && types.has('session-closed') && numbers.every((number, at) => number === at);
}

describe.each([['gate'], ['log']] as const)('kill -9 of the %s process under load', (part) => {
  const bodies: string[] = [];
  const kills: number[] = [];
  let sessions: readonly Seen[] = [];
  let events: ReadonlyMap<string, readonly MailEvent[]> = new Map();

  /** A gate that is killed may take the last moment with it, and its last words may be heard after its death. */
  const wasToldLongEnoughBefore = ({ startedMs, goodbyeMs }: Seen): boolean =>
    goodbyeMs !== undefined && (part === 'log' || !kills.some((at) => startedMs <= at && goodbyeMs > at - GRACE_MS));

  beforeAll(async () => {
    await using upstream = await ScriptedUpstream.listen(smtpServer({ bodies }));
    const [mxPort, httpPort] = [await freePort(), await freePort()];
    await using gate = await GateProcess.start(
      () => `
hostname: gate.example.com
contact: postmaster@example.com
listeners: [{ name: mx, role: mx, address: 127.0.0.1, port: ${mxPort}, withoutCertificate: true, greetingHoldMs: 0 }]
upstreams: { default: { host: 127.0.0.1, port: ${upstream.port}, tls: none } }
domains: { names: [example.com] }
limits: { sessionsPerSourceMax: 500, connectionsPerMinuteMax: 1000000 }
http: { port: ${httpPort} }
logging: { level: error }
`,
      mxPort,
    );
    const load = new Load(mxPort);
    for (let round = 0; round < KILLS; round += 1) {
      await pause(BETWEEN_KILLS_MS * (0.9 + Math.random() / 5));
      const pid = await gate.pidOf(part);
      kills.push(performance.now());
      process.kill(pid, 'SIGKILL');
    }
    await pause(BETWEEN_KILLS_MS);
    await load.stop();
    sessions = load.sessions;
    const due = sessions.filter(wasToldLongEnoughBefore);
    await gate
      .events((all) => {
        events = byName(all);
        return due.every(({ name }) => isWhole(events.get(name)));
      }, READ_MS)
      // The tests say what is missing.
      .catch(() => undefined);
  }, 120_000);

  afterAll(() => {
    console.log(
      `${part}: ${sessions.length} sessions, ${sessions.filter(({ goodbyeMs }) => goodbyeMs !== undefined).length} ended in order`,
    );
  });

  test(`every session whose QUIT was answered ${GRACE_MS} ms before a kill, or that began after it, is whole in the log`, () => {
    const due = sessions.filter(wasToldLongEnoughBefore);
    expect(due.length).toBeGreaterThan(500);
    expect(due.filter(({ name }) => !isWhole(events.get(name))).map(({ name }) => name)).toEqual([]);
  });

  test('no event is in the log twice', () => {
    for (const [name, each] of events) {
      const numbers = each.flatMap((event) => ('seq' in event ? [event.seq] : []));
      expect(new Set(numbers).size, name).toBe(numbers.length);
    }
  });

  test('what was acknowledged was delivered', () => {
    const delivered = new Set(bodies.map((body) => /^Subject: (\S+)/.exec(body)?.[1]));
    expect(sessions.filter(({ name, queuedMs }) => queuedMs !== undefined && !delivered.has(name))).toEqual([]);
  });

  if (part === 'log') {
    test('mail does not notice that the log is gone', () => {
      expect(sessions.filter(({ goodbyeMs }) => goodbyeMs === undefined)).toEqual([]);
    });
  }
});

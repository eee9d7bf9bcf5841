import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { encodeEvent } from '../../events/codec.ts';
import { decisionKey } from '../../events/decision.ts';
import { connectLog } from '../../log/io/log-client.ts';
import { aDecision } from '../support/decisions.ts';
import { postern, until } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';
import { Site } from '../support/site.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const answer = (line: string): string | undefined =>
  line.startsWith('RCPT') && line.includes('guess') ? '550 5.1.1 no such user' : undefined;

/** A site behind a balancer, so that clients have the addresses that they say. */
async function open(watch: Record<string, unknown> = {}): Promise<Site> {
  const site = await Site.open(
    {
      listeners: [
        { role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true },
      ],
      networks: { balancers: ['127.0.0.1'] },
      limits: { slowDelayMs: 10 },
      watch: { documentationRanges: true, scenarios: { 'recipient-harvest': 'enforce' }, ...watch },
    },
    { answer },
  );
  await site.start();
  return site;
}

async function connect(site: Site, ip: string): Promise<RawClient> {
  const client = await RawClient.connect(site.port);
  onTestFinished(() => client.destroy());
  client.send(`PROXY TCP4 ${ip} 192.0.2.1 4242 25\r\n`);
  return client;
}

/** Guesses addresses until the gate ends it, or 9 times: one more and the gate ends it by itself. @returns The codes. */
async function harvest(site: Site, ip: string, from = 0): Promise<number[]> {
  const client = await connect(site, ip);
  const codes = [await client.code()];
  if (codes[0] !== 220) return codes;
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@spam.example>']) expect(await client.say(line)).toBe(250);
  for (let count = 0; count < 9; count += 1) {
    client.send(`RCPT TO:<guess${from + count}@example.com>\r\n`);
    codes.push(await client.code());
    if (codes.at(-1) === 421) break;
    await setTimeout(120);
  }
  client.destroy();
  return codes;
}

const run = (site: Site, ...args: readonly string[]) => postern([...args, '--config', site.file]);
const greeting = async (site: Site, ip: string): Promise<number> => (await connect(site, ip)).code();

test('a harvester is slowed, deferred and explained; unblocked he starts at zero; and every decision is made again by replay', async () => {
  const site = await open();
  const codes = await harvest(site, '198.51.100.7');
  expect(codes.at(-1)).toBe(421);
  expect(codes.filter((code) => code === 550).length).toBeLessThan(8);
  expect(await greeting(site, '198.51.100.7')).toBe(421);
  expect(await greeting(site, '198.51.100.8')).toBe(220);

  const list = await run(site, 'list');
  expect(list.stdout).toMatch(/^198\.51\.100\.7 +defer .*recipient-harvest on mx \(([0-9a-f]{16})\)/m);
  const why = await run(site, 'why', '198.51.100.7');
  expect(why.stdout).toContain('asked for many addresses that do not exist');
  expect(why.stdout).toMatch(/\+1\.9 unknown-recipient: .* <guess0@example\.com> 550 5\.1\.1/);
  expect(why.stdout).toContain('Undo: postern unblock 198.51.100.7');
  const session = (await site.of('session-closed')).find(({ rule }) => rule === 'source.blocked');
  const bySession = await run(site, 'why', session?.sid ?? '');
  expect(bySession.stdout).toContain('asked for many addresses that do not exist');
  const nobody = await run(site, 'why', '203.0.113.1');
  expect([nobody.code, nobody.stdout]).toEqual([1, 'No decision is known about 203.0.113.1.\n']);

  const unblocked = await run(site, 'unblock', '198.51.100.7', '--reason', 'a customer');
  expect(unblocked.stdout).toMatch(/^Ended: 1\n {2}198\.51\.100\.7: defer /);
  expect(await greeting(site, '198.51.100.7')).toBe(220);
  expect((await harvest(site, '198.51.100.7', 50)).slice(0, 4)).toEqual([220, 550, 550, 550]);

  const replayed = await run(site, 'replay', '--json');
  expect(JSON.parse(replayed.stdout)).toMatchObject({ onlyLogged: [], onlyReplayed: [] });
  expect(JSON.parse(replayed.stdout).same).toBeGreaterThan(2);
});

test('what operators decide acts at once, and outlives a restart', async () => {
  const site = await open();
  const blocked = await run(site, 'block', '203.0.113.0/24', '--for', '2h', '--reason', 'spam run');
  expect(blocked.stdout).toMatch(/^203\.0\.113\.0\/24: refuse for .*\nUndo: postern unblock 203\.0\.113\.0\/24\n$/);
  expect(await greeting(site, '203.0.113.9')).toBe(554);
  expect((await run(site, 'allow', '203.0.113.9', '--reason', 'a customer')).code).toBe(0);
  expect([await greeting(site, '203.0.113.9'), await greeting(site, '203.0.113.8')]).toEqual([220, 554]);
  const still = await run(site, 'unblock', '203.0.113.8');
  expect(still.stdout).toContain('To let it through all the same: postern allow 203.0.113.8');
  expect((await run(site, 'why', '203.0.113.8')).stdout).toContain('because spam run');

  expect(await site.process.stop()).toBe(0);
  const file = join(site.data, 'blocklist.jsonl');
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(2);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(site.data, 'site.key')).mode & 0o777).toBe(0o600);
  const list = await run(site, 'list', '--json');
  expect(
    list.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).action)
      .sort(),
  ).toEqual(['allow', 'refuse']);
  await site.start();
  expect([await greeting(site, '203.0.113.9'), await greeting(site, '203.0.113.8')]).toEqual([220, 554]);
  expect((await run(site, 'unblock', '203.0.113.0/24')).stdout).toMatch(/^Ended: 1\n/);
  expect(await greeting(site, '203.0.113.8')).toBe(220);
  const acts = await site.of('operator-acted');
  expect(acts.map(({ act }) => act)).toEqual(expect.arrayContaining(['block', 'allow', 'unblock']));
});

test('a new installation only observes; the report says what would have been, and promotion is one setting', async () => {
  const site = await open({ scenarios: {} });
  expect(await harvest(site, '198.51.100.7')).not.toContain(421);
  await until(
    async () => ((await run(site, 'list')).stdout.includes('observed only') ? true : undefined),
    () => 'an observed decision',
  );
  const client = await connect(site, '198.51.100.7');
  expect(await client.code()).toBe(220);
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@b.example>', 'RCPT TO:<known@example.com>']) {
    expect(await client.say(line)).toBe(250);
  }
  expect(await client.say('DATA')).toBe(354);
  expect(await client.say('hello\r\n.')).toBe(250);
  const report = await until(
    async () => {
      const { stdout } = await run(site, 'report');
      return stdout.includes('Accepted mail that decisions would have kept out') ? stdout : undefined;
    },
    () => 'accepted mail in the report',
  );
  expect(report).toMatch(/ 1 {2}198\.51\.100\.7 +recipient-harvest/);
  expect(report).toMatch(/recipient-harvest +observes/);

  site.config['watch'] = { documentationRanges: true, scenarios: { 'recipient-harvest': 'enforce' } };
  site.write();
  site.process.signal('SIGHUP');
  await site.process.line('the new configuration is in force');
  expect(await greeting(site, '198.51.100.7')).toBe(421);
});

test('without a configuration list, report and why ask the gate which scenarios act; without a gate they say that it is not known', async () => {
  const site = await open();
  expect((await harvest(site, '198.51.100.7')).at(-1)).toBe(421);
  expect((await run(site, 'block', '203.0.113.9', '--reason', 'x')).code).toBe(0);
  const bare = async (...args: readonly string[]): Promise<string> =>
    (await postern([...args, '--data', site.data], { cwd: site.data })).stdout;
  const seen = async () => {
    const listed = (await bare('list', '--json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const report = JSON.parse(await bare('report', '--json'));
    const why = JSON.parse(await bare('why', '198.51.100.7', '--json'));
    return {
      list: new Set(listed.map(({ origin, observed, modes }) => `${origin} ${observed} ${modes}`)),
      report: [report.modes, report.scenarios[0].isObserved],
      why: [why.modes, why.decisions.at(-1).isObserved],
    };
  };
  expect(await seen()).toEqual({
    list: new Set(['analyzer false gate', 'operator false gate']),
    report: ['gate', false],
    why: ['gate', false],
  });
  expect(await bare('list')).toMatch(/^No usable configuration was given: .* the gate that runs says\.\n/);

  expect(await site.process.stop()).toBe(0);
  expect(await seen()).toEqual({
    list: new Set(['analyzer null unknown', 'operator false unknown']),
    report: ['unknown', null],
    why: ['unknown', null],
  });
  const list = await bare('list');
  expect(list).toMatch(/^No usable configuration was given, .* whether decisions of analyzers act is not known\./);
  expect(list).toMatch(/^198\.51\.100\.7 .*, whether it acts is not known \(/m);
  expect(list).toMatch(/^203\.0\.113\.9 .* by [^,]+\([0-9a-f]{16}\)$/m);
  expect(await bare('list', '--enforced')).toBe(list);
  expect(await bare('report')).toContain('whether decisions of analyzers act is not known');
  expect(await bare('report')).not.toContain('Ready to act');
  expect(await bare('why', '198.51.100.7')).toContain('(whether it acts is not known)');

  const named = await postern(['list', '--json', '--data', site.data, '--config', site.file]);
  expect(named.stdout).toContain('"observed":false,"modes":"configuration"');
  const foreign = await postern(['list', '--json', '--data', site.data], { cwd: elsewhere() });
  expect(foreign.stdout).toContain('"observed":null,"modes":"unknown"');
  const own = await postern(['list', '--json', '--data', site.data], { cwd: site.folder });
  expect(own.stdout).toContain('"observed":false,"modes":"configuration"');

  /** A folder with the configuration of another installation. */
  function elsewhere(): string {
    const folder = temporaryDirectory();
    copyFileSync(site.file, join(folder, 'postern.yaml'));
    return folder;
  }
});

test.each([
  { args: ['block', '127.0.0.1', '--reason', 'x'], code: 1, says: 'never-list' },
  { args: ['block', '10.0.0.0/8', '--reason', 'x'], code: 1, says: 'too much of the Internet' },
  { args: ['block', 'example.com', '--reason', 'x'], code: 1, says: 'neither an address nor a range' },
  { args: ['block', '198.51.100.1'], code: 2, says: '--reason is needed' },
  { args: ['block', '198.51.100.1', '--reason', 'x', '--for', 'long'], code: 2, says: '--for is no time' },
  { args: ['block', '198.51.100.1', '--reason', 'x', '--action', 'kill'], code: 2, says: '--action is none of' },
  { args: ['block', '--reason', 'x'], code: 2, says: 'needs one address or range' },
  { args: ['block', '198.51.100.1', '198.51.100.2', '--reason', 'x'], code: 2, says: 'takes one address or range' },
  { args: ['allow', '198.51.100.1'], code: 2, says: '--reason is needed' },
  { args: ['why', 'nonsense'], code: 2, says: 'expected' },
  { args: ['report', '--since', 'ever'], code: 2, says: '--since is no time' },
])('postern $args says what is wrong', async ({ args, code, says }) => {
  const site = await open();
  const ended = await run(site, ...args);
  expect(ended.code).toBe(code);
  expect(ended.stdout + ended.stderr).toContain(says);
});

test('analyzers that are killed come back, lose no decision and make none twice; without them decisions stay in force', async () => {
  const site = await open();
  const pid = async (): Promise<number> => (await site.process.line('the analyzers watch')).pid;
  const first = await pid();
  expect((await harvest(site, '198.51.100.7')).at(-1)).toBe(421);
  process.kill(first, 'SIGKILL');
  expect(await greeting(site, '198.51.100.7')).toBe(421);
  const seen = site.process.lines.length;
  expect((await harvest(site, '198.51.100.9')).length).toBeGreaterThan(3);
  const startedMs = performance.now();
  await site.process.line('the analyzers watch', seen - 1);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  await until(
    async () => ((await greeting(site, '198.51.100.9')) === 421 ? true : undefined),
    () => 'the decision about what happened meanwhile',
  );
  const replayed = JSON.parse((await run(site, 'replay', '--json')).stdout);
  expect(replayed).toMatchObject({ onlyLogged: [], onlyReplayed: [] });
  const all = (await run(site, 'list', '--all', '--json')).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).id);
  expect(new Set(all).size).toBe(all.length);
});

test('a secret that is too short ends the start, and says so', async () => {
  const site = await open();
  expect(await site.process.stop()).toBe(0);
  writeFileSync(join(site.folder, 'short.key'), 'x');
  site.write({ privacy: { secretFile: join(site.folder, 'short.key') } });
  const started = await postern(['start', '--config', site.file]);
  expect(started.code).toBe(1);
  expect(started.stderr).toContain('32 to 4096 octets');
});

/** A decision about a domain is in force at the gate. */
async function flooded(site: Site): Promise<void> {
  const decision = aDecision({
    scope: 'domain',
    value: 'example.com',
    action: 'verify-bounces',
    scenario: 'bounce-flood',
    site: 'main',
    at: Date.now(),
    until: Date.now() + 3_600_000,
  });
  await using client = connectLog({ socketPath: join(site.data, 'run', 'log.sock') });
  const record = { stream: 'postern.decisions', key: decisionKey(decision), payload: encodeEvent(decision) } as const;
  expect((await client.append([record])).ok).toBe(true);
  await until(
    async () => (await (await site.get('/metrics')).text()).includes('scope="domain"') || undefined,
    () => 'the decision about the domain to be in force',
  );
}

test('a gate whose log is gone keeps what is in force, and so does one whose own file is damaged', async () => {
  const site = await open();
  const blocked = await run(site, 'block', '198.51.100.7', '--for', '1h', '--reason', 'a test');
  expect(blocked.code).toBe(0);
  await flooded(site);
  expect(await site.process.stop()).toBe(0);
  rmSync(join(site.data, 'log'), { recursive: true });
  await site.start();
  expect(await greeting(site, '198.51.100.7')).toBe(554);
  const metrics = await (await site.get('/metrics')).text();
  expect(metrics).toMatch(/^postern_decisions_in_force\{scope="domain",action="verify-bounces",mode="observe"\} 1$/m);
  expect(await site.process.stop()).toBe(0);

  const other = await open();
  expect((await run(other, 'block', '198.51.100.8', '--for', '1h', '--reason', 'a test')).code).toBe(0);
  expect(await other.process.stop()).toBe(0);
  writeFileSync(join(other.data, 'blocklist.jsonl'), '\0{"type":"decision-made"');
  await other.start();
  expect(await greeting(other, '198.51.100.8')).toBe(554);
});

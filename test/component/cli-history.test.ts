import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../cli/demo/free-ports.ts';
import type { Why } from '../../cli/format/why.ts';
import type { CoveredSummary } from '../../cli/report/gather.ts';
import { referenceOf } from '../../lib/uuid-v7.ts';
import { openSqliteLog } from '../../log/io/sqlite-log.ts';
import { postern, until } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';
import { Site } from '../support/site.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** What report, why and the console say of what the log does not have any more. */

const IP = '198.51.100.7';
const KEEPS = 'the store keeps the history';

async function open(): Promise<Site> {
  const [port, webPort] = await freePorts(2);
  const site = await Site.open(
    {
      listeners: [
        { role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true },
      ],
      networks: { balancers: ['127.0.0.1'] },
      watch: { documentationRanges: true, scenarios: {} },
      store: { kind: 'chdb', http: { port } },
      web: { kind: 'on', port: webPort },
    },
    { answer: (line) => (line.startsWith('RCPT') && line.includes('guess') ? '550 5.1.1 no such user' : undefined) },
  );
  const running = await site.start();
  await running.line(KEEPS);
  return site;
}

async function connect(site: Site): Promise<RawClient> {
  const client = await RawClient.connect(site.port);
  onTestFinished(() => client.destroy());
  client.send(`PROXY TCP4 ${IP} 192.0.2.1 4242 25\r\n`);
  expect(await client.code()).toBe(220);
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@spam.example>']) expect(await client.say(line)).toBe(250);
  return client;
}

/** Guesses addresses until an analyzer would act, and then has a message accepted. */
async function harvest(site: Site): Promise<void> {
  const guesser = await connect(site);
  for (let count = 0; count < 9; count += 1) {
    expect(await guesser.say(`RCPT TO:<guess${count}@example.com>`)).toBe(550);
    await setTimeout(50);
  }
  expect(await guesser.say('QUIT')).toBe(221);
  guesser.destroy();
  await until(
    async () => ((await run(site, 'list')).stdout.includes('observed only') ? true : undefined),
    () => 'an observed decision',
  );
  const client = await connect(site);
  expect(await client.say('RCPT TO:<known@example.com>')).toBe(250);
  expect(await client.say('DATA')).toBe(354);
  expect(await client.say('hello\r\n.')).toBe(250);
  expect(await client.say('MAIL FROM:<a@spam.example>')).toBe(250);
  expect(await client.say('RCPT TO:<x@elsewhere.example>')).toBe(554);
  expect(await client.say('QUIT')).toBe(221);
  client.destroy();
}

const run = (site: Site, ...args: readonly string[]) => postern([...args, '--config', site.file]);
const report = async (site: Site): Promise<CoveredSummary> =>
  JSON.parse((await run(site, 'report', '--json')).stdout) as CoveredSummary;
const why = async (site: Site, subject: string): Promise<Why> =>
  JSON.parse((await run(site, 'why', subject, '--json')).stdout) as Why;

/** Everything but how far back it reaches, and when the last event was. */
function said(answer: object): object {
  const { coverage: _, sinceMs: __, untilMs: ___, ...rest } = answer as Record<string, unknown>;
  return rest;
}

async function asked(site: Site, path: string): Promise<Record<string, unknown>> {
  const token = readFileSync(join(site.data, 'web', 'viewer.token'), 'utf8').trim();
  const { port } = site.config['web'] as { port: number };
  const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

/** Once the log has what happened, and the store what the log has. */
async function settled(site: Site): Promise<void> {
  await until(
    async () => {
      const { affected, rules, sessions } = await report(site);
      return affected.length > 0 && rules.length > 0 && sessions === 2 ? true : undefined;
    },
    () => 'everything in the report',
  );
  await until(
    async () => ((await site.of('session-closed')).length === 2 ? true : undefined),
    () => 'the ends of both sessions',
  );
  await setTimeout(2500);
  await until(
    async () =>
      /^postern_store_unseen_records 0$/m.test(await (await site.get('/metrics')).text()) ? true : undefined,
    () => 'the store to have everything',
  );
}

/** Every record leaves the log, as time would do it. */
async function trim(site: Site): Promise<void> {
  const opened = await openSqliteLog({ directory: join(site.data, 'log'), site: 'main', gate: 'gate-1' });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  expect(await opened.value.trim(Date.now() + 1)).toBeGreaterThan(0);
  await opened.value[Symbol.asyncDispose]();
}

async function restarted(site: Site): Promise<void> {
  const running = await site.start();
  await running.line(KEEPS);
}

test('what has left the log is answered from the history: report, why, and the console', async () => {
  const site = await open();
  await harvest(site);
  await settled(site);
  const sid = (await site.of('command')).find(({ verdict }) => verdict.rule === 'relay.denied')?.sid ?? '';
  const before = {
    report: await report(site),
    source: await why(site, IP),
    session: await why(site, referenceOf(sid)),
  };
  const decision = before.source.decisions[0]?.decision;
  expect(decision?.ledger?.length).toBeGreaterThan(0);
  expect(before.report).toMatchObject({ acceptedMail: 1, affected: [{ source: IP, acceptedMail: 1 }] });
  expect(before.source.sessions).toHaveLength(2);
  expect(before.session.sessions[0]?.length).toBeGreaterThan(5);
  const byDecision = await why(site, decision?.id ?? '');

  expect(await site.process.stop()).toBe(0);
  await trim(site);
  await restarted(site);
  const since = await report(site);
  expect(said(since)).toEqual(said(before.report));
  expect(since.coverage).toMatchObject({ source: 'log-and-history', note: 'Nothing older is kept.' });
  const source = await why(site, IP);
  expect(said(source)).toEqual(said(before.source));
  expect([source.coverage.source, source.coverage.note]).toEqual(['log-and-history', undefined]);
  expect(said(await why(site, referenceOf(sid)))).toEqual(said(before.session));
  expect(said(await why(site, decision?.id ?? ''))).toEqual(said(byDecision));
  const text = await run(site, 'why', IP);
  expect(text.stdout).toMatch(/\+1\.9 unknown-recipient: .* <guess0@example\.com> 550 5\.1\.1/);
  expect(text.stdout).not.toContain('Covered from');

  expect(said(await asked(site, `why/${IP}`))).toEqual(said(before.source));
  expect((await asked(site, `sessions/${sid}`))['events']).toEqual(before.session.sessions[0]);

  // The log is lost as a whole, and another begins with the same offsets.
  expect(await site.process.stop()).toBe(0);
  rmSync(join(site.data, 'log'), { recursive: true });
  await restarted(site);
  expect(said(await report(site))).toEqual(said(before.report));
  expect(said(await why(site, IP))).toEqual(said(before.source));
  expect(await site.process.stop()).toBe(0);
}, 120_000);

test('without the history the log answers, and says how far back it reaches and what to do', async () => {
  const site = await open();
  await harvest(site);
  await settled(site);
  const { acceptedMail } = await report(site);
  const decisions = (await why(site, IP)).decisions.length;
  const seen = async (args: readonly string[], folder = site.folder, isShown = false) => {
    const options = { cwd: folder };
    const { coverage, ...told } = JSON.parse((await postern(['report', '--json', ...args], options)).stdout);
    const explained = JSON.parse((await postern(['why', IP, '--json', ...args], options)).stdout);
    const { source, note } = coverage;
    expect([explained.coverage.source, explained.coverage.note]).toEqual([source, note]);
    const shown = isShown
      ? [await postern(['report', ...args], options), await postern(['why', IP, ...args], options)]
      : [];
    for (const { stdout } of shown)
      expect(stdout.split('\n').filter((line) => line.startsWith('Covered from '))).toEqual([
        expect.stringMatching(
          new RegExp(`^Covered from \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC on\\. ${literal(coverage.note)}$`),
        ),
      ]);
    return { source, note, acceptedMail: told.acceptedMail, decisions: explained.decisions.length };
  };

  // The password is another one.
  const other = join(temporaryDirectory(), 'postern.yaml');
  const key = join(site.folder, 'other.key');
  writeFileSync(key, 'another password\n');
  const { store } = site.config as { store: { http: { port: number } } };
  site.write({
    store: { kind: 'chdb', http: { port: store.http.port, password: { file: key } } },
    dataDirectory: site.data,
  });
  writeFileSync(other, readFileSync(site.file));
  site.write();
  expect(await seen(['--config', other])).toEqual({
    source: 'log',
    acceptedMail,
    note: expect.stringMatching(/^Nothing older is in the log\. The store does not take our password: /),
    decisions,
  });

  // Without a configuration the data directory says where the history is, and its password.
  const empty = temporaryDirectory();
  expect(await seen(['--data', site.data], empty)).toEqual({
    source: 'log-and-history',
    acceptedMail,
    note: undefined,
    decisions,
  });

  // Nobody is there, and the log has been trimmed.
  expect(await site.process.stop()).toBe(0);
  await trim(site);
  expect(await seen(['--config', site.file], site.folder, true)).toEqual({
    source: 'log',
    acceptedMail: 0,
    note: 'Nothing older is in the log. The store does not answer: see that `postern store` runs.',
    decisions: 0,
  });
  expect((await run(site, 'why', IP)).code).toBe(1);
  expect(await seen(['--data', site.data], empty)).toMatchObject({
    note: 'Nothing older is in the log. The history cannot be asked yet: see that `postern store` runs.',
  });

  // No history is kept.
  site.write({ store: { kind: 'none' } });
  expect(await seen(['--config', site.file])).toMatchObject({
    note: 'Nothing older is in the log. No history is kept: `store.kind` is `none` in the configuration.',
  });
  rmSync(join(site.data, 'store'), { recursive: true });
  expect(await seen(['--data', site.data], empty)).toMatchObject({
    note: expect.stringContaining('name the configuration with --config'),
  });
}, 120_000);

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

test('a log that was never trimmed says nothing of a history that nobody keeps', async () => {
  const site = await Site.open();
  const running = await site.start();
  expect(await site.send()).toBe(250);
  await until(
    async () => ((await report(site)).acceptedMail === 1 ? true : undefined),
    () => 'the mail in the report',
  );
  const { coverage } = await report(site);
  expect(coverage).toEqual({ fromMs: expect.any(Number), source: 'log' });
  expect((await run(site, 'report')).stdout).not.toContain('Covered from');
  expect((await run(site, 'why', '203.0.113.1')).stdout).toBe('No decision is known about 203.0.113.1.\n');
  expect(await running.stop()).toBe(0);
});

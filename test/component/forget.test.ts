import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { accountHashes } from '../../cli/io/credential-hashes.ts';
import { LOCAL_PART_KEY_OCTETS, localPartHashes } from '../../cli/io/local-part-hashes.ts';
import { SiteSecret } from '../../cli/io/site-secret.ts';
import { ANNA, ForgetSite } from '../support/forget-site.ts';
import { Postern, postern, until } from '../support/postern.ts';
import { openTestStore, rowsOf, wronglyDerived } from '../support/store.ts';

const KEEPS = 'the store keeps the history';
const REASON = ['--reason', 'she asked: anna@example.com'];

const run = ({ site }: ForgetSite, ...args: readonly string[]) => postern([...args, '--config', site.file]);
const forget = (site: ForgetSite, ...args: readonly string[]) => run(site, 'forget', 'Anna@Example.com', ...args);

const secretOf = ({ site }: ForgetSite): SiteSecret => new SiteSecret(readFileSync(join(site.data, 'site.key')));

/** What people ask for, in its parts that must not change. */
async function asked(site: ForgetSite) {
  const [why, tail, replay] = await Promise.all([
    run(site, 'why', '198.51.100.7', '--json'),
    site.site.events(),
    run(site, 'replay', '--json'),
  ]);
  expect(why.code).toBe(0);
  const { onlyLogged, onlyReplayed, same } = JSON.parse(replay.stdout);
  expect([onlyLogged, onlyReplayed]).toEqual([[], []]);
  expect(replay.code).toBe(0);
  return {
    decisions: JSON.parse(why.stdout).decisions.map(({ decision }: { decision: { id: string } }) => decision.id),
    events: tail.filter(({ type }) => type !== 'operator-acted').map(({ type, at }) => `${type} ${at}`),
    paths: new Set(tail.flatMap((event) => (event.type === 'command' ? [event.forwardPath] : []))).size,
    same,
  };
}

test('a person is forgotten in the log, the history and the state of the analyzers, while everything runs', {
  timeout: 240_000,
}, async () => {
  const site = await ForgetSite.open({
    store: { kind: 'chdb', http: { port: 0 } },
    privacy: { accounts: 'plain' },
    watch: { documentationRanges: true, scenarios: { 'recipient-harvest': 'enforce' } },
  });
  await site.site.process.line(KEEPS);
  await site.mailAboutAnna();
  await site.attacks();
  await site.settled();
  const before = await asked(site);
  expect(before.same).toBeGreaterThan(1);
  const paths = (await site.site.of('command')).flatMap(({ forwardPath }) => forwardPath ?? []);
  const hers = paths.filter((path) => ANNA.test(path)).length;
  expect(hers).toBeGreaterThan(4);
  expect(site.filesWith(ANNA, 'log').length).toBeGreaterThan(1);

  const dry = await forget(site, '--dry-run', '--json');
  expect([dry.code, dry.stderr]).toEqual([0, '']);
  const counted = JSON.parse(dry.stdout);
  expect(counted).toMatchObject({ isDryRun: true, log: { 'postern.events': expect.any(Number) } });
  expect(await asked(site)).toEqual(before);

  const done = await forget(site, ...REASON, '--json');
  expect([done.code, done.stderr]).toEqual([0, '']);
  const report = JSON.parse(done.stdout);
  expect(report).toMatchObject({ analyzers: 'done', history: 'done', isScrubbed: true, unsettled: 0, gone: 0 });
  expect(report.log).toEqual(counted.log);
  expect(report.rows).toEqual(counted.rows);
  expect(report.rows).toMatchObject({ events: expect.any(Number), mails: 1, sessions: expect.any(Number) });
  expect(report.pseudonym).toMatch(/^forgotten-[a-z]{16}@example\.com$/);
  expect(done.stdout).not.toMatch(ANNA);

  expect(await asked(site)).toEqual(before);
  expect(site.filesWith(ANNA, 'log')).toEqual([]);
  expect(site.filesWith(ANNA, 'watch')).toEqual([]);
  expect(readdirSync(join(site.site.data, 'forget'))).toEqual([]);
  const acts = await site.site.of('operator-acted');
  expect(acts).toMatchObject([
    { act: 'forget', value: report.pseudonym, reason: `she asked: ${report.pseudonym}`, counts: report.log },
  ]);
  const tail = new Postern(['tail', '--from-start', '--type', 'operator-acted', '--config', site.site.file]);
  await until(
    () => (tail.stdout.includes(`forget ${report.pseudonym} by `) ? true : undefined),
    () => tail.stdout,
  );

  // The database removes old parts of its files by itself.
  await until(
    () => (site.filesWith(ANNA).every((path) => path.endsWith('blocklist.jsonl')) ? true : undefined),
    () => `the address in ${site.filesWith(ANNA).join()}`,
    120_000,
  );
  expect(await site.site.process.stop()).toBe(0);
  const database = await openTestStore(join(site.site.data, 'store', 'chdb'), 'postern');
  onTestFinished(() => database[Symbol.asyncDispose]());
  const [row] = await rowsOf<{ own: string; hers: string; shown: string }>(
    database,
    `SELECT countIf(positionCaseInsensitive(forwardPath, 'joanna@') > 0) AS own,
            countIf(match(forwardPath, '(?i)^anna')) AS hers,
            countIf(startsWith(forwardPath, 'forgotten-')) AS shown FROM events`,
  );
  expect([Number(row?.own), Number(row?.hers), Number(row?.shown)]).toEqual([1, 0, hers]);
  expect(await rowsOf(database, "SELECT reversePath FROM mails WHERE startsWith(reversePath, 'forgotten-')")).toEqual([
    { reversePath: report.pseudonym },
  ]);
  expect(await wronglyDerived(database)).toEqual([]);
});

test('with nothing running it is done in the log at once, and elsewhere at the next start', {
  timeout: 120_000,
}, async () => {
  const site = await ForgetSite.open({ store: { kind: 'chdb', http: { port: 0 } }, privacy: { accounts: 'plain' } });
  await site.site.process.line(KEEPS);
  await site.mailAboutAnna();
  await site.settled();
  expect(await site.site.process.stop()).toBe(0);
  expect(site.filesWith(ANNA, 'watch').length).toBeGreaterThan(0);

  const dry = await forget(site, '--dry-run');
  expect(dry.stdout).toMatch(/Nothing was changed\..*postern\.events \d+.*not counted: the store does not run/s);
  expect(site.filesWith(ANNA, 'log').length).toBeGreaterThan(0);
  expect(existsSync(join(site.site.data, 'forget')) && readdirSync(join(site.site.data, 'forget')).length > 0).toBe(
    false,
  );

  const done = await forget(site, ...REASON);
  expect([done.code, done.stderr]).toEqual([0, '']);
  expect(done.stdout).toMatch(/analyzers +they do not run: done when they start next/);
  expect(done.stdout).toMatch(/history +the store does not run.*: done when it can/);
  expect(site.filesWith(ANNA, 'log')).toEqual([]);
  expect(readdirSync(join(site.site.data, 'forget'))).toHaveLength(2);

  await site.start();
  await site.site.process.line(KEEPS);
  await until(
    () => (readdirSync(join(site.site.data, 'forget')).every((name) => name.includes('answer')) ? true : undefined),
    () => readdirSync(join(site.site.data, 'forget')).join(),
  );
  expect(site.filesWith(ANNA, 'watch')).toEqual([]);
  expect(await site.site.process.stop()).toBe(0);
  const database = await openTestStore(join(site.site.data, 'store', 'chdb'), 'postern');
  onTestFinished(() => database[Symbol.asyncDispose]());
  expect(await rowsOf(database, "SELECT count() AS count FROM events WHERE match(forwardPath, '(?i)^anna')")).toEqual([
    { count: 0 },
  ]);
});

test('a store that is killed while it forgets does it once more', { timeout: 120_000 }, async () => {
  const site = await ForgetSite.open({ store: { kind: 'chdb', http: { port: 0 } } });
  await site.site.process.line(KEEPS);
  await site.mailAboutAnna();
  await site.settled();
  const folder = join(site.site.data, 'forget');
  const command = new Postern(['forget', 'anna@example.com', ...REASON, '--json', '--config', site.site.file]);
  let kills = 0;
  for (; kills < 2; kills += 1) {
    const { pid } = await until(
      () => {
        const keeping = site.site.process.lines.filter(({ msg }) => msg === KEEPS);
        const isAsked = existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.store.json'));
        return isAsked && keeping.length > kills ? keeping.at(-1) : undefined;
      },
      () => 'the store to be asked',
    );
    await new Promise((resolve) => setTimeout(resolve, kills * 900));
    if (readdirSync(folder).some((name) => name.endsWith('.store.json'))) process.kill(pid, 'SIGKILL');
    else break;
  }
  expect(kills).toBeGreaterThan(0);
  await command.closed;
  expect([command.code, command.stderr]).toEqual([0, '']);
  await until(
    () => (readdirSync(folder).some((name) => name.endsWith('.store.json')) ? undefined : true),
    () => 'the request to be done',
  );
  expect(await site.site.process.stop()).toBe(0);
  const database = await openTestStore(join(site.site.data, 'store', 'chdb'), 'postern');
  onTestFinished(() => database[Symbol.asyncDispose]());
  expect(
    await rowsOf(
      database,
      `SELECT countIf(match(forwardPath, '(?i)^anna')) AS hers, countIf(startsWith(forwardPath, 'forgotten-')) > 0 AS shown FROM events`,
    ),
  ).toEqual([{ hers: 0, shown: 1 }]);
  expect(await wronglyDerived(database)).toEqual([]);
});

test('keyed hashes of a person go too: of the local part, of accounts, in evidence and in decisions', {
  timeout: 120_000,
}, async () => {
  const site = await ForgetSite.open({ privacy: { localParts: 'hash' } });
  await site.mailAboutAnna();
  await site.attacks();
  await site.settled();
  const secret = secretOf(site);
  const localPart = localPartHashes(secret.derive('local parts', LOCAL_PART_KEY_OCTETS))('anna');
  const account = accountHashes(secret)('anna@example.com');
  const hashed = new RegExp(`h:${localPart}@example\\.com|${account}`);
  expect(site.filesWith(hashed, 'log').length).toBeGreaterThan(2);
  const decided = await run(site, 'list', '--all', '--json');
  expect(decided.stdout).toContain(account);
  const before = await asked(site);

  const done = await forget(site, ...REASON, '--json');
  expect([done.code, done.stderr]).toEqual([0, '']);
  const report = JSON.parse(done.stdout);
  expect(report).toMatchObject({
    history: 'none',
    hashesKnown: true,
    log: {
      'postern.events': expect.any(Number),
      'postern.evidence': expect.any(Number),
      'postern.decisions': expect.any(Number),
    },
  });
  expect(site.filesWith(hashed, 'log')).toEqual([]);
  expect(site.filesWith(hashed, 'watch')).toEqual([]);
  expect(await asked(site)).toEqual(before);
  // The same person once more: there is nothing left to be found.
  expect(JSON.parse((await forget(site, ...REASON, '--json')).stdout).log).toEqual({});
});

test('an account of another name is forgotten where it is named, and only with --account', {
  timeout: 120_000,
}, async () => {
  const site = await ForgetSite.open({ privacy: { accounts: 'plain' } });
  const user = await site.client('submission', '198.51.100.30');
  await user.say(`AUTH PLAIN ${Buffer.from('\0Anna.Smith\0wrong').toString('base64')}`);
  user.destroy();
  await site.settled();
  const accounts = async () => (await site.site.of('auth-attempt')).map(({ account }) => account);
  expect(await accounts()).toEqual(['anna.smith']);
  expect((await forget(site, ...REASON)).code).toBe(0);
  expect(await accounts()).toEqual(['anna.smith']);
  expect((await forget(site, ...REASON, '--account', 'ANNA.Smith')).code).toBe(0);
  expect(await accounts()).toEqual([expect.stringMatching(/^forgotten-[a-z]{16}$/)]);
  expect(site.filesWith(/anna\.smith/i)).toEqual([]);
});

test.each([
  { args: ['anna'], code: 2, says: 'that is no mail address' },
  { args: ['postmaster'], code: 2, says: 'that is no mail address' },
  { args: ['@relay.example:anna@example.com', '--reason', 'x'], code: 2, says: 'that is no mail address' },
  { args: ['anna@example.com'], code: 2, says: '--reason is needed' },
  { args: [], code: 2, says: 'needs one mail address' },
  { args: ['anna@example.com', '--reason', 'x', '--dry'], code: 2, says: 'unknown flag --dry' },
  {
    args: ['anna@example.com', '--reason', 'x', '--data', '/nowhere'],
    code: 1,
    says: 'there is no event log in /nowhere',
  },
])('postern forget $args says what is wrong', async ({ args, code, says }) => {
  const ended = await postern(['forget', ...args]);
  expect(ended.code).toBe(code);
  expect(ended.stdout + ended.stderr).toContain(says);
});

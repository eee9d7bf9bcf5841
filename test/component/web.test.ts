import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { STREAMS_MAX } from '../../console/event-stream.ts';
import { BODY_OCTETS_MAX } from '../../console/io/body.ts';
import { dashboards } from '../../dashboards/all.ts';
import { LiveTail, TestConsole } from '../support/console.ts';
import { postern, until } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';

const hostile = '<script>alert(1)</script>';

/** The id of a session whose greeting was hostile and whose relay was refused. */
async function hostileSession(console: TestConsole): Promise<string> {
  const client = await RawClient.connect(console.site.port);
  onTestFinished(() => client.destroy());
  expect(await client.code()).toBe(220);
  expect(await client.say(`HELO ${hostile}`)).toBeGreaterThan(0);
  expect(await client.say('MAIL FROM:<a@example.net>')).toBeGreaterThan(0);
  expect(await client.say('RCPT TO:<x@elsewhere.example>')).toBeGreaterThanOrEqual(500);
  expect(await client.say('QUIT')).toBe(221);
  const refusal = await until(
    async () => (await console.site.of('command')).find(({ forwardPath }) => forwardPath === 'x@elsewhere.example'),
    () => 'the refusal',
  );
  return refusal.sid;
}

const range = (): string => {
  const to = Math.ceil(Date.now() / 1000) + 60;
  return `from=${to - 3600}&to=${to}`;
};

test('the dashboards, sessions and live events of real mail', async () => {
  const console = await TestConsole.withStore();
  const tail = await console.follow();
  const onlyMail = await console.follow('?type=mail&ip=127.0.0.0/8');
  expect(await console.site.send()).toBe(250);
  const sid = await hostileSession(console);

  // The tail has moved, and its filter holds.
  await until(
    () => (tail.events.some(({ type }) => type === 'session-closed') ? true : undefined),
    () => tail.text,
  );
  await until(
    () => (onlyMail.events.length > 0 ? true : undefined),
    () => 'a mail in the filtered tail',
  );
  expect(new Set(onlyMail.events.map(({ type }) => type))).toEqual(new Set(['mail']));
  expect(tail.text).toMatch(/^id: \d+\/\d+\ndata: \{/m);

  // Once the store has it: the dialogue in its order, with what a stranger sent as text.
  const fromStore = await until(
    async () => {
      const answer = await console.get(`/api/panels/postern-sessions/session-list?${range()}`);
      return answer.status === 200 && answer.value.rows.length > 1 ? answer.value : undefined;
    },
    () => 'sessions in the store',
  );
  expect(fromStore.columns[0]).toEqual({ name: 'started', type: "DateTime64(3, 'UTC')" });
  expect(fromStore.rows[0][0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  await until(
    async () => {
      const dialogue = await console.get(`/api/panels/postern-sessions/dialogue?${range()}&var-sid=${sid}`);
      return dialogue.value.rows.some((row: unknown[]) => row.includes('session-closed')) ? true : undefined;
    },
    () => 'the end of the session in the store',
  );
  const session = await console.get(`/api/sessions/${sid}`);
  expect(session.status).toBe(200);
  expect(session.value.events.map(({ seq }: { seq: number }) => seq)).toEqual(
    session.value.events.map((_: unknown, index: number) => index),
  );
  const inLog = (await console.site.events()).filter((event) => 'sid' in event && event.sid === sid);
  expect(session.value.events).toEqual(JSON.parse(JSON.stringify(inLog)));
  expect(session.value.events).toContainEqual(
    expect.objectContaining({ verb: 'RCPT', forwardPath: expect.anything() }),
  );
  const raw = await console.fetch(`/api/sessions/${sid}`);
  expect(raw.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(raw.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await raw.text()).toContain(hostile);

  // Every panel, and every variable.
  expect((await console.get('/api/me')).value).toMatchObject({
    role: 'viewer',
    site: 'main',
    gate: 'gate-1',
    history: true,
  });
  for (const { uid, panels, variables } of dashboards) {
    for (const { id, columns } of panels) {
      const answer = await console.get(`/api/panels/${uid}/${id}?${range()}&var-gate=gate-1`);
      expect(answer, `${uid} ${id}`).toMatchObject({ status: 200, value: { isCut: false } });
      expect(answer.value.columns).toEqual(columns.map(({ name, type }) => ({ name, type })));
    }
    for (const { kind, name } of variables) {
      const answer = await console.get(`/api/variables/${uid}/${name}?${range()}`);
      expect(answer.status, `${uid} ${name}`).toBe(kind === 'choice' ? 200 : 404);
    }
  }
  expect((await console.get(`/api/variables/postern-overview/gate?${range()}`)).value).toEqual({ values: ['gate-1'] });
  const evil = encodeURIComponent("x' OR 1=1 -- \\");
  expect(
    (await console.get(`/api/panels/postern-sessions/session-list?${range()}&var-gate=${evil}`)).value.rows,
  ).toEqual([]);
  expect((await console.get('/api/panels/postern-sessions/session-list?from=5&to=1')).status).toBe(400);
  expect((await console.get(`/api/panels/postern-sessions/nothing?${range()}`)).status).toBe(404);
  expect(await console.site.process.stop()).toBe(0);
});

test('an act of an operator is an event with its reason; a viewer cannot act', async () => {
  const console = await TestConsole.open({ watch: { documentationRanges: true } });
  const act = { act: 'block', value: '203.0.113.9', reason: 'scans <b>us</b>', hours: 2 };
  expect(await console.post('/api/acts', act, console.viewer)).toMatchObject({ status: 403 });
  expect(await console.post('/api/acts', { ...act, reason: '  ' })).toMatchObject({ status: 400 });
  expect(await console.post('/api/acts', { ...act, value: 'everything' })).toMatchObject({ status: 400 });
  expect((await console.get('/api/blocklist')).value).toEqual({ decisions: [] });

  expect(await console.post('/api/acts', act)).toEqual({
    status: 200,
    value: { done: expect.stringContaining('203.0.113.9') },
  });
  const list = await until(
    async () => {
      const { value } = await console.get('/api/blocklist?ip=203.0.113.0/24');
      return value.decisions.length > 0 ? value.decisions : undefined;
    },
    () => 'the decision',
  );
  expect(list).toEqual([
    expect.objectContaining({
      value: '203.0.113.9',
      action: 'refuse',
      origin: 'operator',
      by: 'console',
      observed: false,
    }),
  ]);
  expect(list[0].until - list[0].at).toBe(7_200_000);
  expect((await console.get('/api/blocklist?ip=192.0.2.1')).value).toEqual({ decisions: [] });
  expect((await console.get('/api/why/203.0.113.9')).value).toMatchObject({
    subject: '203.0.113.9',
    modes: 'configuration',
    decisions: [{ decision: { reason: act.reason } }],
  });
  expect((await console.get('/api/why/nonsense')).status).toBe(400);

  expect(await console.post('/api/acts', { act: 'unblock', value: '203.0.113.9', reason: 'was us' })).toMatchObject({
    status: 200,
  });
  await until(
    async () => ((await console.get('/api/blocklist')).value.decisions.length === 0 ? true : undefined),
    () => 'the end of the decision',
  );
  const acts = await console.site.of('operator-acted');
  expect(acts.map(({ act: what, by, reason }) => ({ what, by, reason }))).toEqual([
    { what: 'block', by: 'console', reason: act.reason },
    { what: 'unblock', by: 'console', reason: 'was us' },
  ]);
  expect(await console.site.process.stop()).toBe(0);
});

test('an allow is taken back from the console, which is an event with its reason', async () => {
  const console = await TestConsole.open({ watch: { documentationRanges: true } });
  const allowed = { value: '203.0.113.9', by: 'console' };
  const inForce = async (): Promise<readonly string[]> =>
    (await console.get('/api/blocklist')).value.decisions.map(({ action }: { action: string }) => action);
  const becomes = (actions: readonly string[]): Promise<true> =>
    until(
      async () => ((await inForce()).join() === actions.join() ? true : undefined),
      () => `${actions.join()} in force`,
    );
  expect(await console.post('/api/acts', { ...allowed, act: 'allow', reason: 'a partner' })).toMatchObject({
    status: 200,
  });
  await becomes(['allow']);
  // What ends blocks leaves an allow in force.
  await console.post('/api/acts', { ...allowed, act: 'unblock', reason: 'a mistake' });
  expect(await inForce()).toEqual(['allow']);
  const end = { ...allowed, act: 'disallow', reason: 'no partner any more' };
  expect(await console.post('/api/acts', { ...end, reason: '' })).toMatchObject({ status: 400 });
  expect(await console.post('/api/acts', end, console.viewer)).toMatchObject({ status: 403 });
  expect(await console.post('/api/acts', end)).toMatchObject({
    status: 200,
    value: { done: expect.stringMatching(/^Ended: 1\n {2}203\.0\.113\.9: allow for good/) },
  });
  await becomes([]);
  expect((await console.site.of('operator-acted')).at(-1)).toMatchObject(end);
  expect(await console.site.process.stop()).toBe(0);
});

test('without the right token there is nothing; tokens are in no line and in no answer', async () => {
  const console = await TestConsole.open();
  for (const name of ['viewer.token', 'operator.token'])
    expect(statSync(join(console.site.data, 'web', name)).mode & 0o777).toBe(0o600);
  const routes = ['me', 'dashboards', 'config', 'events', 'blocklist', 'why/192.0.2.1', `panels/a/b?${range()}`];
  for (const token of ['', 'wrong', `${console.viewer}x`, console.viewer.slice(0, -1)]) {
    for (const route of routes) {
      const response = await console.fetch(`/api/${route}`, token);
      const body = await response.text();
      expect([response.status, Object.keys(JSON.parse(body))]).toEqual([401, ['error']]);
      const seen = `${JSON.stringify([...response.headers])}${body}`;
      for (const secret of [console.viewer, console.operator, 'gate-1', 'main', console.site.data])
        expect(seen).not.toContain(secret);
      expect(response.headers.get('set-cookie')).toBe(null);
    }
  }
  expect(await console.post('/api/login', { token: 'wrong' }, '')).toMatchObject({ status: 401 });
  expect(await console.post('/api/acts', { act: 'allow', value: '192.0.2.1', reason: 'x' }, 'wrong')).toMatchObject({
    status: 401,
  });
  expect((await console.fetch('/?token=wrong', '')).status).toBe(401);

  // A link and a login become a cookie.
  const link = await console.fetch(`/?token=${console.viewer}`, '');
  expect([link.status, link.headers.get('location')]).toEqual([303, '/']);
  expect(link.headers.get('set-cookie')).toBe(`postern=${console.viewer}; HttpOnly; SameSite=Strict; Path=/`);
  const withCookie = await console.fetch('/api/me', '', { headers: { cookie: `a=b; postern=${console.viewer}` } });
  expect(await withCookie.json()).toMatchObject({ role: 'viewer', history: false });
  expect(await console.post('/api/login', { token: console.operator }, '')).toEqual({
    status: 200,
    value: { role: 'operator' },
  });
  expect((await console.get('/api/me', console.operator)).value).toMatchObject({ role: 'operator' });
  expect(await console.site.process.stop()).toBe(0);
  for (const token of [console.viewer, console.operator]) expect(console.site.process.stderr).not.toContain(token);
});

test('a store whose port the system chose is found, and found again when it was started anew', async () => {
  const console = await TestConsole.open({ store: { kind: 'chdb', http: { port: 0 } } });
  const { process: running, data } = console.site;
  const path = join(data, 'run', 'store.url');
  const store = await running.line('the store keeps the history');
  const isThere = (): Promise<true> =>
    until(
      async () => ((await console.get('/api/me')).value.history === true ? true : undefined),
      () => `the history where ${path} says`,
    );
  await isThere();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const answer = await console.get(`/api/panels/postern-overview/traffic?${range()}`);
  expect(answer.status).toBe(200);

  const before = running.lines.length;
  process.kill(store.pid, 'SIGKILL');
  await running.line('the store keeps the history', before);
  await isThere();
  expect((await console.get(`/api/panels/postern-overview/traffic?${range()}`)).status).toBe(200);
  expect(await running.stop()).toBe(0);
  expect(existsSync(path)).toBe(false);
});

test('without a store: live events, sessions from the log, and a clear text in place of history', async () => {
  const console = await TestConsole.open();
  const sid = await hostileSession(console);
  const session = await console.get(`/api/sessions/${sid}`);
  expect(session.value.events.map(({ seq }: { seq: number }) => seq)).toEqual(
    session.value.events.map((_: unknown, index: number) => index),
  );
  expect(JSON.stringify(session.value)).toContain(hostile);
  const nobody = await console.get('/api/sessions/01890a5d-ac96-774b-bcce-b302099a8057');
  expect([nobody.status, nobody.value.error]).toEqual([404, expect.stringContaining('No history is kept')]);
  const panel = await console.get(`/api/panels/postern-overview/${dashboards[0]?.panels[0]?.id}?${range()}`);
  expect([panel.status, panel.value.error]).toEqual([503, expect.stringContaining('`store.kind`')]);
  expect((await console.get('/api/dashboards')).value).toHaveLength(dashboards.length);
  expect(JSON.stringify((await console.get('/api/dashboards')).value)).not.toContain('"sql"');

  const { settings } = (await console.get('/api/config')).value;
  expect(settings).toContainEqual({ path: 'hostname', value: 'gate.example.com', isDefault: false });
  expect(settings).toContainEqual({ path: 'limits.errorsMax', value: 10, isDefault: true });
  expect(settings).toContainEqual({ path: 'listeners[0].name', value: 'mx', isDefault: true });
  expect(settings).toContainEqual({ path: 'listeners[0].address', value: '127.0.0.1', isDefault: false });

  // A page, security headers everywhere, and no way out of its folder.
  const page = await console.fetch('/', '');
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const file = await console.fetch('/app/index.html', '');
  const again = await console.fetch('/app/index.html', '', {
    headers: { 'if-none-match': file.headers.get('etag') ?? '' },
  });
  expect([file.status, again.status]).toEqual([200, 304]);
  for (const path of ['/app/%2e%2e/%2e%2e/package.json', '/app/..%2f..%2fpackage.json', '/etc/passwd', '/api/nothing'])
    expect((await console.fetch(path)).status, path).toBe(404);
  for (const path of ['/', '/app/index.html', '/api/me', '/nothing'])
    expect((await console.fetch(path)).headers.get('content-security-policy'), path).toContain("default-src 'none'");

  // What nobody should send.
  expect((await console.fetch('/api/me', console.viewer, { method: 'DELETE' })).status).toBe(405);
  expect((await console.fetch('/api/acts', console.operator)).status).toBe(405);
  const form = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' };
  expect((await console.fetch('/api/acts', console.operator, form)).status).toBe(415);
  const large = { method: 'POST', headers: { 'content-type': 'application/json' }, body: 'x'.repeat(2_000_000) };
  expect((await console.fetch('/api/acts', console.operator, large)).status).toBe(413);
  const justTooLarge = { ...large, body: 'x'.repeat(BODY_OCTETS_MAX + 1) };
  expect((await console.fetch('/api/login', '', justTooLarge)).status).toBe(413);
  expect((await console.fetch(`/api/why/${'x'.repeat(9000)}`)).status).toBe(414);
  expect((await console.get('/api/events?ip=nobody')).status).toBe(400);
  expect((await console.get('/api/events?type=nothing')).status).toBe(400);

  // A stream too many; there is room again when one has ended.
  const streams = await Promise.all(
    Array.from({ length: STREAMS_MAX }, async () => new LiveTail(await console.fetch('/api/events?type=anomaly'))),
  );
  expect((await console.get('/api/events')).status).toBe(503);
  await Promise.all(streams.map((stream) => stream.close()));
  await until(
    async () => {
      const response = await console.fetch('/api/events');
      await response.body?.cancel();
      return response.status === 200 ? true : undefined;
    },
    () => 'room for a stream',
  );
  expect(await console.site.process.stop()).toBe(0);
});

test('postern web --link prints the address, where there is one', async () => {
  const console = await TestConsole.open();
  const { site } = console;
  for (const where of [
    ['--config', site.file],
    ['--data', site.data],
  ]) {
    const viewer = await postern(['web', '--link', ...where]);
    expect(viewer.stdout).toBe(`${console.url}/?token=${console.viewer}\n`);
    const operator = await postern(['web', '--link', '--operator', ...where]);
    expect(operator.stdout).toBe(`${console.url}/?token=${console.operator}\n`);
  }
  const unknown = await postern(['web', '--link', '--data', site.folder]);
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('has not been started yet')]);
  site.write({ web: { kind: 'off' } });
  expect((await postern(['web', '--link', '--config', site.file])).code).toBe(1);
  expect(await site.process.stop()).toBe(0);
});

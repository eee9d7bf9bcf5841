import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { make } from '../support/certificates.ts';
import { Postern, postern, until } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';
import { Site } from '../support/site.ts';

test('mail goes through, every command is in the log, metrics and health tell of it, and SIGTERM ends all in order', async () => {
  const bodies: string[] = [];
  const site = await Site.open({}, { bodies });
  const process = await site.start();
  const client = await site.client();
  expect(await site.send('b@example.com', client)).toBe(250);
  expect(await client.say('QUIT')).toBe(221);
  expect(await site.rcpt('b@other.example')).toBe(554);
  expect(bodies).toEqual(['Subject: x\r\n\r\nhello\r\n.\r\n']);

  expect([(await site.get('/healthz')).status, (await site.get('/readyz')).status]).toEqual([200, 200]);
  expect((await site.get('/nowhere')).status).toBe(404);
  const metrics = await (await site.get('/metrics')).text();
  expect(metrics).toContain('postern_commands_total{listener="mx",verb="RCPT",action="refuse",rule="relay.denied"} 1');
  expect(metrics).toContain('postern_mails_total{listener="mx",outcome="accepted"} 1');
  expect(metrics).toContain('postern_sessions_opened_total 2');
  expect(metrics).toMatch(/postern_command_duration_seconds_count 8\n/);

  const commands = await site.of('command');
  expect(commands.map(({ verb }) => verb)).toEqual(['EHLO', 'MAIL', 'RCPT', 'DATA', 'QUIT', 'EHLO', 'MAIL', 'RCPT']);
  expect(await process.stop()).toBe(0);
  const [started, ...others] = await site.events();
  expect(started).toMatchObject({ type: 'gate-started', gate: 'gate-1', listeners: ['mx'] });
  expect(others.at(-1)).toMatchObject({ type: 'gate-stopped' });
  expect(process.lines.slice(-4).map(({ part, msg }) => `${part}: ${msg}`)).toEqual([
    'gate: the gate stops',
    'gate: the gate has stopped',
    'analyze: the analyzers have stopped',
    'log: the event log is closed',
  ]);
});

test('postern tail shows events as they happen, those that were asked for, one line each', async () => {
  const site = await Site.open();
  await site.start();
  const tail = new Postern(['tail', '--data', site.data, '--rule', 'relay.denied']);
  // It follows from where the log ends when it begins: what comes before that is not its concern.
  await until(
    async () => {
      await site.rcpt('b@other.example');
      return tail.stdout === '' ? undefined : true;
    },
    () => tail.stderr,
  );
  for (const line of tail.stdout.trim().split('\n')) {
    expect(line).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} 127\.0\.0\.1 +mx +RCPT +<b@other\.example> refuse relay\.denied 554 5\.7\.1 "/,
    );
  }
  tail.signal('SIGINT');
  await tail.closed;
  expect(tail.code).toBe(0);
});

test('SIGHUP takes a good configuration; a bad one changes nothing, and an event says so', async () => {
  const site = await Site.open();
  const process = await site.start();
  expect(await site.rcpt('b@new.example')).toBe(554);

  site.write({ domains: { names: ['example.com', 'a b'] }, sites: 'x' });
  process.signal('SIGHUP');
  await process.line('a fault of the new configuration: the old one stays in force');
  await until(
    () => (process.lines.filter(({ fault }) => fault !== undefined).length === 2 ? true : undefined),
    () => process.stderr,
  );
  const faults = process.lines.flatMap(({ fault }) => (typeof fault === 'string' ? [fault] : []));
  expect(faults).toEqual([
    expect.stringMatching(/postern\.yaml:\d+:\d+: domains\.names\[1\]: "a b" is no domain; /),
    expect.stringMatching(/postern\.yaml:\d+:1: sites: is no setting; did you mean `site`\?$/),
  ]);
  expect(await site.rcpt('b@example.com')).toBe(250);

  site.write({ domains: { names: ['example.com', 'new.example'] }, site: 'other' });
  process.signal('SIGHUP');
  await process.line('the new configuration is in force');
  expect((await process.line('these settings take a restart; all others are taken now'))['settings']).toBe('site');
  expect(await site.rcpt('b@new.example')).toBe(250);

  const changes = await site.of('config-changed');
  expect(changes.map(({ outcome, faults: told, site: where }) => ({ outcome, told, where }))).toEqual([
    { outcome: 'refused', told: faults, where: 'main' },
    { outcome: 'applied', told: undefined, where: 'main' },
  ]);
});

test('a listener that cannot be opened on a reload leaves everything as it was', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const bound = taken.address();
  const port = typeof bound === 'object' ? bound?.port : undefined;
  const site = await Site.open();
  const process = await site.start();
  const [mx] = site.config['listeners'] as object[];
  site.write({ listeners: [mx, { ...mx, name: 'second', port }], domains: { names: ['new.example'] } });
  process.signal('SIGHUP');
  const line = await process.line('the new configuration cannot be used: the old one stays in force');
  expect(line['fault']).toBe(`listener second: cannot listen on 127.0.0.1 port ${port}: another program listens there`);
  expect(await site.rcpt('b@example.com')).toBe(250);
  expect((await site.of('config-changed')).map(({ outcome }) => outcome)).toEqual(['refused']);
});

test('the panic switch: rules only observe, over the death of the gate, until it is switched off; never an open relay', async () => {
  const site = await Site.open({ recipients: { file: 'recipients.txt' } });
  writeFileSync(join(site.folder, 'recipients.txt'), 'b@example.com\n');
  const process = await site.start();
  expect(await site.rcpt('nobody@example.com')).toBe(550);

  const on = await postern(['observe', '--data', site.data, '--all', '--reason', 'a customer waits']);
  expect(on.code).toBe(0);
  expect(on.stdout).toContain('recipient.unknown: enforce -> observe');
  expect(on.stdout).toContain('Undo: postern observe --off');
  expect(await site.rcpt('nobody@example.com')).toBe(250);
  expect(await site.rcpt('b@other.example')).toBe(554);

  const seen = process.lines.length;
  const gate = process.lines.find(({ part }) => part === 'gate')?.pid ?? 0;
  globalThis.process.kill(gate, 'SIGKILL');
  await process.line('a part died and is started again');
  await process.line('the panic switch is on: rules only observe, until postern observe --off', seen);
  await process.line('listening', seen);
  expect(await site.rcpt('nobody@example.com')).toBe(250);

  const state = await postern(['observe', '--config', site.file, '--json']);
  expect(JSON.parse(state.stdout)).toMatchObject({
    ok: true,
    gate: 'gate-1',
    changed: false,
    panic: { reason: 'a customer waits' },
  });
  expect((await postern(['observe', '--data', site.data, '--off'])).code).toBe(0);
  expect(await site.rcpt('nobody@example.com')).toBe(550);

  const acts = await site.of('operator-acted');
  expect(acts.map(({ act, reason }) => `${act}: ${reason}`)).toEqual([
    'observe-all: a customer waits',
    'observe-off: no reason given',
  ]);
  expect(acts[0]?.by).not.toBe('');
  const metrics = await (await site.get('/metrics')).text();
  expect(metrics).toContain('postern_observing_all 0');
});

test('the log dies: mail flows, the log is started again, and nothing that happened meanwhile is lost', async () => {
  const site = await Site.open();
  const process = await site.start();
  const log = (await process.line('the event log is open')).pid;
  const seen = process.lines.length;
  globalThis.process.kill(log, 'SIGKILL');
  const client = await site.client();
  for (let n = 0; n < 5; n += 1) expect(await site.send('b@example.com', client)).toBe(250);
  await process.line('the event log is open', seen);
  expect(await client.say('QUIT')).toBe(221);
  await until(
    async () => ((await site.of('session-closed')).length === 1 ? true : undefined),
    () => process.stderr,
  );
  const events = (await site.events()).flatMap((event) => ('seq' in event ? [event.seq] : []));
  expect(events).toEqual(events.map((_, index) => index));
  expect((await site.of('mail')).length).toBe(5);
});

test('lists and certificates are taken over as soon as their files change, broken ones are not', async () => {
  const first = await make(['mx.example.com']);
  const site = await Site.open({
    listeners: [{ role: 'mx', address: '127.0.0.1', port: 0, greetingHoldMs: 0 }],
    tls: { certificates: [{ certFile: 'mx.pem', keyFile: 'mx.key' }] },
    domains: { names: ['example.com'], file: 'domains.txt' },
  });
  const put = (name: string, text: string) => writeFileSync(join(site.folder, name), text);
  put('mx.pem', first.certificate);
  put('mx.key', first.key);
  put('domains.txt', 'one.example\n');
  const process = await site.start();
  const certificate = async (): Promise<string> => {
    const client = await site.client();
    expect(await client.say('STARTTLS')).toBe(220);
    const tls = await client.startTls();
    const { raw } = tls.getPeerCertificate();
    client.destroy();
    return raw.toString('base64');
  };
  const before = await certificate();
  expect(await site.rcpt('b@two.example')).toBe(554);

  put('domains.txt', 'one.example\ntwo.example\n');
  await until(
    async () => ((await site.rcpt('b@two.example')) === 250 ? true : undefined),
    () => process.stderr,
  );
  put('domains.txt', '<html>error</html>\n');
  expect((await process.line('the list cannot be used, the earlier one stays in force'))['reason']).toBe(
    'line 1: not a domain name',
  );
  expect(await site.rcpt('b@two.example')).toBe(250);

  const second = await make(['mx.example.com']);
  put('mx.pem', second.certificate);
  await process.line('the changed certificates cannot be used: the old ones stay in force');
  expect(await certificate()).toBe(before);
  put('mx.key', second.key);
  await process.line('the changed certificates are in force');
  expect(await certificate()).not.toBe(before);
});

test('a stop waits for what is under way, and tells idle clients 421; a balancer sees it first', async () => {
  const site = await Site.open({ drainDelayMs: 1500, shutdownGraceMs: 5000 });
  const process = await site.start();
  const idle = await site.client();
  const busy = await site.client();
  expect(await busy.say('MAIL FROM:<a@example.net>')).toBe(250);
  expect(await busy.say('RCPT TO:<b@example.com>')).toBe(250);
  expect(await busy.say('DATA')).toBe(354);
  busy.send('Subject: x\r\n');
  process.signal('SIGTERM');
  await process.line('the gate stops');
  const ready = await site.get('/readyz');
  expect([ready.status, await ready.text()]).toEqual([503, 'draining\n']);
  expect(await idle.code()).toBe(421);
  expect(await busy.say('\r\nhello\r\n.')).toBe(250);
  await process.closed;
  expect(process.code).toBe(0);
  expect((await site.of('mail')).map(({ outcome }) => outcome)).toEqual(['accepted']);
});

test('a stop that is asked for twice does not wait; the same signal to a process and its group is one', async () => {
  const site = await Site.open({ shutdownGraceMs: 600_000 });
  const process = await site.start();
  const busy = await site.client();
  expect(await busy.say('MAIL FROM:<a@example.net>')).toBe(250);
  expect(await busy.say('RCPT TO:<b@example.com>')).toBe(250);
  expect(await busy.say('DATA')).toBe(354);
  process.signal('SIGTERM');
  process.signal('SIGTERM');
  await process.line('the gate stops');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(process.code).toBe(null);
  process.signal('SIGTERM');
  await process.closed;
  expect(process.code).toBe(0);
});

test.each([
  {
    name: 'a port that is taken',
    change: (port: number) => ({ listeners: [{ role: 'mx', address: '127.0.0.1', port, withoutCertificate: true }] }),
    want: (port: number) => `listener mx: cannot listen on 127.0.0.1 port ${port}: another program listens there`,
  },
  {
    name: 'a port of http that is taken',
    change: (port: number) => ({ http: { port } }),
    want: (port: number) => `http: cannot listen on 127.0.0.1 port ${port}: another program listens there`,
  },
  {
    name: 'a certificate that is not there',
    change: () => ({ tls: { certificates: [{ certFile: 'mx.pem', keyFile: 'mx.key' }] } }),
    want: () =>
      'tls.certificates[0].certFile: cannot be read: there is no such file; see that it is there and that Postern may read it',
  },
])('$name ends the start with one line and exit code 1', async ({ change, want }) => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const bound = taken.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const site = await Site.open(change(port));
  site.write();
  const started = await postern(['start', '--config', site.file]);
  expect(started.code).toBe(1);
  const lines = started.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.filter(({ level }) => level >= 50).map(({ fault }) => fault)).toEqual([want(port)]);
});

test('two on one data directory: the second says so and leaves the first alone', async () => {
  const site = await Site.open();
  await site.start();
  const second = await postern(['start', '--config', site.file]);
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/another process owns .*data\/log: is Postern running already\?|another Postern uses /);
  expect(await site.rcpt('b@example.com')).toBe(250);
});

test('without a file: a server behind and a domain are enough', async () => {
  const site = await Site.open();
  const flags = [
    '--upstream',
    `127.0.0.1:${site.upstream.port}`,
    '--domains',
    'example.com',
    '--listen',
    '127.0.0.1:0',
  ];
  const process = new Postern(['gate', ...flags, '--data', site.data]);
  const port = Number((await process.line('listening'))['port']);
  expect((await process.line('no TLS is offered here: there is no certificate')).level).toBe(40);
  const client = await RawClient.connect(port);
  expect(await client.code()).toBe(220);
  client.destroy();
  expect(await process.stop()).toBe(0);
});

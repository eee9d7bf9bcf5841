import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { Alert } from '../../analyzers/site/site-detector.ts';
import { Alerter, type AlerterOptions, TRIES_MAX, UNDER_WAY_MAX } from '../../cli/io/alerter.ts';
import { encodeEvent } from '../../events/codec.ts';
import { decisionKey } from '../../events/decision.ts';
import { connectLog } from '../../log/io/log-client.ts';
import { aDecision } from '../support/decisions.ts';
import { until } from '../support/postern.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream, smtpServer } from '../support/scripted-upstream.ts';
import { Site } from '../support/site.ts';

const SECRET = 'T0p-5ecret';

const campaign = (subject = '198.51.100.0/24'): Alert => ({
  kind: 'campaign',
  subject,
  text: `many of ${subject} guess addresses`,
  atMs: Date.now(),
});

/** An alerter, and what the operator reads. */
function open(ways: Partial<Pick<AlerterOptions, 'webhook' | 'mail'>>) {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(line) });
  const alerter = new Alerter({
    site: 'example.com',
    hostname: 'gate.example.com',
    againAfterMs: 60_000,
    webhook: undefined,
    mail: undefined,
    logger,
    ...ways,
  });
  return { alerter, text: () => lines.join('') };
}

/** A web server that answers as it is told, and keeps what was posted. */
async function web(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      bodies.push(Buffer.concat(parts).toString());
      answer(request, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // `address()` of a TCP server is never a path.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook?key=${SECRET}`, bodies };
}

const holds = (look: () => boolean) =>
  until(
    () => look() || undefined,
    () => String(look),
  );

const mailTo = (port: number) => ({ to: 'me@example.com', from: 'postmaster@example.com', host: '127.0.0.1', port });

test('an alert is a line for the operator, a post and a message; the same again is none', async () => {
  const { url, bodies } = await web((_request, response) => response.end('thanks'));
  await using upstream = await ScriptedUpstream.listen(smtpServer({}));
  const { alerter, text } = open({ webhook: url, mail: mailTo(upstream.port) });
  alerter.tell(campaign());
  alerter.tell(campaign());
  await holds(() => bodies.length > 0 && upstream.connections[0]?.received.includes('QUIT') === true);
  expect(bodies.map((body) => JSON.parse(body))).toEqual([
    expect.objectContaining({ kind: 'campaign', subject: '198.51.100.0/24', site: 'example.com', heldBack: 0 }),
  ]);
  const received = upstream.connections.map((each) => each.received);
  expect(received).toHaveLength(1);
  expect(received[0]).toMatch(/^EHLO gate\.example\.com\r\nMAIL FROM:<>\r\nRCPT TO:<me@example\.com>\r\nDATA\r\n/);
  expect(received[0]).toContain('\r\nAuto-Submitted: auto-generated\r\n');
  expect(received[0]).toMatch(/\r\n\.\r\nQUIT\r\n$/);
  expect(text().match(/many of/g)).toHaveLength(1);
  expect(text()).not.toContain(SECRET);
});

test('what fails is tried again', async () => {
  let count = 0;
  const { url, bodies } = await web((_request, response) => {
    count += 1;
    response.writeHead(count === 1 ? 503 : 204).end();
  });
  const { alerter, text } = open({ webhook: url });
  alerter.tell(campaign());
  await holds(() => bodies.length === 2);
  expect(bodies[0]).toBe(bodies[1]);
  expect(text()).not.toContain('could not be sent');
});

test('a webhook that refuses, sends us elsewhere or hangs up is told in the end, without its address', async () => {
  const answers: readonly (readonly [reason: string, answer: (response: ServerResponse) => unknown])[] = [
    ['the webhook answered 403', (response) => response.writeHead(403).end()],
    ['it cannot be reached', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['it cannot be reached', (response) => response.destroy()],
  ];
  const told = async ([reason, answer]: (typeof answers)[number]): Promise<void> => {
    const { url, bodies } = await web((_request, response) => answer(response));
    const { alerter, text } = open({ webhook: url });
    alerter.tell(campaign());
    await holds(() => text().includes('could not be sent'));
    expect(text()).toContain(reason);
    expect(bodies).toHaveLength(TRIES_MAX);
    expect(text()).not.toContain(SECRET);
  };
  await Promise.all(answers.map(told));
});

test('a webhook that never answers holds up a few alerts only', async () => {
  const { url, bodies } = await web(() => undefined);
  const { alerter, text } = open({ webhook: url });
  for (let count = 0; count <= UNDER_WAY_MAX; count += 1) alerter.tell(campaign(`198.51.${count}.0/24`));
  await holds(() => bodies.length === UNDER_WAY_MAX);
  expect(text().match(/too many are under way/g)).toHaveLength(1);
  expect(text().match(/many of 198/g)).toHaveLength(UNDER_WAY_MAX + 1);
});

test('a flood of bounces through the whole product reaches a person once, by web and mail', async () => {
  const { url, bodies } = await web((_request, response) => response.end());
  const answer = (line: string) => (line.includes('forged') ? '550 5.1.1 no such user' : undefined);
  const change = {
    listeners: [
      { role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true },
    ],
    networks: { balancers: ['127.0.0.1'] },
    watch: { documentationRanges: true, alerts: { webhook: { file: 'webhook.url' }, mailTo: 'me@example.com' } },
  };
  const site = await Site.open(change, { answer });
  writeFileSync(join(site.folder, 'webhook.url'), `${url}\n`, { mode: 0o600 });
  await site.start();
  for (let count = 0; count < 40; count += 1) {
    const client = await RawClient.connect(site.port);
    client.send(`PROXY TCP4 198.51.100.${count + 1} 192.0.2.1 4242 25\r\n`);
    expect(await client.code()).toBe(220);
    for (const line of ['EHLO mx.example.net', 'MAIL FROM:<>']) expect(await client.say(line)).toBe(250);
    expect(await client.say(`RCPT TO:<forged${count}@example.com>`)).toBe(550);
    client.destroy();
  }
  const mails = (): string[] =>
    site.upstream.connections.map(({ received }) => received).filter((each) => each.includes('[postern]'));
  await holds(() => bodies.length > 0 && mails().some((each) => each.endsWith('QUIT\r\n')));
  const told = { kind: 'bounce-flood', subject: 'example.com' };
  expect(bodies.map((body) => JSON.parse(body))).toEqual([expect.objectContaining(told)]);
  expect(mails()).toEqual([
    expect.stringContaining('To: <me@example.com>\r\nSubject: [postern] bounces flood example.com'),
  ]);
});

test.each([
  ['of now', 0, 0],
  ['that come late', -1_200_000, -1_200_000],
  ['of now, after one of a clock that is a year ahead', 31_536_000_000, 0],
])(
  'a breaker that trips by decisions %s reaches a person, stands in the log, and makes refusals milder',
  async (_name, firstShiftMs, shiftMs) => {
    const { url, bodies } = await web((_request, response) => response.end());
    const site = await Site.open({
      listeners: [
        { role: 'mx', address: '127.0.0.1', port: 0, withoutCertificate: true, greetingHoldMs: 0, proxyProtocol: true },
      ],
      networks: { balancers: ['127.0.0.1'] },
      watch: {
        documentationRanges: true,
        growthMax: 10,
        scenarios: { 'recipient-harvest': 'enforce' },
        alerts: { webhook: { file: 'webhook.url' } },
      },
    });
    writeFileSync(join(site.folder, 'webhook.url'), `${url}\n`, { mode: 0o600 });
    await site.start();
    const client = connectLog({ socketPath: join(site.data, 'run', 'log.sock') });
    onTestFinished(() => client[Symbol.asyncDispose]());
    // Eleven in all, of which ten are allowed; the first one may be of another time.
    const decisions = Array.from({ length: 11 }, (_, index) =>
      aDecision({
        id: `d${index}`,
        at: Date.now() + (index === 0 ? firstShiftMs : shiftMs),
        site: 'main',
        value: `198.51.100.${index + 1}`,
        until: Date.now() + 3_600_000,
      }),
    );
    const appended = await client.append(
      decisions.map((decision) => ({
        stream: 'postern.decisions',
        key: decisionKey(decision),
        payload: encodeEvent(decision),
      })),
    );
    expect(appended.ok).toBe(true);
    await holds(() => bodies.length > 0);
    expect(bodies.map((body) => JSON.parse(body))).toEqual([
      expect.objectContaining({ kind: 'breaker', subject: 'gate gate-1' }),
    ]);
    const greeting = async (ip: string): Promise<number> => {
      const visitor = await RawClient.connect(site.port);
      visitor.send(`PROXY TCP4 ${ip} 192.0.2.1 4242 25\r\n`);
      const code = await visitor.code();
      visitor.destroy();
      return code;
    };
    // Ten are refused; the one that came last, whichever it was of several partitions, is not.
    const codes: number[] = [];
    for (let index = 1; index <= 11; index += 1) codes.push(await greeting(`198.51.100.${index}`));
    expect(codes.toSorted()).toEqual([421, ...Array.from({ length: 10 }, () => 554)]);
    expect(await site.of('breaker-changed')).toMatchObject([{ tripped: true, count: 11, max: 10 }]);
  },
);

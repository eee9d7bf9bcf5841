import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import type { CertificatePem } from '../../proxy/io/tls.ts';
import { make, makeAuthority } from '../support/certificates.ts';
import { until } from '../support/postern.ts';
import { Site } from '../support/site.ts';

/** A server of syslog over TCP, or over TLS with a certificate: messages with their lengths before them. */
class Collector {
  readonly messages: string[] = [];
  readonly sockets = new Set<Socket>();
  private readonly server: Server;

  constructor(tls?: CertificatePem) {
    this.server =
      tls === undefined
        ? createServer((socket) => this.take(socket))
        : createTlsServer({ cert: tls.certificate, key: tls.key }, (socket) => this.take(socket));
    this.server.on('tlsClientError', (_error, socket: Socket) => socket.destroy());
  }

  private take(socket: Socket): void {
    this.sockets.add(socket);
    let waiting = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      waiting += text;
      for (;;) {
        const [whole = '', length = ''] = /^(\d+) /.exec(waiting) ?? [];
        if (whole === '' || waiting.length < whole.length + Number(length)) return;
        this.messages.push(waiting.slice(whole.length, whole.length + Number(length)));
        waiting = waiting.slice(whole.length + Number(length));
      }
    });
    socket.on('error', () => undefined);
  }

  async listen(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    onTestFinished(() => this.close());
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

const told = (messages: readonly string[], part: string): Promise<string> =>
  until(
    () => messages.find((message) => message.includes(part)),
    () => `${part} in ${messages.join('\n')}`,
  );

test('refusals reach a SIEM over TCP, as CEF in messages of syslog, and those of when it was away come when it is back', async () => {
  const collector = new Collector();
  const port = await collector.listen();
  const site = await Site.open({ siem: { kind: 'syslog', host: '127.0.0.1', port } });
  const running = await site.start();
  await running.line('events go to the SIEM');
  expect(await site.rcpt('x@elsewhere.example')).toBe(554);
  const message = await told(collector.messages, 'duser=x@elsewhere.example');
  expect(message).toMatch(
    /^<85>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z gate\.example\.com postern \d+ cef - CEF:0\|Postern\|Postern\|[^|]+\|relay\.denied\|RCPT refused\|5\|rt=\d+ dvchost=gate-1 cat=command src=127\.0\.0\.1 /,
  );
  collector.close();
  expect(await site.rcpt('away@elsewhere.example')).toBe(554);
  await running.line('the SIEM does not take events; they wait in the log');
  expect(await site.send()).toBe(250);
  const again = new Collector();
  await again.listen(port);
  await told(again.messages, 'duser=away@elsewhere.example');
  // It was told once: what went out before does not come again.
  expect(again.messages.filter((each) => each.includes('duser=x@'))).toEqual([]);
  await running.line('the SIEM takes events again');
  expect(await running.stop()).toBe(0);
});

test('over UDP each message is a datagram, and with `least: usual` mail that was accepted is told too', async () => {
  const messages: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (octets) => messages.push(octets.toString('utf8')));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  const { port } = socket.address();
  const site = await Site.open({ siem: { kind: 'syslog', transport: 'udp', host: '127.0.0.1', port, least: 'usual' } });
  const running = await site.start();
  await running.line('events go to the SIEM');
  expect(await site.send()).toBe(250);
  expect(await told(messages, '|mail:accepted|')).toMatch(
    /^<86>1 .*suser=a@example\.net duser=example\.com outcome=accepted/,
  );
  expect(await running.stop()).toBe(0);
});

const trusted = await makeAuthority('Ours');
const known = await make(['localhost'], 365, trusted);

test.each([
  ['of an authority that is not known', async () => make(['localhost'], 365, await makeAuthority('Theirs')), /verify/],
  ['for another name', () => make(['other.example.net'], 365, trusted), /^Hostname.* does not match certificate's/],
  ['that has ended', () => make(['localhost'], -1, trusted), /^certificate has expired$/],
] as const)(
  'over TLS: a server with a certificate %s gets nothing; one with the right certificate gets it all, once',
  async (_what, wrong, reason) => {
    const impostor = new Collector(await wrong());
    const port = await impostor.listen();
    const site = await Site.open({ siem: { kind: 'syslog', transport: 'tls', host: 'localhost', port } });
    const caFile = join(site.folder, 'ca.pem');
    writeFileSync(caFile, trusted.certificate);
    const running = await site.start({ NODE_EXTRA_CA_CERTS: caFile });
    await running.line('events go to the SIEM');
    const names = ['first', 'second', 'third'].map((name) => `${name}@elsewhere.example`);
    for (const name of names) expect(await site.rcpt(name)).toBe(554);
    const line = await running.line('the SIEM does not take events; they wait in the log');
    expect(line['reason']).toMatch(reason);
    impostor.close();
    expect(impostor.messages).toEqual([]);

    const right = new Collector(known);
    await right.listen(port);
    await running.line('the SIEM takes events again');
    for (const name of names) await told(right.messages, `duser=${name}`);
    expect(right.messages.filter((message) => message.includes('duser='))).toHaveLength(names.length);
    expect(await running.stop()).toBe(0);
  },
);

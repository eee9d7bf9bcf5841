import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../support/postern.ts';
import { Site } from '../support/site.ts';

/** A server of syslog over TCP: messages with their lengths before them. */
class Collector {
  readonly messages: string[] = [];
  readonly sockets = new Set<Socket>();
  private readonly server = createServer((socket) => {
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
  });

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

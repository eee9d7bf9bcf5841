import { expect, test } from 'vitest';
import { sendMail } from '../../cli/io/send-mail.ts';
import { REPLY_LINE_OCTETS_MAX, REPLY_LINES_MAX } from '../../proxy/decoder-limits.ts';
import { ScriptedUpstream, type UpstreamConnection } from '../support/scripted-upstream.ts';

const outgoing = (port: number) => ({
  host: '127.0.0.1',
  port,
  hostname: 'gate.example.com',
  to: 'me@example.com',
  message: 'Subject: hello\r\n\r\n..dots\r\n',
});

/** A server that greets, and gives the replies one after the other, each to one line. */
const answering =
  (greeting: string, ...replies: readonly string[]) =>
  async (connection: UpstreamConnection): Promise<void> => {
    connection.send(greeting);
    for (const reply of replies) {
      if ((await connection.line()) === undefined) return;
      connection.send(`${reply}\r\n`);
      if (reply.startsWith('354')) await connection.take('\r\n.\r\n').then(() => connection.send('250 taken\r\n'));
    }
    await connection.toEnd();
    connection.fin();
  };

const sent = ['250-hello\r\n250 SIZE', '250 ok', '251 elsewhere', '354 go on'] as const;

const rows: readonly (readonly [
  name: string,
  script: (connection: UpstreamConnection) => Promise<void>,
  outcome: string | undefined,
])[] = [
  ['every reply of the right class is right', answering('220-a\r\n220 b\r\n', ...sent), undefined],
  ['line ends of an old server', answering('220 a\n', '250-x\n250 y', '250 ok', '250 ok', '354 go on'), undefined],
  ['no service', answering('554 no\r\n'), 'the mail server answered 554'],
  ['no such user', answering('220 a\r\n', '250 x', '250 ok', '550 who'), 'the mail server answered 550'],
  ['no data', answering('220 a\r\n', '250 x', '250 ok', '250 ok', '250 no'), 'the mail server answered 250'],
  ['not mail at all', answering('SSH-2.0-server\r\n'), 'what answered is no mail server (not-a-reply)'],
  [
    'a line without end',
    answering(`220 ${'x'.repeat(REPLY_LINE_OCTETS_MAX)}`),
    'what answered is no mail server (line-too-long)',
  ],
  [
    'a reply without end',
    answering('220-x\r\n'.repeat(REPLY_LINES_MAX + 1)),
    'what answered is no mail server (too-many-lines)',
  ],
  [
    'gone in between',
    async (connection) => {
      connection.send('220 a\r\n');
      await connection.line();
      connection.fin();
    },
    'the mail server has closed the connection',
  ],
];

test.for(rows)('%s', async ([_name, script, outcome]) => {
  await using upstream = await ScriptedUpstream.listen(script);
  const result = await sendMail(outgoing(upstream.port));
  expect(result.ok ? undefined : result.error).toBe(outcome);
  if (outcome !== undefined) return;
  const connection = await upstream.connection();
  await connection.toEnd();
  expect(connection.received).toContain('DATA\r\nSubject: hello\r\n\r\n..dots\r\n.\r\nQUIT\r\n');
});

test('nobody listens there', async () => {
  const upstream = await ScriptedUpstream.listen();
  const { port } = upstream;
  await upstream[Symbol.asyncDispose]();
  expect(await sendMail(outgoing(port))).toEqual({ ok: false, error: 'nobody listens there' });
});

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { residentOf } from '../../bench/support/measure.ts';
import { certificateFor } from '../support/certificates.ts';
import { requireTools } from '../support/needs.ts';
import { freePort, GateProcess } from './support/gate-process.ts';
import { isRoot, Postfix, type PostfixOptions } from './support/postfix.ts';
import { run } from './support/run.ts';

const missing =
  requireTools('postfix', 'swaks', 'smtp-source', 'dovecot', 'python3') ?? (isRoot() ? undefined : 'needs root');
const account = { user: 'alice', password: 's3cr3t-of-alice' };

interface Rig {
  readonly postfix: Postfix;
  readonly gate: GateProcess;
  readonly mxPort: number;
  readonly submissionPort: number;
  readonly submissionsPort: number;
}

/** Postfix behind, the gate in front, started as users start them. */
async function rig(clientAddress: 'proxy-v1' | 'proxy-v2' | 'xclient' | 'received', tls: string): Promise<Rig> {
  const [postfixPort, mxPort, submissionPort, submissionsPort, httpPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const certificate = await certificateFor('mx.example.com');
  const learns: PostfixOptions['clientAddress'] = clientAddress.startsWith('proxy')
    ? 'proxy'
    : clientAddress === 'xclient'
      ? 'xclient'
      : 'none';
  const postfix = await Postfix.start({ port: postfixPort, clientAddress: learns, certificate, account });
  await writeFile(join(postfix.directory, 'gate-cert.pem'), certificate.certificate);
  await writeFile(join(postfix.directory, 'gate-key.pem'), certificate.key, { mode: 0o600 });
  const gate = await GateProcess.start(
    () => `
hostname: gate.example.com
contact: postmaster@example.com
listeners:
  - { name: mx, role: mx, address: '::', port: ${mxPort}, greetingHoldMs: 0 }
  - { name: submission, role: submission, address: 127.0.0.1, port: ${submissionPort} }
  - { name: submissions, role: submissions, address: 127.0.0.1, port: ${submissionsPort} }
upstreams:
  default: { host: 127.0.0.1, port: ${postfixPort}, tls: ${tls}, verifyCertificate: false, clientAddress: ${clientAddress} }
tls: { certificates: [{ certFile: ${postfix.directory}/gate-cert.pem, keyFile: ${postfix.directory}/gate-key.pem }] }
domains: { names: [example.com] }
limits: { sessionsPerSourceMax: 500, connectionsPerMinuteMax: 100000 }
http: { port: ${httpPort} }
logging: { level: warn }
`,
    mxPort,
  );
  return { postfix, gate, mxPort, submissionPort, submissionsPort };
}

const python = String.raw`
import smtplib, ssl, sys, hashlib
port, octets = int(sys.argv[1]), int(sys.argv[2])
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
line = b'0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n'
body = b'Subject: large\r\n\r\n' + line * (octets // len(line))
with smtplib.SMTP('127.0.0.1', port, timeout=110) as client:
    client.ehlo('client.example.net'); client.starttls(context=context); client.ehlo('client.example.net')
    client.sendmail('someone@example.net', ['anyone@example.com'], body)
print(hashlib.sha256(body.split(b'\r\n\r\n')[1].replace(b'\r\n', b'\n')).hexdigest())
`;

/** The hash of the body as Postfix stored it; it adds fields of its own to the header. */
const storedBodyHash = (stored: Buffer): string =>
  createHash('sha256')
    .update(stored.subarray(stored.indexOf('\n\n') + 2))
    .digest('hex');

describe.skipIf(missing !== undefined)(
  `Postfix behind the gate${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let xclient: Rig;
    beforeAll(async () => {
      xclient = await rig('xclient', 'opportunistic');
    }, 60_000);
    afterAll(async () => {
      await xclient.gate[Symbol.asyncDispose]();
      await xclient.postfix[Symbol.asyncDispose]();
    }, 60_000);

    const swaks = (port: number, ...more: readonly string[]) =>
      run('swaks', [
        '--server',
        '127.0.0.1',
        '--port',
        String(port),
        '--from',
        'someone@example.net',
        '--timeout',
        '30',
        ...more,
      ]);

    test('mail arrives, and Postfix logs the address of the client (XCLIENT)', async () => {
      const sent = await swaks(xclient.mxPort, '--to', 'anyone@example.com', '--local-interface', '127.0.0.77');
      expect(sent.output).toContain('queued as');
      expect(sent.code).toBe(0);
      await xclient.postfix.untilLogged(/client=unknown\[127\.0\.0\.77\]/);
    });

    test('an address over IPv6 reaches Postfix too', async () => {
      const sent = await run('swaks', [
        '--server',
        '::1',
        '-6',
        '--port',
        String(xclient.mxPort),
        '--from',
        'a@example.net',
        '--to',
        'anyone@example.com',
      ]);
      expect(sent.output).toContain('queued as');
      await xclient.postfix.untilLogged(/client=unknown\[::1\]/);
    });

    test('nobody relays from a loopback or private address, although Postfix trusts the gate', async () => {
      for (const to of [
        'x@elsewhere.example',
        'x%elsewhere.example@example.com',
        '"x@elsewhere.example"@example.com',
      ]) {
        const sent = await swaks(xclient.mxPort, '--to', to);
        expect(sent.output, to).toMatch(/<\*\* 5\d\d 5\.7\.1 .*\[relay\.(denied|routing) [0-9A-Z]{26}\]/);
      }
      expect(await xclient.postfix.log()).not.toContain('elsewhere.example');
    });

    test.each([['PLAIN'], ['LOGIN'], ['CRAM-MD5']])(
      'AUTH %s passes through to Dovecot and lets the account relay',
      async (mechanism) => {
        const sent = await swaks(
          xclient.submissionPort,
          '--tls',
          '--to',
          'far@elsewhere.example',
          '--auth',
          mechanism,
          '--auth-user',
          account.user,
          '--auth-password',
          account.password,
        );
        expect(sent.output).toContain('235');
        expect(sent.code).toBe(0);
        await xclient.postfix.untilLogged(new RegExp(`sasl_method=${mechanism}, sasl_username=alice`));
      },
    );

    test('AUTH on the TLS port, by nodemailer', async () => {
      const transport = createTransport({
        host: '127.0.0.1',
        port: xclient.submissionsPort,
        secure: true,
        tls: { rejectUnauthorized: false },
        auth: { user: account.user, pass: account.password },
      });
      const info = await transport.sendMail({
        from: 'alice@example.com',
        to: 'far@elsewhere.example',
        subject: 'x',
        text: 'naïve body',
      });
      expect(info.accepted).toEqual(['far@elsewhere.example']);
    });

    test('a wrong password is refused by Dovecot, and the password is in no event', async () => {
      const sent = await swaks(
        xclient.submissionPort,
        '--tls',
        '--to',
        'far@elsewhere.example',
        '--auth',
        'PLAIN',
        '--auth-user',
        account.user,
        '--auth-password',
        'wr0ng-pass',
      );
      expect(sent.output).toContain('535');
      const events = await xclient.gate.events((all) =>
        all.some((event) => event.type === 'auth-attempt' && event.outcome === 'refused'),
      );
      const text = JSON.stringify(events);
      for (const secret of ['wr0ng-pass', account.password]) {
        expect(text).not.toContain(secret);
        expect(text).not.toContain(Buffer.from(`\0${account.user}\0${secret}`).toString('base64'));
        expect(text).not.toContain(Buffer.from(secret).toString('hex'));
      }
    });

    test('AUTH in clear and MAIL without AUTH are refused on the submission port', async () => {
      expect((await swaks(xclient.submissionPort, '--to', 'anyone@example.com')).output).toMatch(/<\*\* 530 5\.7\.0/);
      const clear = await swaks(
        xclient.submissionPort,
        '--to',
        'anyone@example.com',
        '--auth',
        'PLAIN',
        '--auth-user',
        'a',
        '--auth-password',
        'b',
      );
      expect(clear.output).toContain('Host did not advertise authentication');
    });

    test('10 MB and 100 MB arrive with equal hashes, and the gate stays small', async () => {
      for (const octets of [10_000_000, 100_000_000]) {
        const before = (await xclient.postfix.delivered()).length;
        const sent = await run('python3', ['-c', python, String(xclient.mxPort), String(octets)]);
        expect(sent.code, sent.output).toBe(0);
        const stored = (await xclient.postfix.untilDelivered(before + 1)).filter((each) => each.length > octets * 0.9);
        expect(stored.map(storedBodyHash)).toContain(sent.output.trim());
      }
      // Supervisor, log and gate together.
      expect(residentOf(xclient.gate.pid)).toBeLessThan(600 * 1024 * 1024);
    }, 170_000);

    test('200 sessions at once', async () => {
      const before = (await xclient.postfix.delivered()).length;
      const sent = await run('smtp-source', [
        '-s',
        '200',
        '-m',
        '400',
        '-l',
        '2000',
        '-f',
        'someone@example.net',
        '-t',
        'anyone@example.com',
        `127.0.0.1:${xclient.mxPort}`,
      ]);
      expect(sent).toEqual({ code: 0, output: '' });
      expect((await xclient.postfix.untilDelivered(before + 400)).length).toBe(before + 400);
    }, 120_000);

    test('every session of it all is whole in the log', async () => {
      const events = await xclient.gate.events((all) => {
        const opened = all.filter(({ type }) => type === 'session-opened').length;
        return opened > 200 && all.filter(({ type }) => type === 'session-closed').length === opened;
      });
      const bySession = Map.groupBy(
        events.filter((event) => 'sid' in event),
        ({ sid }) => sid,
      );
      for (const each of bySession.values()) {
        const sequence = each.map(({ seq }) => seq).sort((a, b) => a - b);
        expect(sequence).toEqual(sequence.map((_, at) => at));
        expect(each.filter(({ type }) => type === 'session-closed')).toHaveLength(1);
      }
    });
  },
);

describe.skipIf(missing !== undefined).each([['proxy-v1'], ['proxy-v2']] as const)(
  'Postfix behind the gate, %s',
  (method) => {
    test('Postfix logs the address of the client, over STARTTLS on both legs', async () => {
      const { postfix, gate, mxPort } = await rig(method, 'required');
      await using _postfix = postfix;
      await using _gate = gate;
      const sent = await run('swaks', [
        '--server',
        '127.0.0.1',
        '--port',
        String(mxPort),
        '--tls',
        '--from',
        'a@example.net',
        '--to',
        'anyone@example.com',
        '--local-interface',
        '127.0.0.88',
      ]);
      expect(sent.output).toContain('queued as');
      await postfix.untilLogged(/client=unknown\[127\.0\.0\.88\]/);
      const [message] = await postfix.untilDelivered(1);
      expect(message?.toString()).toContain('using TLS');
    }, 60_000);
  },
);

describe.skipIf(missing !== undefined)('Postfix behind the gate, Received', () => {
  test('the message carries the address of the client', async () => {
    const { postfix, gate, mxPort } = await rig('received', 'none');
    await using _postfix = postfix;
    await using _gate = gate;
    await run('swaks', [
      '--server',
      '127.0.0.1',
      '--port',
      String(mxPort),
      '--from',
      'a@example.net',
      '--to',
      'anyone@example.com',
      '--helo',
      'client.example.net',
      '--local-interface',
      '127.0.0.99',
    ]);
    const [message] = await postfix.untilDelivered(1);
    expect(message?.toString()).toMatch(
      /Received: from client\.example\.net \(\[127\.0\.0\.99\]\)\s+by gate\.example\.com/,
    );
  }, 60_000);
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { make } from '../support/certificates.ts';
import { postern } from '../support/postern.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const config = (kafka: string): string => `hostname: mx.example.com
listeners: [{ role: mx, withoutCertificate: true }]
upstreams: { default: { host: 192.0.2.10 } }
domains: { names: [example.com] }
log:
  kind: kafka
  kafka:
    brokers: ["k1.example.com:9093"]
${kafka}
`;

test('check tells at once what keeps us from the brokers, but for the brokers themselves', async () => {
  const folder = temporaryDirectory();
  const own = await make(['gate-1'], 300);
  const ended = await make(['gate-1'], -1);
  const files = { 'own.pem': own.certificate, 'own.key': own.key, 'old.pem': ended.certificate, 'old.key': ended.key };
  for (const [name, text] of Object.entries({ ...files, secret: 'HUNTER2' })) writeFileSync(join(folder, name), text);
  const check = async (kafka: string) => {
    writeFileSync(join(folder, 'postern.yaml'), config(kafka));
    const { code, stdout, stderr } = await postern(['check'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout).not.toContain('HUNTER2');
    return { code, lines: stdout.trim().split('\n') };
  };
  const login = '    username: alice\n    password: { file: secret }\n';
  const tls = (name: string) => `    tls: { kind: on, certFile: ${name}.pem, keyFile: ${name}.key }`;
  expect(await check(login + tls('own'))).toEqual({ code: 0, lines: ['postern.yaml is in order'] });
  const wrong = await check(`    username: alice\n    password: { file: nowhere }\n${tls('lost')}`);
  expect(wrong.code).toBe(1);
  expect(wrong.lines).toEqual([
    expect.stringMatching(/^postern\.yaml:10:23: log\.kafka\.password\.file: cannot be read: there is no such file; /),
    expect.stringMatching(/^postern\.yaml:11:32: log\.kafka\.tls\.certFile: cannot be read: there is no such file; /),
    '2 faults',
  ]);
  expect((await check(login + tls('old'))).lines).toEqual([
    expect.stringMatching(/^postern\.yaml:11:32: log\.kafka\.tls\.certFile: the certificate ended on .*; renew it/),
    '1 fault',
  ]);
});

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../cli/config/load.ts';
import { kafkaPlace, REREAD_MS } from '../../cli/io/kafka-place.ts';
import type { KafkaPlace } from '../../log/io/kafka-client.ts';
import { make, makeAuthority } from '../support/certificates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const load = (kafka: string, kind = 'kafka') =>
  loadConfig(
    `listeners: [{ role: mx, withoutCertificate: true }]
upstreams: { default: { host: 192.0.2.10 } }
domains: { names: [example.com] }
gate: gate-1
log: { kind: ${kind}, kafka: { ${kafka} } }
`,
    'postern.yaml',
    {},
  );

function placed(folder: string, kafka: string) {
  const config = load(`brokers: ["k1.example.com:9093"], ${kafka}`);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return kafkaPlace({ config: config.value, file: undefined, text: '', hash: '', folder });
}

describe('settings that do not fit together', () => {
  test.each([
    ['prefix: x', 'kafka', 'log.kind', 'no broker is named'],
    ['brokers: ["a:1"]', 'sqlite', 'log.kafka.brokers', 'a log of the kind sqlite has no brokers'],
    ['brokers: ["a:1"], username: a', 'kafka', 'log.kafka.username', 'a username and a password belong together'],
    [
      'brokers: ["a:1"], tls: { kind: on, certFile: a }',
      'kafka',
      'log.kafka.tls.certFile',
      'a certificate and its key belong together',
    ],
    ['brokers: ["a:1"], tls: { caFile: a }', 'kafka', 'log.kafka.tls.kind', 'certificates are named, and TLS is off'],
    [
      'brokers: ["a:1"], tls: { certFile: a, keyFile: b }',
      'kafka',
      'log.kafka.tls.kind',
      'certificates are named, and TLS is off',
    ],
  ])('%s, %s', (kafka, kind, path, problem) => {
    const loaded = load(kafka, kind);
    expect(loaded.ok ? [] : loaded.error).toMatchObject([{ path, problem }]);
  });

  test.each(['a:0', 'a:65536', 'a:99999', 'a', ':9092', 'a:9092/x', 'a b:1', '[::1]', 'a:1,b:2'])(
    '%s is no broker',
    (broker) => {
      const loaded = load(`brokers: [${JSON.stringify(broker)}]`);
      expect(loaded.ok ? [] : loaded.error).toMatchObject([
        { problem: `${JSON.stringify(broker)} is no address of a broker` },
      ]);
    },
  );
});

/** A folder with a certificate of ours and a password. */
async function folderOfFiles(): Promise<string> {
  const folder = temporaryDirectory();
  const ca = await makeAuthority('CA');
  const own = await make(['gate-1'], 300, ca);
  const files = { 'ca.pem': ca.certificate, 'own.pem': own.certificate, 'own.key': own.key, secret: 'HUNTER2\n' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const FULL =
  'username: alice, password: { file: secret }, tls: { kind: on, caFile: ca.pem, certFile: own.pem, keyFile: own.key }';

test.each([
  ['secret', '', 'log.kafka.password.file: the file of the secret is empty; write the secret into it'],
  ['ca.pem', 'x', /^log\.kafka\.tls\.caFile: is no certificate: .*; give a PEM file of certificates$/],
  ['own.pem', 'x', /^log\.kafka\.tls\.certFile: is no certificate: /],
  ['own.key', 'x', /^log\.kafka\.tls\.keyFile: is no private key: /],
  ['own.key', undefined, /^log\.kafka\.tls\.keyFile: cannot be read: there is no such file; /],
])('%s that holds %j is told in one line', async (name, text, line) => {
  const folder = await folderOfFiles();
  if (text === undefined) rmSync(join(folder, name));
  else writeFileSync(join(folder, name), text);
  const place = placed(folder, FULL);
  expect(place).toMatchObject({ ok: false, error: typeof line === 'string' ? line : expect.stringMatching(line) });
});

test('the key of another certificate is told', async () => {
  const folder = await folderOfFiles();
  writeFileSync(join(folder, 'own.key'), (await make(['gate-1'])).key);
  expect(placed(folder, FULL)).toMatchObject({ error: expect.stringContaining('is not the key of the certificate') });
});

const shownOf = ({ login, tls }: KafkaPlace) => ({ password: login?.password(), cert: tls?.cert, key: tls?.key });

test('the next connection takes what the files hold by then; what cannot be read changes nothing', async () => {
  const folder = await folderOfFiles();
  const place = placed(folder, FULL);
  if (!place.ok) throw new Error(place.error);
  const before = shownOf(place.value);
  expect(before).toMatchObject({ password: 'HUNTER2', cert: expect.stringContaining('BEGIN CERTIFICATE') });
  const next = await make(['gate-1']);
  writeFileSync(join(folder, 'own.pem'), next.certificate);
  renameSync(join(folder, 'secret'), join(folder, 'secret.old'));
  await setTimeout(REREAD_MS);
  expect(shownOf(place.value)).toEqual(before);
  writeFileSync(join(folder, 'own.key'), next.key);
  writeFileSync(join(folder, 'secret'), 'HUNTER3\n');
  await setTimeout(REREAD_MS);
  expect(shownOf(place.value)).toMatchObject({ password: 'HUNTER3', cert: next.certificate });
  expect(shownOf(place.value).key).not.toBe(before.key);
});

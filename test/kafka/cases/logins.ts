import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EventLog } from '../../../log/event-log.ts';
import type { KafkaPlace } from '../../../log/io/kafka-client.ts';
import { partitionOf } from '../../../log/partition.ts';
import { eventsIn, Fleet, faultsOf } from '../../support/fleet.ts';
import { until } from '../../support/postern.ts';
import { newPrefix, passwordOf, type SecuredKafka } from '../../support/secured-kafka.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

type Way = (kafka: SecuredKafka) => Partial<KafkaPlace>;

const believing = ({ certificates: { authority } }: SecuredKafka) => ({ ca: authority.certificate });

const ways: Readonly<Record<string, Way>> = {
  'PLAIN in clear': (kafka) => ({ brokers: kafka.by('LOGIN'), login: kafka.login('PLAIN') }),
  'SCRAM-SHA-256 in clear': (kafka) => ({ brokers: kafka.by('LOGIN'), login: kafka.login('SCRAM-SHA-256') }),
  'SCRAM-SHA-512 in clear': (kafka) => ({ brokers: kafka.by('LOGIN'), login: kafka.login('SCRAM-SHA-512') }),
  'PLAIN over TLS': (kafka) => ({ brokers: kafka.by('SECURE'), tls: believing(kafka), login: kafka.login('PLAIN') }),
  'SCRAM-SHA-256 over TLS': (kafka) => ({
    brokers: kafka.by('SECURE'),
    tls: believing(kafka),
    login: kafka.login('SCRAM-SHA-256'),
  }),
  'SCRAM-SHA-512 over TLS': (kafka) => ({
    brokers: kafka.by('SECURE'),
    tls: believing(kafka),
    login: kafka.login('SCRAM-SHA-512'),
  }),
  'a certificate of ours': (kafka) => ({
    brokers: kafka.by('MUTUAL'),
    tls: { ...believing(kafka), cert: kafka.certificates.own.certificate, key: kafka.certificates.own.key },
  }),
};

/** What every adapter of the port does, in short. */
async function use(log: EventLog): Promise<void> {
  const stream = 'postern.events';
  const partition = partitionOf('a', log.partitionCount);
  const appended = await log.append([1, 2, 3].map((n) => ({ stream, key: 'a', payload: `{"n":${n}}` })));
  expect(appended).toEqual({ ok: true, value: [0, 1, 2] });
  expect(await log.bounds(stream, partition)).toEqual({ first: 0, next: 3 });
  expect((await log.read(stream, partition, 1, 1)).records).toEqual([{ offset: 1, payload: '{"n":2}' }]);
  const stop = new AbortController();
  for await (const { records } of log.follow(stream, partition, 2, stop.signal)) {
    expect(records).toEqual([{ offset: 2, payload: '{"n":3}' }]);
    stop.abort();
  }
  await log.commit('test', stream, partition, 2);
  expect(await log.committed('test', stream, partition)).toBe(2);
}

const wrong: Readonly<Record<string, readonly [Way, RegExp]>> = {
  'a wrong password, PLAIN': [
    (kafka) => ({ brokers: kafka.by('LOGIN'), login: kafka.login('PLAIN', 'admin', 'HUNTER2-wrong') }),
    /^127\.0\.0\.1:\d+ refuses the login: Authentication failed: Invalid username or password; look at log\.kafka\.username/,
  ],
  'a wrong password, SCRAM over TLS': [
    (kafka) => ({
      brokers: kafka.by('SECURE'),
      tls: believing(kafka),
      login: kafka.login('SCRAM-SHA-512', 'admin', 'HUNTER2-wrong'),
    }),
    /^127\.0\.0\.1:\d+ refuses the login: Authentication failed .* SCRAM-SHA-512; look at log\.kafka\.username/,
  ],
  'an unknown user': [
    (kafka) => ({ brokers: kafka.by('LOGIN'), login: kafka.login('SCRAM-SHA-256', 'nobody') }),
    /^127\.0\.0\.1:\d+ refuses the login: .*\(SASL_AUTHENTICATION_FAILED\)$/,
  ],
  'no login where one is asked for': [
    (kafka) => ({ brokers: kafka.by('LOGIN') }),
    / closes connections; if it always does, it may ask for TLS \(log\.kafka\.tls\) or a login \(log\.kafka\.username\)$/,
  ],
  'a login where none is taken': [
    (kafka) => ({ brokers: kafka.cluster.addresses, login: kafka.login('PLAIN') }),
    /^127\.0\.0\.1:\d+ takes no login: leave out log\.kafka\.username/,
  ],
  'another authority': [
    (kafka) => ({
      brokers: kafka.by('SECURE'),
      tls: { ca: kafka.certificates.otherAuthority.certificate },
      login: kafka.login('PLAIN'),
    }),
    /^the certificate of 127\.0\.0\.1:\d+ is of an authority that is not believed: look at log\.kafka\.tls\.caFile$/,
  ],
  'the authorities of the system': [
    (kafka) => ({ brokers: kafka.by('SECURE'), tls: {}, login: kafka.login('PLAIN') }),
    /^the certificate of 127\.0\.0\.1:\d+ is of an authority that is not believed/,
  ],
  'a certificate for another name': [
    (kafka) => ({ brokers: kafka.by('MISNAMED'), tls: believing(kafka) }),
    /^the certificate of 127\.0\.0\.1:\d+ is for another name \(.*127\.0\.0\.1.*\): look at log\.kafka\.brokers$/,
  ],
  'no certificate where one is asked for': [
    (kafka) => ({ brokers: kafka.by('MUTUAL'), tls: believing(kafka) }),
    / closes connections; if it always does, it may ask for .* a certificate of ours \(log\.kafka\.tls\.certFile\)$/,
  ],
  'a certificate that is not believed': [
    (kafka) => {
      const { certificate: cert, key } = kafka.certificates.strange;
      return { brokers: kafka.by('MUTUAL'), tls: { ...believing(kafka), cert, key } };
    },
    / closes connections; if it always does, it may ask for .* another certificate of ours \(log\.kafka\.tls\.certFile\)$/,
  ],
  'clear towards TLS': [
    (kafka) => ({ brokers: kafka.by('MISNAMED') }),
    /127\.0\.0\.1:\d+\) speaks TLS: look at log\.kafka\.tls\.kind, and at the port$/,
  ],
  'a login in clear towards TLS': [
    (kafka) => ({ brokers: kafka.by('SECURE'), login: kafka.login('PLAIN') }),
    /^Kafka \(127\.0\.0\.1:\d+\) closes connections; if it always does, it may ask for TLS \(log\.kafka\.tls\)$/,
  ],
  'TLS towards clear': [
    (kafka) => ({ brokers: kafka.cluster.addresses, tls: believing(kafka) }),
    /^127\.0\.0\.1:\d+ does not speak TLS: look at log\.kafka\.tls\.kind, and at the port$/,
  ],
};

/** How brokers learn who we are, and we who they are. */
export function loginCases(kafka: () => SecuredKafka): void {
  describe('the log works', () => {
    test.each(Object.entries(ways))('%s', async (_, way) => {
      const opened = await kafka().open(kafka().place(way(kafka())));
      if (!opened.ok) throw new Error(opened.error);
      await use(opened.value);
      await opened.value[Symbol.asyncDispose]();
    });
  });

  describe('one line, without a secret', () => {
    test.each(Object.entries(wrong))('%s', async (_, [way, line]) => {
      const opened = await kafka().open(kafka().place(way(kafka())));
      expect(opened).toMatchObject({ ok: false, error: expect.stringMatching(line) });
      expect(JSON.stringify(opened)).not.toMatch(/HUNTER2|BEGIN|\\n/);
    });
  });

  test('a shipper with a wrong authority, then a wrong password, works by itself once both are right', async () => {
    const { certificates } = kafka();
    const folder = temporaryDirectory();
    const [caFile, secret] = [join(folder, 'ca.pem'), join(folder, 'secret')];
    writeFileSync(caFile, certificates.otherAuthority.certificate);
    writeFileSync(secret, 'HUNTER2-wrong\n', { mode: 0o600 });
    const prefix = newPrefix();
    const fleet = await Fleet.open(kafka().by('SECURE'), {
      prefix,
      tls: { kind: 'on', caFile },
      username: 'admin',
      password: { file: secret },
    });
    const machine = fleet.gate('one');
    const told = (fault: RegExp) =>
      until(
        () => faultsOf(machine, 'ship').find((line) => fault.test(line)),
        () => `${fault} in:\n${machine.process.stderr}`,
      );
    await told(/is of an authority that is not believed/);
    writeFileSync(caFile, certificates.authority.certificate);
    await told(/refuses the login/);
    await machine.mail('198.51.100.1');
    writeFileSync(secret, `${passwordOf('admin')}\n`);
    await machine.process.line('the log is sent on to Kafka');
    await machine.mail('198.51.100.2');
    await using log = await kafka().log(prefix);
    await until(
      async () => ((await eventsIn(log, 'session-closed')) === 2 ? true : undefined),
      () => `two sessions in the common log:\n${machine.process.stderr}`,
    );
    expect(faultsOf(machine, 'ship')).toHaveLength(2);
    expect(machine.process.stderr).not.toContain('HUNTER2');
    expect(machine.process.stderr).not.toMatch(/^[^{\n]/m);
    expect(await machine.process.stop()).toBe(0);
  });
}

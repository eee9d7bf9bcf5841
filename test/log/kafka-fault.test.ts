import {
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  protocolErrors,
  ResponseError,
  TimeoutError,
  UserError,
} from '@platformatic/kafka';
import { describe, expect, test } from 'vitest';
import {
  BROKERS_SHOWN_MAX,
  FAULT_LENGTH_MAX,
  FAULTS_SHOWN_MAX,
  isAnswer,
  type KafkaWay,
  kafkaFault,
} from '../../log/kafka-fault.ts';

const BROKER = 'kafka1.example.com:9092';
const way: KafkaWay = { brokers: [BROKER] };
const PRODUCE = 0;
const METADATA = 3;
const CREATE_TOPICS = 19;
const SASL_HANDSHAKE = 17;
const SASL_AUTHENTICATE = 36;

/** What Node throws, with its own fields. */
const system = (code: string, message: string): Error => Object.assign(new Error(message), { code });

/** As the library wraps what it could not do at one broker after the other, again and again. */
const asked = (...faults: readonly Error[]): Error =>
  new MultipleErrors('Listing topics failed.', [
    new MultipleErrors('metadata failed 4 times.', [
      new NetworkError('Connection closed'),
      new MultipleErrors('Cannot connect to any broker.', [...faults]),
    ]),
  ]);

const dialled = (cause: Error, broker = BROKER): Error =>
  new NetworkError(`Connection to ${broker} failed.`, { cause });

const answered = (api: number, code: keyof typeof protocolErrors, said: string | null = null): Error =>
  new ResponseError(api, 2, { '/topics/0': [protocolErrors[code]?.code ?? 0, said] }, {});

const login = (cause: Error): Error =>
  asked(dialled(new AuthenticationError('SASL authentication failed.', { cause })));

describe('the line of what the library throws', () => {
  test.each<[string, Error, string, KafkaWay?]>([
    [
      'nobody there',
      asked(dialled(system('ECONNREFUSED', 'connect ECONNREFUSED 192.0.2.1:9092'))),
      `nobody listens at ${BROKER}`,
    ],
    [
      'no such name',
      asked(dialled(system('ENOTFOUND', 'getaddrinfo ENOTFOUND x'))),
      `the name of ${BROKER} is not known`,
    ],
    [
      'no resolver',
      asked(dialled(system('EAI_AGAIN', 'getaddrinfo EAI_AGAIN x'))),
      `the name of ${BROKER} cannot be looked up now`,
    ],
    ['no way', asked(dialled(system('EHOSTUNREACH', 'connect EHOSTUNREACH'))), `there is no way to ${BROKER}`],
    ['a silent machine', asked(new TimeoutError(`Connection to ${BROKER} timed out.`)), `${BROKER} does not answer`],
    [
      'a silent program',
      new MultipleErrors('listApis failed 4 times.', [new TimeoutError('Request timed out')]),
      `Kafka (${BROKER}) takes connections and does not answer; if it always does, it may ask for TLS (log.kafka.tls) or a login (log.kafka.username)`,
    ],
    [
      'a wrong password',
      login(
        answered(
          SASL_AUTHENTICATE,
          'SASL_AUTHENTICATION_FAILED',
          'Authentication failed: Invalid username or password',
        ),
      ),
      `${BROKER} refuses the login: Authentication failed: Invalid username or password; look at log.kafka.username, password and mechanism (SASL_AUTHENTICATION_FAILED)`,
    ],
    [
      'another mechanism',
      login(answered(SASL_HANDSHAKE, 'UNSUPPORTED_SASL_MECHANISM')),
      `${BROKER} does not take such a login: look at log.kafka.mechanism (UNSUPPORTED_SASL_MECHANISM)`,
    ],
    [
      'a login where none is taken',
      login(answered(SASL_HANDSHAKE, 'ILLEGAL_SASL_STATE')),
      `${BROKER} takes no login: leave out log.kafka.username, or name the port that takes one (ILLEGAL_SASL_STATE)`,
    ],
    [
      'clear towards TLS',
      asked(new UserError('Broker requires TLS.')),
      `Kafka (${BROKER}) speaks TLS: look at log.kafka.tls.kind, and at the port`,
    ],
    [
      'a login in clear towards TLS',
      asked(
        dialled(
          new AuthenticationError('Cannot find a suitable SASL mechanism.', {
            cause: new NetworkError('Connection closed'),
          }),
        ),
      ),
      `Kafka (${BROKER}) closes connections; if it always does, it may ask for TLS (log.kafka.tls)`,
      { ...way, login: {} },
    ],
    [
      'TLS towards clear',
      asked(
        dialled(
          new UserError('TLS handshake failed. Please verify the broker supports TLS.', {
            cause: system(
              'ECONNRESET',
              'Client network socket disconnected before secure TLS connection was established',
            ),
          }),
        ),
      ),
      `${BROKER} does not speak TLS: look at log.kafka.tls.kind, and at the port`,
    ],
    [
      'another authority',
      asked(
        dialled(
          system(
            'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
            'unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
          ),
        ),
      ),
      `the certificate of ${BROKER} is of an authority that is not believed: look at log.kafka.tls.caFile`,
    ],
    [
      'an authority of its own',
      asked(dialled(system('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'))),
      `the certificate of ${BROKER} is of an authority that is not believed: look at log.kafka.tls.caFile`,
    ],
    [
      'an old certificate',
      asked(dialled(system('CERT_HAS_EXPIRED', 'certificate has expired'))),
      `the certificate of ${BROKER} has ended`,
    ],
    [
      'another name',
      asked(
        dialled(
          system(
            'ERR_TLS_CERT_ALTNAME_INVALID',
            "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: ",
          ),
        ),
      ),
      `the certificate of ${BROKER} is for another name (IP: 127.0.0.1 is not in the cert's list): look at log.kafka.brokers`,
    ],
    [
      'no certificate of ours, TLS 1.2',
      asked(
        dialled(
          system(
            'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
            '0A:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:',
          ),
        ),
      ),
      `${BROKER} does not take our certificate: look at log.kafka.tls.certFile`,
    ],
    [
      'no certificate of ours, TLS 1.3',
      new NetworkError('Connection closed'),
      `Kafka (${BROKER}) closes connections; if it always does, it may ask for a login (log.kafka.username) or a certificate of ours (log.kafka.tls.certFile)`,
      { ...way, tls: {} },
    ],
    [
      'a certificate of ours that is not believed, TLS 1.3',
      new NetworkError('Connection error', { cause: system('ECONNRESET', 'read ECONNRESET') }),
      `Kafka (${BROKER}) closes connections; if it always does, it may ask for another certificate of ours (log.kafka.tls.certFile)`,
      { ...way, tls: { cert: 'PEM' }, login: {} },
    ],
    ['something else there', new UserError('Out of bounds.'), `Kafka (${BROKER}) does not speak the protocol of Kafka`],
    [
      'too few brokers',
      new MultipleErrors('Creating topics failed.', [
        answered(CREATE_TOPICS, 'INVALID_REPLICATION_FACTOR', 'The target replication factor of 3 cannot be reached.'),
      ]),
      'x.postern.events: The target replication factor of 3 cannot be reached. Look at log.kafka.replicas (INVALID_REPLICATION_FACTOR)',
    ],
    [
      'no right',
      answered(METADATA, 'TOPIC_AUTHORIZATION_FAILED'),
      'x.postern.events: this user may not: docs/many-machines.md tells which rights it needs at the brokers (TOPIC_AUTHORIZATION_FAILED)',
    ],
    [
      'an answer that is not explained',
      answered(PRODUCE, 'KAFKA_STORAGE_ERROR'),
      'x.postern.events: Disk error when trying to access log file on the disk. (KAFKA_STORAGE_ERROR)',
    ],
    ['anything else', new TypeError('x is not a function'), `Kafka (${BROKER}): x is not a function`],
  ])('%s', (_, error, line, seen = way) => {
    expect(kafkaFault(error, seen, 'x.postern.events')).toBe(line);
  });
});

test('each broker has its fault, and a few of them are told', () => {
  const names = Array.from({ length: 5 }, (_, index) => `k${index}:9092`);
  const faults = names.map((name) => dialled(system('ECONNREFUSED', 'connect ECONNREFUSED'), name));
  const line = names.slice(0, FAULTS_SHOWN_MAX).map((name) => `nobody listens at ${name}`);
  expect(kafkaFault(asked(...faults), way)).toBe(line.join('; '));
  const shown = names.slice(0, BROKERS_SHOWN_MAX).join(', ');
  expect(kafkaFault(new Error('x'), { brokers: names })).toBe(`Kafka (${shown}, …): x`);
});

test('what a broker says is one line of bounded length, without controls', () => {
  const said = `a\r\nb\u001b[31m\u202e${'x'.repeat(1000)}`;
  const line = kafkaFault(answered(PRODUCE, 'POLICY_VIOLATION', said), way);
  expect(line).toMatch(/^Kafka \(kafka1\.example\.com:9092\): a b\\u001b\[31m\\u202ex+$/);
  expect(line).toHaveLength(FAULT_LENGTH_MAX);
});

test('an answer is found wherever it is wrapped', () => {
  const error = new MultipleErrors('Creating topics failed.', [answered(CREATE_TOPICS, 'TOPIC_ALREADY_EXISTS')]);
  expect(isAnswer(error, 'TOPIC_ALREADY_EXISTS')).toBe(true);
  expect(isAnswer(error, 'INVALID_CONFIG')).toBe(false);
  expect(isAnswer(undefined, 'INVALID_CONFIG')).toBe(false);
});

test('errors that hold each other come to an end', () => {
  const one = new Error('one');
  const other = new Error('other', { cause: one });
  one.cause = other;
  expect(kafkaFault(one, way)).toContain(BROKER);
});

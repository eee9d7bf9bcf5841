import { escapeField } from '../lib/escape.ts';
import { messageOf } from '../lib/message-of.ts';

/** How we come to the brokers: what a fault may be due to. */
export interface KafkaWay {
  readonly brokers: readonly string[];
  readonly tls?: { readonly cert?: unknown };
  readonly login?: object;
}

/** Longest fault, UTF-16 code units. */
export const FAULT_LENGTH_MAX = 400;
/** Faults of different brokers that are told at once. */
export const FAULTS_SHOWN_MAX = 3;
/** Brokers that are named where it is not known which of them it was. */
export const BROKERS_SHOWN_MAX = 3;
/** How deep errors are looked into: the library does not wrap them as often. */
const DEPTH_MAX = 16;

const RIGHTS = 'this user may not: docs/many-machines.md tells which rights it needs at the brokers';
const TOO_FEW = 'fewer brokers have the records than min.insync.replicas asks for: are some down?';

/** Answers to a login. `said`: the words of the broker. */
const refusals = new Map<string, (at: string, said: string) => string>([
  [
    'SASL_AUTHENTICATION_FAILED',
    (at, said) => `${at} refuses the login: ${said}; look at log.kafka.username, password and mechanism`,
  ],
  ['UNSUPPORTED_SASL_MECHANISM', (at) => `${at} does not take such a login: look at log.kafka.mechanism`],
  ['ILLEGAL_SASL_STATE', (at) => `${at} takes no login: leave out log.kafka.username, or name the port that takes one`],
]);

/** Other answers that somebody has to do something about. */
const answers = new Map<string, (said: string) => string>([
  ['TOPIC_AUTHORIZATION_FAILED', () => RIGHTS],
  ['GROUP_AUTHORIZATION_FAILED', () => RIGHTS],
  ['CLUSTER_AUTHORIZATION_FAILED', () => RIGHTS],
  ['INVALID_REPLICATION_FACTOR', (said) => `${said} Look at log.kafka.replicas`],
  ['MESSAGE_TOO_LARGE', () => 'the records are too large for it: raise its max.message.bytes'],
  ['INVALID_TIMESTAMP', () => 'the clock of this machine is far from that of the broker'],
  ['NOT_ENOUGH_REPLICAS', () => TOO_FEW],
  ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', () => TOO_FEW],
]);

/** Codes of the system and of TLS. */
const codes = new Map<string, (at: string, message: string) => string>([
  ['ECONNREFUSED', (at) => `nobody listens at ${at}`],
  ['ENOTFOUND', (at) => `the name of ${at} is not known`],
  ['EAI_AGAIN', (at) => `the name of ${at} cannot be looked up now`],
  ['EHOSTUNREACH', (at) => `there is no way to ${at}`],
  ['ENETUNREACH', (at) => `there is no way to ${at}`],
  ['ETIMEDOUT', (at) => `${at} does not answer`],
  ['CERT_HAS_EXPIRED', (at) => `the certificate of ${at} has ended`],
  ['CERT_NOT_YET_VALID', (at) => `the certificate of ${at} has not begun`],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    (at, message) =>
      `the certificate of ${at} is for another name (${message.replace(/^.*?altnames: |[: ]+$/g, '')}): look at log.kafka.brokers`,
  ],
]);

/** Words of Node and of the library, where a code would not tell enough. `all`: the brokers, where it may have been any. */
const sayings: readonly (readonly [RegExp, (at: string, way: KafkaWay, all: string) => string])[] = [
  [
    /before secure TLS connection|wrong version number|packet length too long/,
    (at) => `${at} does not speak TLS: look at log.kafka.tls.kind, and at the port`,
  ],
  [/^Broker requires TLS/, (at) => `${at} speaks TLS: look at log.kafka.tls.kind, and at the port`],
  [
    /self.signed certificate|unable to (verify|get).* certificate/i,
    (at) => `the certificate of ${at} is of an authority that is not believed: look at log.kafka.tls.caFile`,
  ],
  [
    /alert (unknown ca|bad certificate|certificate|unsupported certificate)/i,
    (at) => `${at} does not take our certificate: look at log.kafka.tls.certFile`,
  ],
  [/ (ECONNRESET|EPIPE)\b|^Connection (closed|error)/, (_, way, all) => `${all} closes connections${mayAskFor(way)}`],
  [
    /^Request timed out|^no answer in time/,
    (at, way) => `${at} takes connections and does not answer${mayAskFor(way)}`,
  ],
  [/^Connection to .* timed out/, (at) => `${at} does not answer`],
  [/^Out of bounds|unexpected response with correlation_id/, (at) => `${at} does not speak the protocol of Kafka`],
];

/**
 * What went wrong at the brokers, in one line that says what to look at. The library wraps one error into another: what counts is the
 * innermost of the last attempt, at each broker that was tried.
 *
 * @param error - Whatever was thrown.
 * @param about - The topics, or the group, that the question was about.
 */
export function kafkaFault(error: unknown, way: KafkaWay, about?: string): string {
  const texts = new Set(leavesOf(error, nameOf(way)).map((leaf) => textOf(leaf, way, about)));
  return escapeField([...texts].slice(0, FAULTS_SHOWN_MAX).join('; ').replaceAll(/\s+/g, ' '), FAULT_LENGTH_MAX);
}

/** Is it an answer of a broker with this code, such as `OFFSET_OUT_OF_RANGE`? */
export const isAnswer = (error: unknown, code: string): boolean =>
  leavesOf(error, '').some((leaf) => property(leaf.error, 'apiId') === code);

/** All brokers together. */
function nameOf({ brokers }: KafkaWay): string {
  const shown = brokers.slice(0, BROKERS_SHOWN_MAX).join(', ');
  return `Kafka (${shown}${brokers.length > BROKERS_SHOWN_MAX ? ', …' : ''})`;
}

/** An innermost error, and whom it came from. */
interface Leaf {
  readonly error: unknown;
  readonly at: string;
}

function leavesOf(error: unknown, outer: string, depth = 0): readonly Leaf[] {
  const text = messageOf(error);
  const at = /^Connection to (\S+) (?:failed|timed out)/.exec(text)?.[1] ?? outer;
  if (depth === DEPTH_MAX) return [{ error, at }];
  if (error instanceof AggregateError && error.errors.length > 0) {
    // Of one question that was asked several times the last error counts.
    const tries: readonly unknown[] = / failed \d+ times\.$/.test(text) ? error.errors.slice(-1) : error.errors;
    return tries.flatMap((each) => leavesOf(each, at, depth + 1));
  }
  if (error instanceof Error && error.cause instanceof Error) return leavesOf(error.cause, at, depth + 1);
  return [{ error, at }];
}

function textOf({ error, at }: Leaf, way: KafkaWay, about: string | undefined): string {
  const message = messageOf(error);
  const answer = property(error, 'apiId');
  if (answer !== undefined) {
    const said = property(error, 'serverErrorMessage') || message;
    const refused = refusals.get(answer)?.(at, said);
    return `${refused ?? `${about ?? at}: ${answers.get(answer)?.(said) ?? said}`} (${answer})`;
  }
  const told = codes.get(property(error, 'code') ?? '')?.(at, message);
  if (told !== undefined) return told;
  const [, saying] = sayings.find(([words]) => words.test(message)) ?? [];
  return saying?.(at, way, nameOf(way)) ?? `${at}: ${message}`;
}

/** A broker that is asked in a way that it does not know often says nothing at all. */
function mayAskFor({ tls, login }: KafkaWay): string {
  const missing = [
    ...(tls === undefined ? ['TLS (log.kafka.tls)'] : []),
    ...(login === undefined ? ['a login (log.kafka.username)'] : []),
    ...(tls === undefined
      ? []
      : [`${tls.cert === undefined ? 'a' : 'another'} certificate of ours (log.kafka.tls.certFile)`]),
  ];
  return `; if it always does, it may ask for ${missing.join(' or ')}`;
}

function property(error: unknown, name: string): string | undefined {
  if (typeof error !== 'object' || error === null || !Object.hasOwn(error, name)) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}

import { Buffer } from 'node:buffer';
import type { BaseOptions } from '@platformatic/kafka';
import { messageOf } from '../../lib/message-of.ts';
import type { Stream } from '../event-log.ts';

/** How a broker learns who we are. */
export interface KafkaLogin {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

/** How the way to the brokers is encrypted. */
export interface KafkaTls {
  /** PEM of the authorities that are believed; those of the system when absent. */
  readonly ca?: Buffer;
  /** PEM of our own certificate and its key, for brokers that ask for one. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Where Kafka is, and as whom. */
export interface KafkaPlace {
  /** Names this process to the brokers: it stands in their logs and quotas. */
  readonly clientId: string;
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[];
  /** Before the name of every stream and group; '' for none. */
  readonly prefix: string;
  readonly tls?: KafkaTls;
  readonly login?: KafkaLogin;
}

/** How long a connection to a broker may take, milliseconds. */
export const CONNECT_MS_MAX = 3000;
/** How long a broker may take for one answer, milliseconds. */
export const REQUEST_MS_MAX = 15_000;
/** How often one request is tried again, and the delay before each time, milliseconds. */
export const RETRIES_MAX = 3;
export const RETRY_MS = 300;
/** Age at which it is asked anew which broker leads what, milliseconds. */
const METADATA_AGE_MS_MAX = 60_000;
/** Characters of an error that are told. */
const MESSAGE_LENGTH_MAX = 300;

/** The header of a record that says where it was before. */
export const ORIGIN_HEADER = Buffer.from('origin');

/** The topic of a stream. */
export const topicOf = ({ prefix }: KafkaPlace, stream: Stream): string => `${prefix}${stream}`;

/** What every client of the library is made with. */
export const clientOptions = ({ clientId, brokers, tls, login }: KafkaPlace): BaseOptions => ({
  clientId,
  bootstrapBrokers: [...brokers],
  connectTimeout: CONNECT_MS_MAX,
  requestTimeout: REQUEST_MS_MAX,
  timeout: REQUEST_MS_MAX,
  retries: RETRIES_MAX,
  retryDelay: RETRY_MS,
  metadataMaxAge: METADATA_AGE_MS_MAX,
  autocreateTopics: false,
  ...(tls === undefined ? {} : { tls: { ...tls } }),
  ...(login === undefined ? {} : { sasl: { ...login } }),
});

/**
 * What went wrong, in one line: the innermost reason, since the library wraps one error into another.
 *
 * @param error - Whatever was thrown.
 */
export function kafkaFault(error: unknown): string {
  const inner = innermost(error);
  const id = property(inner, 'apiId');
  const text = messageOf(inner).replaceAll(/\s+/g, ' ').slice(0, MESSAGE_LENGTH_MAX);
  return id === undefined ? text : `${id}: ${text}`;
}

/** Is it an answer of a broker with this code, such as `OFFSET_OUT_OF_RANGE`? */
export const isAnswer = (error: unknown, code: string): boolean => property(innermost(error), 'apiId') === code;

function innermost(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors.at(-1));
  if (error instanceof Error && error.cause instanceof Error) return innermost(error.cause);
  return error;
}

function property(error: unknown, name: string): string | undefined {
  if (typeof error !== 'object' || error === null || !Object.hasOwn(error, name)) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}

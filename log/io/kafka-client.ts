import { Buffer } from 'node:buffer';
import { subscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import type { BaseOptions } from '@platformatic/kafka';
import type { Stream } from '../event-log.ts';

/** How a broker learns who we are. */
export interface KafkaLogin {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  /** Asked for at each login. */
  readonly password: () => string;
}

/** How the way to the brokers is encrypted. Read at each connection: getters may give what files hold by then. */
export interface KafkaTls {
  /** PEM of the authorities that are believed; those of the system when absent. */
  readonly ca?: string | undefined;
  /** PEM of our own certificate and its key, for brokers that ask for one. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
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
/** Age at which it is asked anew which broker leads what, milliseconds. */
const METADATA_AGE_MS_MAX = 60_000;

/** The header of a record that says where it was before. */
export const ORIGIN_HEADER = Buffer.from('origin');

/** The topic of a stream. */
export const topicOf = ({ prefix }: KafkaPlace, stream: Stream): string => `${prefix}${stream}`;

// Some errors of the library are events, which end the process where nobody listens: a broker is killed during a login, or while the
// members of a group join anew. Whoever asked something has been told by then.
subscribe('plt:kafka:instances', (message) => {
  const instance: unknown =
    typeof message === 'object' && message !== null ? Reflect.get(message, 'instance') : undefined;
  if (instance instanceof EventEmitter) instance.on('error', () => undefined);
});

const hostOf = (broker: string): string => broker.slice(0, broker.lastIndexOf(':')).replaceAll(/[[\]]/g, '');

/** What every client of the library is made with. */
export const clientOptions = ({ clientId, brokers, tls, login }: KafkaPlace): BaseOptions => ({
  clientId,
  bootstrapBrokers: [...brokers],
  connectTimeout: CONNECT_MS_MAX,
  requestTimeout: REQUEST_MS_MAX,
  timeout: REQUEST_MS_MAX,
  // Whoever asks has a loop and a patience of their own. Those of the library are nested: at a broker that is silent they take minutes.
  retries: false,
  metadataMaxAge: METADATA_AGE_MS_MAX,
  autocreateTopics: false,
  // Brokers behind one address are told apart by the name that is asked for; an address may not be asked for.
  ...(tls === undefined ? {} : { tls, tlsServerName: brokers.every((broker) => isIP(hostOf(broker)) === 0) }),
  ...(login === undefined ? {} : { sasl: { ...login } }),
});

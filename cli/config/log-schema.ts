import { z } from 'zod';
import { DISK_OCTETS_MAX_DEFAULT, DISK_OCTETS_MAX_FLOOR } from '../../log/disk-budget.ts';
import { PARTITION_COUNT_MAX } from '../../log/partition.ts';
import {
  brokerAddress,
  count,
  filePath,
  label,
  lineOfText,
  milliseconds,
  octets,
  RETENTION_MS_MAX,
  secretReference,
  topicPrefix,
} from './fields.ts';
import { DAY_MS, HOUR_MS } from './units.ts';

/** Brokers of Kafka, at most: the others are learnt from them. */
const BROKERS_MAX = 32;

const tls = z.strictObject({
  kind: z.enum(['off', 'on']).default('off').describe('Whether the way to the brokers is encrypted.'),
  caFile: filePath
    .optional()
    .describe('PEM file of the authorities that are believed. Default: those that every system knows.'),
  certFile: filePath
    .optional()
    .describe('PEM file of our own certificate, for brokers that ask for one. Default: none.'),
  keyFile: filePath.optional().describe('PEM file of its private key. Default: none.'),
});

const kafka = z.strictObject({
  brokers: z
    .array(brokerAddress)
    .max(BROKERS_MAX)
    .default([])
    .describe('`host:port` of some brokers; the others are learnt from them.'),
  clientId: label.optional().describe('Names this process in the logs and quotas of the brokers. Default: `gate`.'),
  prefix: topicPrefix
    .default('')
    .describe('Before the name of every topic and group, so that several sites can share the brokers.'),
  partitions: count(1, PARTITION_COUNT_MAX)
    .default(12)
    .describe('Partitions of each topic where Postern makes it. It never changes afterwards.'),
  replicas: count(1, 15)
    .default(3)
    .describe('Copies of every record, on as many brokers, where Postern makes the topic.'),
  tls: tls.prefault({}).describe('TLS towards the brokers.'),
  mechanism: z
    .enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
    .default('SCRAM-SHA-512')
    .describe('How the brokers learn who we are (SASL), where a username is given.'),
  username: lineOfText(128).optional().describe('As whom. Default: the brokers ask for nothing.'),
  password: secretReference.optional().describe('Where the password is kept. Default: none is needed.'),
});

/** The event log. */
export const log = z.strictObject({
  kind: z
    .enum(['sqlite', 'kafka'])
    .default('sqlite')
    .describe(
      'Where the log is: `sqlite` files on this machine, for one machine; `kafka` brokers, which those files are sent on to, for many.',
    ),
  durable: z
    .enum(['fsync', 'os'])
    .default('fsync')
    .describe(
      'What is acknowledged is on the disk (`fsync`), or with the system, which a power cut takes away (`os`).',
    ),
  diskOctetsMax: octets(DISK_OCTETS_MAX_FLOOR)
    .default(DISK_OCTETS_MAX_DEFAULT)
    .describe('Most octets of the log on the disk of this machine.'),
  retentionMs: milliseconds(HOUR_MS, RETENTION_MS_MAX)
    .default(7 * DAY_MS)
    .describe('How long events are kept, on this machine and in the topics that Postern makes.'),
  whenFull: z
    .enum(['pass', 'defer'])
    .default('pass')
    .describe(
      'When no event can be kept any more: mail passes and the gap is counted (`pass`), or no new client is let in (`defer`, 421).',
    ),
  kafka: kafka.prefault({}).describe('The brokers (`kind: kafka`).'),
});

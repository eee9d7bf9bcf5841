import { once } from 'node:events';
import { setTimeout } from 'node:timers';
import { KafkaCluster } from './cluster.ts';
import { kafkaJars } from './jars.ts';

/**
 * Runs Apache Kafka on free ports of the loopback until Ctrl-C, from jars of Maven Central, in a folder that goes with it.
 *
 * Run: `npm run kafka [-- 3]` for so many brokers; Java and mvn are needed. `KAFKA_VERSION` names another release.
 */
const count = Number(process.argv[2] ?? 1);
/** More than a machine for tests has memory for. */
const BROKERS_MAX = 5;
/** Copies of every record, as in production. */
const REPLICAS_MAX = 3;

if (!Number.isInteger(count) || count < 1 || count > BROKERS_MAX) {
  process.stderr.write(`npm run kafka [-- <1 to ${BROKERS_MAX} brokers>]\n`);
  process.exit(2);
}
const slow = setTimeout(() => process.stderr.write('fetching 44 MB from Maven Central, once\n'), 2000);
await kafkaJars();
clearTimeout(slow);
const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
const cluster = await KafkaCluster.start({ brokers: count });
process.stdout.write(
  [
    `Apache Kafka listens on ${cluster.addresses.join(', ')} until Ctrl-C. In postern.yaml:`,
    'log:',
    '  kind: kafka',
    `  kafka: { brokers: [${cluster.addresses.map((address) => `'${address}'`).join(', ')}], replicas: ${Math.min(count, REPLICAS_MAX)} }`,
    '',
  ].join('\n'),
);
await ended;
await cluster[Symbol.asyncDispose]();
process.exit(0);

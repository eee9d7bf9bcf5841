/** One broker of a cluster on loopback, which is its controller too. */
export interface BrokerPlace {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Empty at the first start. */
  readonly dataDirectory: string;
}

/** What clients use to come in. `plaintext` asks for nothing. */
export interface BrokerSecurity {
  readonly protocol: 'PLAINTEXT' | 'SASL_PLAINTEXT' | 'SSL' | 'SASL_SSL';
  /** Lines of `server.properties` that belong to it: key stores, users. */
  readonly properties: readonly string[];
}

export const plaintext: BrokerSecurity = { protocol: 'PLAINTEXT', properties: [] };

/** `server.properties` of one broker (KRaft, no ZooKeeper), small and quick to start. */
export function serverProperties(
  place: BrokerPlace,
  all: readonly BrokerPlace[],
  { protocol, properties }: BrokerSecurity,
): string {
  const client = `CLIENT://127.0.0.1:${place.port}`;
  const controller = `CONTROLLER://127.0.0.1:${place.controllerPort}`;
  const replicas = Math.min(all.length, 3);
  return [
    'process.roles=broker,controller',
    `node.id=${place.id}`,
    `controller.quorum.bootstrap.servers=${all.map(({ controllerPort }) => `127.0.0.1:${controllerPort}`).join(',')}`,
    `listeners=${client},${controller}`,
    `advertised.listeners=${client},${controller}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=CLIENT',
    `listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENT:${protocol}`,
    `log.dirs=${place.dataDirectory}`,
    `offsets.topic.replication.factor=${replicas}`,
    'offsets.topic.num.partitions=4',
    `transaction.state.log.replication.factor=${replicas}`,
    `transaction.state.log.min.isr=${Math.max(1, replicas - 1)}`,
    `share.coordinator.state.topic.replication.factor=${replicas}`,
    `share.coordinator.state.topic.min.isr=${Math.max(1, replicas - 1)}`,
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    ...properties,
    '',
  ].join('\n');
}

/** Without it every start prints a page. */
export const loggingProperties = [
  'rootLogger.level = WARN',
  'rootLogger.appenderRef.console.ref = console',
  'appender.console.type = Console',
  'appender.console.name = console',
  'appender.console.layout.type = PatternLayout',
  'appender.console.layout.pattern = %d %p %c: %m%n',
  '',
].join('\n');

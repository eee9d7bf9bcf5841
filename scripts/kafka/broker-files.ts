/** One broker of a cluster on loopback, which is its controller too. */
export interface BrokerPlace {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Of the other ways in, in their order. */
  readonly listenerPorts: readonly number[];
  /** Empty at the first start. */
  readonly dataDirectory: string;
}

/** One more way in for clients, besides the port that asks for nothing. */
export interface BrokerListener {
  /** In capitals. */
  readonly name: string;
  readonly protocol: 'SASL_PLAINTEXT' | 'SSL' | 'SASL_SSL';
  /** Where clients are told to come in by it: another program listens there, and passes them on. Default: where it is. */
  readonly advertisedPort?: number;
  /** Settings that hold for it alone: key stores, mechanisms, users. */
  readonly settings: Readonly<Record<string, string>>;
}

/** `server.properties` of one broker (KRaft, no ZooKeeper), small and quick to start. */
export function serverProperties(
  place: BrokerPlace,
  all: readonly BrokerPlace[],
  listeners: readonly BrokerListener[],
): string {
  const clientBy = (portOf: (listener: BrokerListener, own: number) => number): string =>
    [
      `CLIENT://127.0.0.1:${place.port}`,
      ...listeners.map((each, index) => `${each.name}://127.0.0.1:${portOf(each, place.listenerPorts[index] ?? 0)}`),
    ].join(',');
  const controller = `CONTROLLER://127.0.0.1:${place.controllerPort}`;
  const protocols = ['CONTROLLER:PLAINTEXT', 'CLIENT:PLAINTEXT', ...listeners.map((l) => `${l.name}:${l.protocol}`)];
  const replicas = Math.min(all.length, 3);
  return [
    'process.roles=broker,controller',
    `node.id=${place.id}`,
    `controller.quorum.bootstrap.servers=${all.map(({ controllerPort }) => `127.0.0.1:${controllerPort}`).join(',')}`,
    `listeners=${clientBy((_, own) => own)},${controller}`,
    `advertised.listeners=${clientBy(({ advertisedPort }, own) => advertisedPort ?? own)},${controller}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=CLIENT',
    `listener.security.protocol.map=${protocols.join(',')}`,
    ...listeners.flatMap(settingsOf),
    `log.dirs=${place.dataDirectory}`,
    `offsets.topic.replication.factor=${replicas}`,
    'offsets.topic.num.partitions=4',
    `transaction.state.log.replication.factor=${replicas}`,
    `transaction.state.log.min.isr=${Math.max(1, replicas - 1)}`,
    `share.coordinator.state.topic.replication.factor=${replicas}`,
    `share.coordinator.state.topic.min.isr=${Math.max(1, replicas - 1)}`,
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    '',
  ].join('\n');
}

const settingsOf = ({ name, settings }: BrokerListener): readonly string[] =>
  Object.entries(settings).map(
    // Lines of PEM are one value.
    ([key, value]) => `listener.name.${name.toLowerCase()}.${key}=${value.replaceAll('\n', String.raw`\n`)}`,
  );

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

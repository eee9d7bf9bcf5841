import { randomBytes } from 'node:crypto';
import {
  type Acl,
  AclOperations,
  AclPermissionTypes,
  Admin,
  ConfigResourceTypes,
  IncrementalAlterConfigOperationTypes,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import type { Stream } from '../../log/event-log.ts';
import { streams } from '../../log/event-log.ts';
import { clientOptions, type KafkaLogin, type KafkaPlace } from '../../log/io/kafka-client.ts';
import { type KafkaLog, openKafkaLog } from '../../log/io/kafka-log.ts';
import type { KafkaListener } from '../../log/kafka-troubles.ts';
import type { CertificatePem } from '../../proxy/io/tls.ts';
import type { BrokerListener } from '../../scripts/kafka/broker-files.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { make, makeAuthority } from './certificates.ts';
import { CutLine } from './cut-line.ts';

const DAY_MS = 86_400_000;
/** Who may do everything. */
const ADMIN = 'admin';

/** Another one for each user; nothing else looks like it. */
export const passwordOf = (user: string): string => `HUNTER2-${user}`;

/** Part of one user's rights, such as to read a topic. */
export interface Right {
  readonly user: string;
  readonly kind: 'TOPIC' | 'GROUP';
  readonly name: string;
  readonly operation: 'READ' | 'WRITE' | 'CREATE' | 'DESCRIBE' | 'DESCRIBE_CONFIGS';
}

interface Certificates {
  readonly authority: CertificatePem;
  readonly otherAuthority: CertificatePem;
  /** Ours, and one that brokers do not believe. */
  readonly own: CertificatePem;
  readonly strange: CertificatePem;
}

/** One broker with many ways in, and users who may do what they were given a right to. */
export class SecuredKafka implements AsyncDisposable {
  readonly cluster: KafkaCluster;
  readonly certificates: Certificates;
  /** Of the way in CUT. */
  readonly line: CutLine;
  private readonly admin: Admin;

  private constructor(cluster: KafkaCluster, certificates: Certificates, line: CutLine) {
    this.cluster = cluster;
    this.certificates = certificates;
    this.line = line;
    this.admin = new Admin({ ...clientOptions(this.place()), retries: 3 });
  }

  /** `users`: besides the one who may do everything. */
  static async start(users: readonly string[]): Promise<SecuredKafka> {
    const [authority, otherAuthority] = await Promise.all([makeAuthority('CA'), makeAuthority('other CA')]);
    const certificates = {
      authority,
      otherAuthority,
      own: await make(['machine'], 365, authority),
      strange: await make(['machine'], 365, otherAuthority),
    };
    const broker = keyStore(await make(['127.0.0.1'], 365, authority));
    const line = await CutLine.listen();
    const listeners: readonly BrokerListener[] = [
      { name: 'LOGIN', protocol: 'SASL_PLAINTEXT', settings: logins },
      { name: 'CUT', protocol: 'SASL_PLAINTEXT', settings: logins, advertisedPort: line.port },
      { name: 'SECURE', protocol: 'SASL_SSL', settings: { ...logins, ...broker } },
      { name: 'MUTUAL', protocol: 'SSL', settings: { ...broker, ...believing(authority) } },
      {
        name: 'MISNAMED',
        protocol: 'SSL',
        settings: keyStore(await make(['kafka.example.com'], 365, authority)),
      },
    ];
    const cluster = await KafkaCluster.start({
      listeners,
      users: [ADMIN, ...users].map((name) => ({ name, password: passwordOf(name) })),
      properties: [
        'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        `super.users=User:ANONYMOUS;User:${ADMIN};User:CN=machine`,
        // One that was killed may come back sooner.
        'broker.session.timeout.ms=4000',
        'broker.heartbeat.interval.ms=500',
      ],
    });
    line.target = Number(cluster.addressesBy('CUT')[0]?.split(':')[1]);
    return new SecuredKafka(cluster, certificates, line);
  }

  /** A place of its own at the port that asks for nothing, with all rights. */
  place(change: Partial<KafkaPlace> = {}): KafkaPlace {
    return { clientId: 'test', brokers: this.cluster.addresses, prefix: newPrefix(), ...change };
  }

  /** Of the brokers, by one way in. */
  by(listener: 'LOGIN' | 'SECURE' | 'MUTUAL' | 'MISNAMED'): readonly string[] {
    return this.cluster.addressesBy(listener);
  }

  login(mechanism: KafkaLogin['mechanism'], username = ADMIN, password = passwordOf(username)): KafkaLogin {
    return { mechanism, username, password: () => password };
  }

  open(
    place: KafkaPlace,
    partitionCount = 4,
    replicas = 1,
    listener: KafkaListener = { away: () => undefined, back: () => undefined },
  ): ReturnType<typeof openKafkaLog> {
    const retentionMs = Object.fromEntries(streams.map((stream) => [stream, DAY_MS])) as Record<Stream, number>;
    return openKafkaLog({ place, topics: { partitionCount, replicas, retentionMs }, listener });
  }

  /** The log under a prefix, with all rights. */
  async log(prefix: string): Promise<KafkaLog> {
    const opened = await this.open(this.place({ prefix }));
    if (!opened.ok) throw new Error(opened.error);
    return opened.value;
  }

  /** Makes a topic as somebody might. */
  async makeTopic(name: string, partitions: number, settings: Readonly<Record<string, string>>): Promise<void> {
    const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }));
    await this.admin.createTopics({ topics: [name], partitions, replicas: 1, configs });
  }

  async setTopic(resourceName: string, name: string, value: string): Promise<void> {
    const configOperation = IncrementalAlterConfigOperationTypes.SET;
    const resourceType = ConfigResourceTypes.TOPIC;
    const configs = [{ name, configOperation, value }];
    await this.admin.incrementalAlterConfigs({ resources: [{ resourceType, resourceName, configs }] });
  }

  async dropTopic(name: string): Promise<void> {
    await this.admin.deleteTopics({ topics: [name] });
  }

  async grant(rights: readonly Right[]): Promise<void> {
    await this.admin.createAcls({ creations: rights.map(aclOf) });
  }

  async revoke(rights: readonly Right[]): Promise<void> {
    await this.admin.deleteAcls({ filters: rights.map(aclOf) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.close();
    await this.line[Symbol.asyncDispose]();
    await this.cluster[Symbol.asyncDispose]();
  }
}

export const newPrefix = (): string => `${randomBytes(4).toString('hex')}.`;

const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
const logins = {
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  'plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${ADMIN}="${passwordOf(ADMIN)}";`,
  'scram-sha-256.sasl.jaas.config': scram,
  'scram-sha-512.sasl.jaas.config': scram,
};

const keyStore = ({ certificate, key }: CertificatePem): Readonly<Record<string, string>> => ({
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.certificate.chain': certificate,
  'ssl.keystore.key': key,
});

const believing = ({ certificate }: CertificatePem): Readonly<Record<string, string>> => ({
  'ssl.client.auth': 'required',
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.certificates': certificate,
});

const aclOf = ({ user, kind, name, operation }: Right): Acl => ({
  resourceType: ResourceTypes[kind],
  resourceName: name,
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: `User:${user}`,
  host: '*',
  operation: AclOperations[operation],
  permissionType: AclPermissionTypes.ALLOW,
});

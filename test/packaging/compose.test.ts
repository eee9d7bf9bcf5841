import { describe, expect, test } from 'vitest';
import { placesIn } from '../../cli/config/places.ts';
import { siteFilesIn } from '../../cli/demo/files.ts';
import { MAIL_SERVER_PORT, parts } from '../../cli/demo/parts.ts';
import { DOMAINS, STORY_PORTS } from '../../cli/demo/world.ts';
import { PrefixSet, parseAddress, parsePrefix } from '../../lib/ip.ts';
import { KAFKA_VERSION } from '../../scripts/kafka/jars.ts';
import {
  compose,
  composeText,
  configFileOf,
  configIn,
  envExample,
  isThere,
  mountsOf,
  serviceOf,
  services,
  textOf,
} from '../support/packaging.ts';

/** Services that do their work and end, or that nobody waits for. */
const withoutHealth = new Set(['files', 'story']);
/** Services that serve no folder of their own to be kept. */
const writesItsOwnFiles = new Set(['kafka']);
/** What is published to clients: the ports of the host, by default, and those in the container. */
const clientPorts: readonly string[] = ['25:2525', '587:2587', '465:2465'];

describe('every service', () => {
  test.each(services)('%s has an image of one version', (_name, { image, build }) => {
    const [, tag = ''] = /^[a-z/-]+:([^:@]+)$/.exec(image) ?? [];
    expect(tag).toMatch(/^\d+\.\d+(\.\d+)?$/);
    if (build === undefined) return;
    expect(build).toMatchObject({ context: '.', dockerfile: 'packaging/Dockerfile' });
    expect(textOf('packaging/Dockerfile')).toMatch(new RegExp(`^FROM \\w+ AS ${build.target}$`, 'm'));
    expect(tag).toBe((JSON.parse(textOf('package.json')) as { version: string }).version);
  });

  test.each(services)('%s has few rights, and bounds', (name, service) => {
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.mem_limit).toMatch(/^\d+[mg]$/);
    expect(service.pids_limit).toBeGreaterThan(0);
    expect(service.read_only ?? false).toBe(!writesItsOwnFiles.has(name));
    // Those of Postern and Kafka have a user of their own in the image.
    const isImageOfUser = service.build !== undefined || service.image.startsWith('apache/kafka:');
    if (!isImageOfUser) expect(service.user).toMatch(/^[1-9]\d*:\d+$/);
    expect(service.restart).toBe(name === 'files' ? 'no' : 'unless-stopped');
  });

  test.each(services)('%s says whether it is well', (name, { healthcheck }) => {
    if (withoutHealth.has(name)) expect(healthcheck).toBeUndefined();
    else expect(healthcheck).toMatchObject({ test: expect.any(Array), interval: '10s', timeout: '5s', retries: 6 });
  });

  test.each(services)('%s waits only for what can be waited for', (_name, { depends_on = {} }) => {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const { healthcheck, restart } = serviceOf(other);
      if (condition === 'service_healthy') expect(healthcheck, other).toBeDefined();
      else expect([condition, restart]).toEqual(['service_completed_successfully', 'no']);
    }
  });

  test.each(services)('%s names only files, volumes and networks that there are', (_name, service) => {
    for (const { source, target, isReadOnly } of mountsOf(service)) {
      expect(target).toMatch(/^\//);
      if (!source.startsWith('./')) expect(compose.volumes).toHaveProperty([source]);
      else expect([isThere(source), isReadOnly], source).toEqual([true, true]);
    }
    for (const name of Object.keys(service.networks ?? {})) expect(compose.networks).toHaveProperty([name]);
  });

  test.each(services)('%s is reached from other machines only by clients', (_name, { ports = [] }) => {
    for (const port of ports) {
      const [, own, inside] = /^127\.0\.0\.1:(\d+):(\d+)$/.exec(port) ?? [];
      if (own === undefined) expect(clientPorts).toContain(port.replace(/^\$\{\w+:-(\d+)\}/, '$1'));
      else expect(own).toBe(inside);
    }
  });
});

test('no volume and no network is there for nobody', () => {
  const used = services.flatMap(([, service]) => mountsOf(service).map(({ source }) => source));
  expect(Object.keys(compose.volumes).filter((name) => !used.includes(name))).toEqual([]);
  const joined = services.flatMap(([, { networks = {} }]) => Object.keys(networks));
  expect(Object.keys(compose.networks).filter((name) => !joined.includes(name))).toEqual([]);
});

describe('secrets and variables', () => {
  const variables = [...composeText.matchAll(/\$\{(\w+)(:[-?])([^}]*)\}/g)].map(([, name = '', kind, rest]) => ({
    name,
    isNeeded: kind === ':?',
    fallback: rest,
  }));

  test('every variable is in .env.example, and none besides', () => {
    expect(new Set(variables.map(({ name }) => name))).toEqual(new Set(envExample.keys()));
    // No other way to write one.
    expect(composeText.match(/(?<!\$)\$(?!\{\w+:[-?])/g)).toBeNull();
  });

  test.each(variables)('$name has its default, or none where it is a secret', ({ name, isNeeded, fallback }) => {
    expect(isNeeded).toBe(name.endsWith('_PASSWORD'));
    expect(envExample.get(name)).toBe(isNeeded ? '' : fallback);
  });

  test('what is named as a secret comes from a variable that must be set', () => {
    for (const [, { environment = {} }] of services) {
      for (const [name, value] of Object.entries(environment)) {
        if (/PASSWORD|SECRET|TOKEN|KEY/.test(name)) expect(value).toMatch(/^\$\{\w+_PASSWORD:\?[^}]+\}$/);
      }
    }
  });

  test('.env is neither in the repository nor in an image', () => {
    expect(textOf('.gitignore').split('\n')).toContain('.env');
    expect(textOf('packaging/Dockerfile.dockerignore').split('\n')).toContain('.env');
  });
});

describe('the configurations of Postern', () => {
  const gate = configIn(configFileOf('gate'));
  const center = configIn(configFileOf('analyze'));
  const web = configIn(configFileOf('web'));
  const containerPortsOf = (name: string): readonly number[] =>
    (serviceOf(name).ports ?? []).map((port) => Number(port.slice(port.lastIndexOf(':') + 1)));
  const healthOf = (name: string): string => serviceOf(name).healthcheck?.test.join(' ') ?? '';

  test('all read and write one log, of one site', () => {
    expect(configFileOf('store')).toBe(configFileOf('analyze'));
    for (const other of [center, web]) {
      expect(other.log.kafka).toEqual(gate.log.kafka);
      expect([other.log.kind, other.site]).toEqual(['kafka', gate.site]);
      expect(other.watch).toEqual(gate.watch);
      expect(other.domains).toEqual(gate.domains);
    }
    expect(gate.log.kafka.brokers).toEqual(
      String(serviceOf('kafka').environment?.['KAFKA_ADVERTISED_LISTENERS']).match(/kafka:\d+/g),
    );
    expect(gate.log.kafka.replicas).toBe(serviceOf('kafka').environment?.['KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR']);
    expect(gate.domains.names).toEqual(DOMAINS);
  });

  test('gate and analyzers have the secret of the site, and the gate its certificate', () => {
    const { secret, certificate, key } = siteFilesIn('/run/postern');
    expect([gate.privacy.secretFile, center.privacy.secretFile]).toEqual([secret, secret]);
    expect(gate.tls.certificates).toEqual([{ certFile: certificate, keyFile: key }]);
    for (const name of ['gate', 'analyze'])
      expect(mountsOf(serviceOf(name))).toContainEqual({ source: 'files', target: '/run/postern', isReadOnly: true });
  });

  test('each service keeps its data directory', () => {
    for (const name of ['gate', 'analyze', 'store', 'web']) {
      expect(configIn(configFileOf(name)).dataDirectory).toBe('/var/lib/postern');
      expect(mountsOf(serviceOf(name))).toContainEqual({ source: name, target: '/var/lib/postern', isReadOnly: false });
    }
  });

  test('clients are published to the listeners that believe no balancer, the story goes to the others', () => {
    const ports = (isStory: boolean): readonly number[] =>
      gate.listeners.filter(({ proxyProtocol }) => proxyProtocol === isStory).map(({ port }) => port);
    expect(containerPortsOf('gate')).toEqual([...ports(false), gate.http.port]);
    expect(ports(true)).toEqual([STORY_PORTS.mx, STORY_PORTS.submission, STORY_PORTS.submissions]);
    expect(gate.listeners.filter(({ address }) => address !== '0.0.0.0')).toEqual([]);
  });

  test('the gate believes the one address of the story, in the network of the two', () => {
    const { networks = {}, command = [] } = serviceOf('story');
    const address = networks['smtp']?.ipv4_address ?? '';
    expect(gate.networks.balancers).toEqual([parsePrefix(address)]);
    const [{ subnet = '' } = {}] = compose.networks['smtp']?.ipam?.config ?? [];
    const [prefix, parsed] = [parsePrefix(subnet), parseAddress(address)];
    if (prefix === undefined || parsed === undefined) throw new Error(`${subnet}, ${address}`);
    expect(new PrefixSet([prefix]).contains(parsed)).toBe(true);
    expect(Object.keys(compose.services)).toContain(command[command.indexOf('--gate') + 1]);
  });

  test('parts of the demo are there by the name that they are started with', () => {
    for (const name of ['files', 'mail-server', 'story']) {
      const { command = [] } = serviceOf(name);
      expect(parts).toHaveProperty([command[command.indexOf('--part') + 1] ?? '']);
    }
    for (const { upstreams } of [gate, center, web])
      expect(upstreams['default']).toMatchObject({ host: 'mail-server', port: MAIL_SERVER_PORT });
  });

  test('health is asked where it is answered', () => {
    const { dataDirectory } = center;
    expect(healthOf('gate')).toContain(`http://127.0.0.1:${gate.http.port}/healthz`);
    expect(healthOf('web')).toContain(`http://127.0.0.1:${web.web.port}/`);
    expect(containerPortsOf('web')).toEqual([web.web.port]);
    expect(healthOf('analyze')).toContain(`'${placesIn(dataDirectory).progress}'`);
    expect(healthOf('store')).toContain(`'${placesIn(dataDirectory).storeProgress}'`);
    expect(healthOf('mail-server')).toContain(`connect(${MAIL_SERVER_PORT}, `);
    const [, kafkaPort] = gate.log.kafka.brokers[0]?.split(':') ?? [];
    expect(healthOf('kafka')).toContain(`/dev/tcp/127.0.0.1/${kafkaPort}`);
    expect(healthOf('clickhouse')).toContain(`http://127.0.0.1:${new URL(center.store.url ?? '').port}/ping`);
    expect(healthOf('grafana')).toContain(`http://127.0.0.1:${containerPortsOf('grafana')[0]}/api/health`);
  });

  test('the gate has time to let sessions end', () => {
    const seconds = Number(/^(\d+)s$/.exec(serviceOf('gate').stop_grace_period ?? '')?.[1]);
    expect(seconds * 1000).toBeGreaterThan(gate.drainDelayMs + gate.shutdownGraceMs + 15_000);
  });
});

describe('the servers of others', () => {
  const users = textOf('packaging/compose/clickhouse/users.xml');
  const grantsOf = (user: string): string =>
    new RegExp(`<${user}>[^]*?<grants>([^]*?)</grants>`).exec(users)?.[1] ?? '';

  test('Kafka is the version that tests run against, and makes no topic by itself', () => {
    const { image, environment = {} } = serviceOf('kafka');
    expect(image).toBe(`apache/kafka:${KAFKA_VERSION}`);
    expect(environment['KAFKA_AUTO_CREATE_TOPICS_ENABLE']).toBe('false');
    const ones = Object.entries(environment).filter(([name]) => /REPLICATION_FACTOR|MIN_ISR/.test(name));
    expect(ones.map(([, value]) => value)).toEqual([1, 1, 1, 1, 1]);
    expect(mountsOf(serviceOf('kafka')).map(({ target }) => target)).toEqual([environment['KAFKA_LOG_DIRS']]);
  });

  test('each asks ClickHouse as a user of its own, whose password both have', () => {
    const given = serviceOf('clickhouse').environment ?? {};
    const names = [...users.matchAll(/<(\w+)>\s*<password from_env="(\w+)"\/>/g)].map(([, user, name]) => [user, name]);
    expect(names).toEqual([
      ['postern_store', 'CLICKHOUSE_STORE_PASSWORD'],
      ['postern_reader', 'CLICKHOUSE_READER_PASSWORD'],
      ['grafana', 'CLICKHOUSE_GRAFANA_PASSWORD'],
    ]);
    for (const [, name = ''] of names) expect(given[name]).toContain(`\${${name}:?`);
    for (const [service, file] of [
      ['store', configIn(configFileOf('store'))],
      ['web', configIn(configFileOf('web'))],
    ] as const) {
      const { username, password } = file.store;
      const name = password !== undefined && 'env' in password ? password.env : '';
      expect(names).toContainEqual([username, name]);
      expect(serviceOf(service).environment).toEqual({ [name]: given[name] });
    }
    const { environment: grafana = {} } = serviceOf('grafana');
    expect([grafana['POSTERN_GRAFANA_USER'], grafana['POSTERN_GRAFANA_PASSWORD']]).toEqual([
      'grafana',
      given['CLICKHOUSE_GRAFANA_PASSWORD'],
    ]);
  });

  test('nobody else is a user, no password stands there, and readers only read', () => {
    expect(users).toContain('<default remove="remove"/>');
    expect(users.match(/<password[^/]*>/g)).toBeNull();
    for (const reader of ['postern_reader', 'grafana'])
      expect(grantsOf(reader).trim()).toBe('<query>GRANT SELECT ON postern.*</query>');
    expect(grantsOf('postern_store')).not.toMatch(/\bALL\b|\*\.\*/);
  });

  test('Grafana finds what is provisioned, and the plugin that it needs', () => {
    const { environment = {} } = serviceOf('grafana');
    const mounts = mountsOf(serviceOf('grafana'));
    const [, folder = ''] = /path: (\S+)/.exec(textOf('dashboards/provisioning/dashboards/postern.yml')) ?? [];
    expect(mounts).toContainEqual({ source: './dashboards/grafana', target: folder, isReadOnly: true });
    for (const kind of ['datasources', 'dashboards', 'alerting'])
      expect(mounts.map(({ target }) => target)).toContain(`/etc/grafana/provisioning/${kind}`);
    const source = textOf('packaging/compose/grafana/postern.yml');
    const [, type = ''] = /type: (\S+)/.exec(source) ?? [];
    expect(String(environment['GF_PLUGINS_PREINSTALL_SYNC'])).toMatch(new RegExp(`^${type}@4\\.\\d+\\.\\d+$`));
    const { hostname, port } = new URL(configIn(configFileOf('store')).store.url ?? '');
    expect(source).toContain(`host: ${hostname}\n      port: ${port}\n`);
  });
});

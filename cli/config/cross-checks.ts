import { parseAddress } from '../../lib/ip.ts';
import { nearestWord } from '../nearest.ts';
import type { Explained } from './explain.ts';
import type { Environment, PartialConfig } from './partial-config.ts';
import type { ListenerConfig } from './schema.ts';

type Path = readonly PropertyKey[];

const faultAt = (path: Path, problem: string, hint: string): Explained => ({ path, of: 'value', problem, hint });

/** What is wrong between settings that are each valid by themselves; what is not valid is passed over. */
export function crossFaults(config: PartialConfig, env: Environment): readonly Explained[] {
  const listeners = config.listeners.flatMap((listener, index) =>
    listener === undefined ? [] : [{ listener, index }],
  );
  return [
    ...listeners.flatMap(({ listener, index }) => listenerFaults(listener, ['listeners', index], config)),
    ...sharedNames(listeners),
    ...sharedPorts(listeners, config),
    ...domainFaults(config),
    ...kafkaFaults(config),
    ...storeFaults(config),
    ...siemFaults(config),
    ...secretFaults(config, env),
  ];
}

const siemFaults = ({ siem }: PartialConfig): Explained[] =>
  siem?.kind === 'syslog' && siem.host === undefined
    ? [faultAt(['siem', 'kind'], 'nobody is named who takes the events', 'give a name or an address in `siem.host`')]
    : [];

function kafkaFaults({ log }: PartialConfig): Explained[] {
  if (log === undefined) return [];
  const { brokers, username, password, tls } = log.kafka;
  const faults: Explained[] = [];
  const path = ['log', 'kafka'];
  if (log.kind === 'kafka' && brokers.length === 0)
    faults.push(faultAt(['log', 'kind'], 'no broker is named', 'name some in `log.kafka.brokers`'));
  if (log.kind === 'sqlite' && brokers.length > 0)
    faults.push(
      faultAt([...path, 'brokers'], 'a log of the kind sqlite has no brokers', 'write `kind: kafka`, or drop them'),
    );
  if ((username === undefined) !== (password === undefined))
    faults.push(faultAt([...path, 'username'], 'a username and a password belong together', 'give both, or none'));
  if (tls.kind === 'off' && (tls.caFile !== undefined || tls.certFile !== undefined))
    faults.push(
      faultAt([...path, 'tls', 'kind'], 'certificates are named, and TLS is off', 'write `kind: on`, or drop them'),
    );
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined))
    faults.push(
      faultAt([...path, 'tls', 'certFile'], 'a certificate and its key belong together', 'give both, or none'),
    );
  return faults;
}

function storeFaults({ store }: PartialConfig): Explained[] {
  if (store === undefined) return [];
  const { kind, url, replicas } = store;
  if (kind === 'clickhouse') {
    if (url === undefined && replicas.length === 0)
      return [faultAt(['store', 'kind'], 'the server has no address', 'give it in `store.url`')];
    if (url !== undefined && replicas.length > 0)
      return [faultAt(['store', 'url'], 'the servers are named in `replicas`', 'drop it, or `store.replicas`')];
    return replicas.flatMap((address, index) =>
      replicas.indexOf(address) === index
        ? []
        : [faultAt(['store', 'replicas', index], 'this server stands there twice', 'drop it')],
    );
  }
  const isGiven = { url: url !== undefined, replicas: replicas.length > 0 };
  return (['url', 'replicas'] as const)
    .filter((key) => isGiven[key])
    .map((key) =>
      faultAt(['store', key], `a store of the kind ${kind} has no server`, 'write `kind: clickhouse`, or drop it'),
    );
}

function listenerFaults(listener: ListenerConfig, path: Path, config: PartialConfig): Explained[] {
  return [
    ...certificateFaults(listener, path, config),
    ...upstreamFaults(listener, path, config),
    ...(listener.proxyProtocol && config.networks?.balancers.length === 0
      ? [faultAt([...path, 'proxyProtocol'], 'no balancer is named', 'name the balancers in `networks.balancers`')]
      : []),
  ];
}

function certificateFaults(listener: ListenerConfig, path: Path, { tls }: PartialConfig): Explained[] {
  const { role, withoutCertificate, tlsRequired } = listener;
  if (withoutCertificate && role === 'submissions') {
    const hint = 'drop `withoutCertificate`, or use the role submission';
    return [faultAt([...path, 'withoutCertificate'], 'submissions begins with TLS', hint)];
  }
  if (withoutCertificate && tlsRequired) {
    return [
      faultAt(
        [...path, 'tlsRequired'],
        'TLS is required where none is offered',
        'drop one of `tlsRequired` and `withoutCertificate`',
      ),
    ];
  }
  if (withoutCertificate || tls === undefined || tls.certificates.length > 0) return [];
  const hint = 'give one in `tls.certificates`, or write `withoutCertificate: true` to take STARTTLS from everyone';
  return [faultAt(path, 'this listener has no certificate', hint)];
}

function upstreamFaults(listener: ListenerConfig, path: Path, { upstreams }: PartialConfig): Explained[] {
  if (upstreams === undefined) return [];
  const target = Object.hasOwn(upstreams, listener.upstream) ? upstreams[listener.upstream] : undefined;
  if (target === undefined) {
    const names = Object.keys(upstreams);
    const near = nearestWord(listener.upstream, names) ?? names[0];
    const hint = near === undefined ? 'define it in `upstreams`' : `did you mean \`${near}\`?`;
    return [faultAt([...path, 'upstream'], `\`upstreams\` has no "${listener.upstream}"`, hint)];
  }
  if (target.port !== listener.port || !isHere(target.host, listener.address)) return [];
  const hint = 'give the mail server behind another address or port than the listener';
  return [faultAt(['upstreams', listener.upstream, 'host'], `is the listener ${listener.name} itself`, hint)];
}

/** Would a connection to `host` arrive at a listener on `address`? */
function isHere(host: string, address: string): boolean {
  const target = parseAddress(host);
  const isLoopback =
    host.toLowerCase() === 'localhost' || host === '::1' || (target?.family === 4 && host.startsWith('127.'));
  return isWildcard(address)
    ? isLoopback
    : target?.text === address || (isLoopback && host === 'localhost' && address === '127.0.0.1');
}

const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::';

interface Indexed {
  readonly listener: ListenerConfig;
  readonly index: number;
}

function sharedNames(listeners: readonly Indexed[]): Explained[] {
  const seen = new Set<string>();
  return listeners.flatMap(({ listener: { name }, index }) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [
      faultAt(['listeners', index, 'name'], `two listeners are named ${name}`, 'give this one a `name` of its own'),
    ];
  });
}

interface Endpoint {
  readonly path: Path;
  readonly what: string;
  readonly address: string;
  readonly port: number;
}

function sharedPorts(listeners: readonly Indexed[], { http, store, web }: PartialConfig): Explained[] {
  const endpoints: Endpoint[] = listeners.map(({ listener, index }) => ({
    path: ['listeners', index, 'port'],
    what: `the listener ${listener.name}`,
    address: listener.address,
    port: listener.port,
  }));
  if (http !== undefined)
    endpoints.push({ path: ['http', 'port'], what: 'http', address: http.address, port: http.port });
  if (store?.kind === 'chdb') endpoints.push({ path: ['store', 'http', 'port'], what: 'store.http', ...store.http });
  if (web?.kind === 'on') endpoints.push({ path: ['web', 'port'], what: 'web', address: web.address, port: web.port });
  return endpoints.flatMap((endpoint, index) => {
    const other = endpoints.slice(0, index).find((earlier) => collide(earlier, endpoint));
    if (other === undefined) return [];
    const both = isWildcard(other.address) && other.address !== endpoint.address;
    const hint = both ? `${other.address} takes it already; keep one of them` : 'choose another address or port';
    return [faultAt(endpoint.path, `${other.what} listens on port ${endpoint.port} already`, hint)];
  });
}

function collide(a: Endpoint, b: Endpoint): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const covers = (wide: string, other: string): boolean =>
    wide === '::' || (wide === '0.0.0.0' && !other.includes(':'));
  return a.address === b.address || covers(a.address, b.address) || covers(b.address, a.address);
}

function domainFaults({ domains, listeners }: PartialConfig): Explained[] {
  const isNamed =
    domains === undefined || domains.names.length > 0 || domains.file !== undefined || domains.url !== undefined;
  if (isNamed || !listeners.some((listener) => listener?.role === 'mx')) return [];
  const hint = 'name your domains in `domains.names`, or say where the list is in `domains.file` or `domains.url`';
  return [faultAt(['domains'], 'no domain is named, so all mail of strangers would be refused', hint)];
}

function secretFaults({ domains, tls, web }: PartialConfig, env: Environment): Explained[] {
  const references: { readonly path: Path; readonly value: unknown }[] = [
    { path: ['domains', 'url'], value: domains?.url },
    ...(tls?.certificates ?? []).map(({ keyPassphrase }, index) => ({
      path: ['tls', 'certificates', index, 'keyPassphrase'],
      value: keyPassphrase,
    })),
    { path: ['web', 'viewerToken'], value: web?.viewerToken },
    { path: ['web', 'operatorToken'], value: web?.operatorToken },
  ];
  return references.flatMap(({ path, value }) => {
    if (typeof value !== 'object' || value === null || !('env' in value)) return [];
    const name = String(value.env);
    if ((env[name] ?? '') !== '') return [];
    return [
      faultAt([...path, 'env'], `the environment variable ${name} is not set`, 'set it where Postern is started'),
    ];
  });
}

import { neverListOf } from '../../blocklist/never-list.ts';
import { canonicalAddress, type Prefix, PrefixSet, parsePrefix } from '../../lib/ip.ts';
import type { GateSettings } from '../../proxy/io/gate.ts';
import type { TlsSettings } from '../../proxy/io/tls.ts';
import type { UpstreamRoute } from '../../proxy/io/upstream.ts';
import { canonicalDomain } from '../../proxy/path.ts';
import { observeAll } from '../../proxy/policy/modes.ts';
import type { ListenerSettings } from '../../proxy/settings.ts';
import type { Config, ListenerConfig, UpstreamConfig } from './schema.ts';

/** What the machine adds to the configuration. */
export interface Machine {
  /** The name the system gives it. */
  readonly name: string;
  /** Its addresses, canonical; loopback is not among them. */
  readonly addresses: readonly string[];
}

/** Who we are, with the defaults that depend on the machine. */
export interface Identity {
  readonly site: string;
  readonly gate: string;
  readonly hostname: string;
  readonly contact: string;
}

/** What the gate is told besides the configuration itself. */
export interface Surroundings extends Pick<GateSettings, 'version' | 'configHash' | 'lists' | 'hasHistory'> {
  readonly machine: Machine;
  /** Certificates, read from their files; undefined: none is named. */
  readonly tls: TlsSettings | undefined;
  /** PEM certificates of `caFile`, by the name of the upstream. */
  readonly trustedCertificates: ReadonlyMap<string, string>;
  /** Ranges of large mail providers. */
  readonly providers: PrefixSet;
  /** The panic switch is on. */
  readonly panic: boolean;
}

/** Name used where neither the configuration nor the machine has a usable one. */
const NAMELESS = 'localhost';

export function identityOf(config: Config, machine: Machine): Identity {
  const hostname = config.hostname ?? canonicalDomain(machine.name) ?? NAMELESS;
  return {
    site: config.site,
    gate: config.gate ?? hostname.split('.', 1)[0] ?? hostname,
    hostname,
    contact: config.contact ?? `postmaster@${hostname}`,
  };
}

/** Addresses of ours: of the machine, of the listeners, and those that the configuration names. */
export function ownAddresses(config: Config, machine: Machine): ReadonlySet<string> {
  const named = config.policy.ownNames.flatMap((name) => canonicalAddress(name) ?? []);
  const listened = config.listeners.map(({ address }) => address).filter((address) => !isUnspecified(address));
  return new Set([...machine.addresses, ...listened, ...named]);
}

const isUnspecified = (address: string): boolean => address === '0.0.0.0' || address === '::';

/** The configuration as a gate takes it. Every listener names an upstream that exists: {@link crossFaults} saw to that. */
export function gateSettings(config: Config, around: Surroundings): GateSettings {
  const { limits, networks } = config;
  return {
    version: around.version,
    configHash: around.configHash,
    lists: around.lists,
    hasHistory: around.hasHistory,
    session: sessionSettings(config, around),
    listeners: config.listeners.map((listener) => ({
      ...listenerSettings(listener),
      route: upstreamOf(config, listener.upstream, around),
    })),
    tls: around.tls,
    connections: {
      totalMax: limits.sessionsMax,
      perSourceMax: limits.sessionsPerSourceMax,
      perMinuteMax: limits.connectionsPerMinuteMax,
      reservedShare: limits.reservedShare,
    },
    networks: {
      trusted: new PrefixSet(networks.trusted),
      never: neverList(config, around.machine),
      providers: around.providers,
      normalised: new PrefixSet(networks.normaliseLineEndings),
    },
    balancers: new PrefixSet(networks.balancers),
  };
}

/** Addresses that no decision may touch: the gate and the analyzers know the same ones. */
export const neverList = (config: Config, machine: Machine): PrefixSet =>
  neverListOf({ prefixes: neverListed(config, machine), documentation: !config.watch.documentationRanges });

/** The operator's list, this machine, and the servers behind that are named by their address. */
function neverListed(config: Config, machine: Machine): Prefix[] {
  const hosts = Object.values(config.upstreams).map(({ host }) => host);
  const alone = [...ownAddresses(config, machine), ...hosts].flatMap((text) => parsePrefix(text) ?? []);
  return [...config.networks.neverList, ...alone];
}

function listenerSettings(listener: ListenerConfig): ListenerSettings {
  const { upstream: _upstream, withoutCertificate, ...same } = listener;
  return { ...same, tls: withoutCertificate ? 'none' : listener.role === 'submissions' ? 'implicit' : 'starttls' };
}

function upstreamOf({ upstreams }: Config, name: string, around: Surroundings): UpstreamRoute {
  // A configuration without faults names no other.
  const config = upstreams[name] as UpstreamConfig;
  const { host, port, serverName, caFile: _caFile, connectionsMax, ...settings } = config;
  const ca = around.trustedCertificates.get(name);
  return { target: { host, port, serverName, ca }, settings, connectionsMax };
}

function sessionSettings(config: Config, around: Surroundings): GateSettings['session'] {
  const { limits, policy } = config;
  const identity = identityOf(config, around.machine);
  const names = policy.ownNames.map((name) => canonicalAddress(name) ?? canonicalDomain(name) ?? name);
  return {
    ...identity,
    greetingText: config.greetingText,
    deadlines: config.deadlines,
    limits,
    modes: around.panic ? observeAll(policy.modes) : policy.modes,
    authMechanisms: config.auth.mechanisms,
    ownNames: new Set([identity.hostname, ...ownAddresses(config, around.machine), ...names]),
    whenUnavailable: policy.whenUnavailable,
    outgoingSeen: policy.outgoingSeen,
  };
}

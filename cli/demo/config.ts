import { stringify } from 'yaml';
import {
  DEMO_DATA_RATE,
  DEMO_DEADLINES,
  DEMO_GREETING_HOLD_MS,
  DEMO_LIMITS,
  DOMAINS,
  GATE_NAME,
  KNOWN_LOCAL_PARTS,
  LISTED_DOMAIN,
  READERS_LISTENER,
} from './world.ts';

/** Where everything of one run is. Paths are absolute. */
export interface Places {
  readonly dataDirectory: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly recipientsFile: string;
  readonly ports: Readonly<
    Record<'mx' | 'submission' | 'submissions' | 'reader' | 'http' | 'history' | 'console' | 'server', number>
  >;
  /** History and the console run as well. */
  readonly hasConsole: boolean;
}

/**
 * The `postern.yaml` of the demo: as shipped, but for where things are, shorter deadlines and smaller limits, and decisions
 * about the addresses of its actors.
 *
 * @param promoted - Scenarios whose decisions act.
 */
export function demoConfig(places: Places, promoted: readonly string[] = []): string {
  const { dataDirectory, certFile, keyFile, recipientsFile, ports, hasConsole } = places;
  const listener = (name: string, role: string, port: number) => ({ name, role, address: '127.0.0.1', port });
  const behindBalancer = { proxyProtocol: true };
  return stringify({
    site: 'demo',
    gate: 'demo-gate',
    hostname: GATE_NAME,
    contact: 'postmaster@example.com',
    dataDirectory,
    listeners: [
      { ...listener('mx', 'mx', ports.mx), ...behindBalancer, greetingHoldMs: DEMO_GREETING_HOLD_MS },
      { ...listener('submission', 'submission', ports.submission), ...behindBalancer },
      { ...listener('submissions', 'submissions', ports.submissions), ...behindBalancer },
      { ...listener(READERS_LISTENER, 'mx', ports.reader), greetingHoldMs: DEMO_GREETING_HOLD_MS },
    ],
    upstreams: { default: { host: '127.0.0.1', port: ports.server, clientAddress: 'proxy-v1' } },
    tls: { certificates: [{ certFile, keyFile }] },
    domains: { names: DOMAINS },
    recipients: { file: recipientsFile },
    networks: { balancers: ['127.0.0.1'] },
    watch: {
      documentationRanges: true,
      scenarios: Object.fromEntries(promoted.map((scenario) => [scenario, 'enforce'])),
    },
    limits: { ...DEMO_LIMITS, ...DEMO_DATA_RATE },
    deadlines: DEMO_DEADLINES,
    http: { address: '127.0.0.1', port: ports.http },
    store: hasConsole ? { http: { port: ports.history } } : { kind: 'none' },
    web: hasConsole ? { port: ports.console } : { kind: 'off' },
    logging: { level: 'warn' },
    shutdownGraceMs: 1000,
  });
}

/** The list of known addresses. */
export const recipientsList = (): string => KNOWN_LOCAL_PARTS.map((name) => `${name}@${LISTED_DOMAIN}\n`).join('');

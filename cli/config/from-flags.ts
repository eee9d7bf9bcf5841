import { err, ok, type Result } from '../../lib/result.ts';
import type { Flags, FlagValues } from '../flags.ts';

/** Flags of every command that needs a configuration: a file, or the little that is needed without one. */
export const configFlags = {
  config: { value: 'file', text: 'Configuration; otherwise ./postern.yaml, or else /etc/postern/postern.yaml.' },
  upstream: { value: 'host:port', text: 'Without a file: the mail server behind.' },
  domains: { value: 'names', text: 'Without a file: your domains, with commas between them.' },
  listen: { value: 'address:port', text: 'Without a file: where to listen (0.0.0.0:25).' },
  hostname: { value: 'name', text: 'Without a file: name of this machine in replies.' },
  certificate: { value: 'file', text: 'Without a file: PEM certificate; STARTTLS is offered only with one.' },
  key: { value: 'file', text: 'Without a file: its private key.' },
  data: { value: 'directory', text: 'Without a file: folder of the event log (/var/lib/postern).' },
  log: { value: 'level', text: 'Without a file: error, warn, info or debug.' },
} as const satisfies Flags;

export type ConfigFlagValues = FlagValues<typeof configFlags>;

/** The flags that stand for a configuration file. */
const withoutFile = ['upstream', 'domains', 'listen', 'hostname', 'certificate', 'key', 'data', 'log'] as const;

/** Does the command line say anything that would stand in a configuration file? */
export const isWithoutFile = (values: ConfigFlagValues): boolean =>
  withoutFile.some((name) => values[name] !== undefined);

/** Arguments that give a child process the same configuration. */
export const configArguments = (values: ConfigFlagValues): string[] =>
  Object.keys(configFlags).flatMap((name) => {
    const value = values[name as keyof typeof configFlags];
    return value === undefined ? [] : [`--${name}=${value}`];
  });

/**
 * The content of the configuration file that the flags stand for: one listener for mail from other servers.
 *
 * @returns What {@link checkConfig} reads, or one line that says which flag is wrong.
 */
export function configFromFlags(values: ConfigFlagValues): Result<object, string> {
  const { upstream, domains, certificate, key } = values;
  if (values.config !== undefined) return err('--config stands for all other flags; give one or the others');
  if (upstream === undefined) return err('--upstream is needed: the address of the mail server behind');
  if (domains === undefined) return err('--domains is needed: the domains whose mail it takes');
  if ((certificate === undefined) !== (key === undefined)) return err('--certificate and --key belong together');
  const target = hostAndPort(upstream, 25);
  if (target === undefined) return err(`--upstream ${upstream} is no host:port`);
  const listen = hostAndPort(values.listen ?? '0.0.0.0:25', 25);
  if (listen === undefined) return err(`--listen ${values.listen} is no address:port`);
  const isWithTls = certificate !== undefined;
  return ok({
    ...(values.hostname === undefined ? {} : { hostname: values.hostname }),
    ...(values.data === undefined ? {} : { dataDirectory: values.data }),
    ...(values.log === undefined ? {} : { logging: { level: values.log } }),
    listeners: [{ role: 'mx', address: listen.host, port: listen.port, withoutCertificate: !isWithTls }],
    upstreams: { default: target },
    domains: { names: domains.split(',').map((name) => name.trim()) },
    ...(isWithTls ? { tls: { certificates: [{ certFile: certificate, keyFile: key }] } } : {}),
  });
}

/** Which flag a setting came from, for faults. */
const flagOfPath: ReadonlyMap<string, string> = new Map([
  ['hostname', '--hostname'],
  ['dataDirectory', '--data'],
  ['logging.level', '--log'],
  ['listeners[0].address', '--listen'],
  ['listeners[0].port', '--listen'],
  ['upstreams.default.host', '--upstream'],
  ['upstreams.default.port', '--upstream'],
  ['tls.certificates[0].certFile', '--certificate'],
  ['tls.certificates[0].keyFile', '--key'],
]);

/** The flag that gave the setting at `path`. */
export const flagOf = (path: string): string =>
  path.startsWith('domains') ? '--domains' : (flagOfPath.get(path) ?? path);

/** `name`, `name:25`, `192.0.2.1:25`, `[2001:db8::1]:25`, or an IPv6 address alone. */
function hostAndPort(text: string, defaultPort: number): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)|([^[\]]*:[^[\]]*:[^[\]]*))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? match?.[3];
  return host === undefined ? undefined : { host, port: match?.[4] === undefined ? defaultPort : Number(match[4]) };
}

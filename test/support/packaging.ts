import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { loadConfig } from '../../cli/config/load.ts';
import type { Config } from '../../cli/config/schema.ts';

const root = join(import.meta.dirname, '..', '..');
export const pathOf = (path: string): string => join(root, path);
export const textOf = (path: string): string => readFileSync(pathOf(path), 'utf8');
export const isThere = (path: string): boolean => existsSync(pathOf(path));

/** What tests look at of a service of docker-compose.yml. */
export interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string };
  readonly command?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly restart: string;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly mem_limit: string;
  readonly pids_limit: number;
  readonly stop_grace_period?: string;
  readonly profiles?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly volumes?: readonly string[];
  readonly networks?: Readonly<Record<string, { readonly ipv4_address?: string }>>;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<
    Record<
      string,
      { readonly internal?: boolean; readonly ipam?: { readonly config: readonly { readonly subnet: string }[] } }
    >
  >;
  readonly volumes: Readonly<Record<string, object>>;
}

export const composeText = textOf('docker-compose.yml');
export const compose = parse(composeText, { merge: true }) as Compose;
export const services = Object.entries(compose.services);

export function serviceOf(name: string): Service {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return service;
}

/** What `.env.example` says, by name. */
export const envExample: ReadonlyMap<string, string> = new Map(
  [...textOf('.env.example').matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
);

/** One mount of a service: a folder or file of the repository, or the name of a volume. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
}

/** `${NAME:-default}` counts as its default. */
export const mountsOf = ({ volumes = [] }: Service): readonly Mount[] =>
  volumes.map((text) => {
    const [source = '', target = '', mode] = text.replace(/\$\{\w+:-(\w+)\}/, '$1').split(':');
    return { source, target, isReadOnly: mode === 'ro' };
  });

/** A configuration of Postern in a file of the repository. */
export function configIn(path: string): Config {
  const loaded = loadConfig(textOf(path), path, process.env);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}

/** The file of the repository that a service mounts as its configuration. */
export function configFileOf(name: string): string {
  const service = serviceOf(name);
  const target = service.command?.[(service.command?.indexOf('--config') ?? 0) + 1];
  const mount = mountsOf(service).find((each) => each.target === target);
  if (mount === undefined) throw new Error(`${name} mounts nothing at ${target}`);
  return join(dirname(mount.source), mount.source.slice(mount.source.lastIndexOf('/') + 1)).replace(/^\.\//, '');
}

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { err, ok, type Result } from '../../lib/result.ts';
import type { CertificatePem } from '../../proxy/io/tls.ts';
import type { SecretReference } from '../config/fields.ts';
import type { CertificateConfig, Config } from '../config/schema.ts';
import { textOf } from './text-of.ts';

/** Largest certificate, key or secret file, octets. */
export const MATERIAL_OCTETS_MAX = 1_048_576;
/** How long before its end a certificate is complained of, milliseconds: 14 days. */
export const EXPIRY_WARNING_MS = 14 * 86_400_000;

/** What is wrong with a file that the configuration names. `path`: the setting that names it. */
export interface MaterialFault {
  readonly path: readonly PropertyKey[];
  readonly problem: string;
  readonly hint: string;
}

/** A certificate that is in use. */
export interface CertificateFacts {
  readonly path: readonly PropertyKey[];
  readonly file: string;
  /** End of its validity, milliseconds since 1970-01-01 UTC. */
  readonly untilMs: number;
}

/** What the files that the configuration names hold. */
export interface Material {
  readonly certificates: readonly CertificatePem[];
  readonly facts: readonly CertificateFacts[];
  /** PEM text of `caFile`, by the name of the upstream. */
  readonly trustedCertificates: ReadonlyMap<string, string>;
  /** Web address of the list of domains. */
  readonly domainsUrl: string | undefined;
}

type Read<T> = Result<T, MaterialFault>;

/** Reads certificates, keys and secrets; all that is wrong with them at once. */
export function readMaterial(config: Config, folder: string): Result<Material, readonly MaterialFault[]> {
  const faults: MaterialFault[] = [];
  const taken = <T>(read: Read<T>): T[] => {
    if (read.ok) return [read.value];
    faults.push(read.error);
    return [];
  };
  const pairs = config.tls.certificates.flatMap((certificate, index) =>
    taken(readCertificate(certificate, folder, ['tls', 'certificates', index])),
  );
  const trusted = Object.entries(config.upstreams).flatMap(([name, { caFile }]) => {
    const path = ['upstreams', name, 'caFile'];
    return caFile === undefined ? [] : taken(readTrusted(caFile, folder, path)).map((pem) => [name, pem] as const);
  });
  const { url } = config.domains;
  const domainsUrl = typeof url === 'object' ? taken(readUrl(url, folder, ['domains', 'url']))[0] : url;
  if (faults.length > 0) return err(faults);
  return ok({
    certificates: pairs.map(({ pem }) => pem),
    facts: pairs.map(({ facts }) => facts),
    trustedCertificates: new Map(trusted),
    domainsUrl,
  });
}

/** Files whose change means that {@link readMaterial} should be asked again. */
export const materialFiles = (config: Config, folder: string): readonly string[] =>
  config.tls.certificates.flatMap(({ certFile, keyFile }) => [resolve(folder, certFile), resolve(folder, keyFile)]);

export interface ReadCertificate {
  readonly pem: CertificatePem;
  readonly facts: CertificateFacts;
}

function readCertificate(
  { certFile, keyFile, keyPassphrase }: CertificateConfig,
  folder: string,
  path: readonly PropertyKey[],
): Read<ReadCertificate> {
  const file = resolve(folder, certFile);
  const certificate = readText(file, [...path, 'certFile']);
  if (!certificate.ok) return certificate;
  const key = readText(resolve(folder, keyFile), [...path, 'keyFile']);
  if (!key.ok) return key;
  const passphrase =
    keyPassphrase === undefined ? ok(undefined) : readSecret(keyPassphrase, folder, [...path, 'keyPassphrase']);
  if (!passphrase.ok) return passphrase;
  const parsed = attempt(() => new X509Certificate(certificate.value));
  if (!parsed.ok)
    return faultOf(
      [...path, 'certFile'],
      `is no certificate: ${parsed.error}`,
      'give a PEM file: -----BEGIN CERTIFICATE-----',
    );
  const opened = attempt(() =>
    createPrivateKey({ key: key.value, ...(passphrase.value === undefined ? {} : { passphrase: passphrase.value }) }),
  );
  if (!opened.ok)
    return faultOf(
      [...path, 'keyFile'],
      `is no private key: ${opened.error}`,
      'give a PEM file, and `keyPassphrase` if it has one',
    );
  if (!parsed.value.checkPrivateKey(opened.value)) {
    return faultOf(
      [...path, 'keyFile'],
      'is not the key of the certificate',
      'give the key that the certificate was made for',
    );
  }
  const pem = { certificate: certificate.value, key: opened.value.export({ type: 'pkcs8', format: 'pem' }).toString() };
  return ok({ pem, facts: { path: [...path, 'certFile'], file, untilMs: parsed.value.validToDate.getTime() } });
}

function readTrusted(file: string, folder: string, path: readonly PropertyKey[]): Read<string> {
  const text = readText(resolve(folder, file), path);
  if (!text.ok) return text;
  const parsed = attempt(() => new X509Certificate(text.value));
  return parsed.ok ? text : faultOf(path, `is no certificate: ${parsed.error}`, 'give a PEM file of certificates');
}

/** Where alerts are posted to. @returns undefined in it where they are not posted. */
export function readWebhook({ watch }: Config, folder: string): Read<string | undefined> {
  const { webhook } = watch.alerts;
  return typeof webhook === 'object' ? readUrl(webhook, folder, ['watch', 'alerts', 'webhook']) : ok(webhook);
}

/** A web address that is kept elsewhere, since it may hold a secret. */
function readUrl(reference: SecretReference, folder: string, path: readonly PropertyKey[]): Read<string> {
  const url = readSecret(reference, folder, path);
  if (!url.ok) return url;
  const isWeb = URL.canParse(url.value) && /^https?:$/.test(new URL(url.value).protocol);
  return isWeb
    ? url
    : faultOf(
        path,
        'what is kept there is no web address',
        'keep an address there that begins with https:// or http://',
      );
}

/** The password of the ClickHouse server; empty where none is needed. */
export function readStorePassword({ store }: Config, folder: string): Read<string> {
  return store.password === undefined ? ok('') : readSecret(store.password, folder, ['store', 'password']);
}

/** Files for TLS towards the brokers of Kafka. */
export interface KafkaTlsFiles {
  readonly ca: string | undefined;
  readonly own: ReadCertificate | undefined;
}

/** Files for TLS towards the brokers of Kafka; undefined where it is off. */
export function readKafkaTls({ log }: Config, folder: string): Read<KafkaTlsFiles | undefined> {
  const { kind, caFile, certFile, keyFile } = log.kafka.tls;
  const path = ['log', 'kafka', 'tls'];
  if (kind === 'off') return ok(undefined);
  const ca = caFile === undefined ? ok(undefined) : readTrusted(caFile, folder, [...path, 'caFile']);
  if (!ca.ok) return ca;
  const own =
    certFile === undefined || keyFile === undefined
      ? ok(undefined)
      : readCertificate({ certFile, keyFile }, folder, path);
  return own.ok ? ok({ ca: ca.value, own: own.value }) : own;
}

/** The password for the brokers of Kafka; undefined where the configuration names none. */
export function readKafkaPassword({ log }: Config, folder: string): Read<string | undefined> {
  const { password } = log.kafka;
  return password === undefined ? ok(undefined) : readSecret(password, folder, ['log', 'kafka', 'password']);
}

/** The password of the HTTP interface of the history; undefined where the configuration names none. */
export function readStoreHttpPassword({ store }: Config, folder: string): Read<string | undefined> {
  const { password } = store.http;
  return password === undefined ? ok(undefined) : readSecret(password, folder, ['store', 'http', 'password']);
}

/** A token of the console; undefined where the configuration names none. */
export function readWebToken(
  { web }: Config,
  folder: string,
  key: 'viewerToken' | 'operatorToken',
): Read<string | undefined> {
  const reference = web[key];
  return reference === undefined ? ok(undefined) : readSecret(reference, folder, ['web', key]);
}

/** The secret itself. It never goes into a message. */
function readSecret(reference: SecretReference, folder: string, path: readonly PropertyKey[]): Read<string> {
  if ('env' in reference) {
    const value = process.env[reference.env] ?? '';
    return value === ''
      ? faultOf([...path, 'env'], `the environment variable ${reference.env} is not set`, 'set it')
      : ok(value);
  }
  const text = readText(resolve(folder, reference.file), [...path, 'file']);
  if (!text.ok) return text;
  const secret = text.value.replace(/\r?\n$/, '');
  return secret === ''
    ? faultOf([...path, 'file'], 'the file of the secret is empty', 'write the secret into it')
    : ok(secret);
}

/** A file as text, if it can be read and is no giant. */
function readText(file: string, path: readonly PropertyKey[]): Read<string> {
  const read = attempt(() => {
    if (statSync(file).size > MATERIAL_OCTETS_MAX) throw new Error(`more than ${MATERIAL_OCTETS_MAX} octets`);
    return readFileSync(file, 'utf8');
  });
  return read.ok
    ? read
    : faultOf(path, `cannot be read: ${read.error}`, 'see that it is there and that Postern may read it');
}

function attempt<T>(work: () => T): Result<T, string> {
  try {
    return ok(work());
  } catch (error) {
    return err(textOf(error));
  }
}

const faultOf = (
  path: readonly PropertyKey[],
  problem: string,
  hint: string,
): { readonly ok: false; readonly error: MaterialFault } => err({ path, problem, hint });

/** Certificates that are over, and those that will be soon. */
export function expiryFindings(
  facts: readonly CertificateFacts[],
  nowMs: number,
): { readonly over: readonly MaterialFault[]; readonly soon: readonly MaterialFault[] } {
  const hint = 'renew it; a renewed file is taken without a restart';
  const about = (verb: string, which: readonly CertificateFacts[]): MaterialFault[] =>
    which.map(({ path, untilMs }) => {
      return { path, problem: `the certificate ${verb} on ${new Date(untilMs).toISOString().slice(0, 10)}`, hint };
    });
  return {
    over: about(
      'ended',
      facts.filter(({ untilMs }) => untilMs <= nowMs),
    ),
    soon: about(
      'ends',
      facts.filter(({ untilMs }) => untilMs > nowMs && untilMs - nowMs <= EXPIRY_WARNING_MS),
    ),
  };
}

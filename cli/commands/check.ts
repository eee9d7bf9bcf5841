import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Result } from '../../lib/result.ts';
import { parseDomainList } from '../../proxy/domain-list.ts';
import type { ListFault } from '../../proxy/list-lines.ts';
import { parseRecipientList } from '../../proxy/recipient-list.ts';
import { type Fault, formatFault, inFileOrder, pathText } from '../config/fault.ts';
import { configFlags, flagOf } from '../config/from-flags.ts';
import { readSource } from '../config/source.ts';
import { EXIT_FAULT, EXIT_OK, EXIT_USAGE, runCommand, type Usage } from '../flags.ts';
import { type ConfigFailure, type Configured, readConfiguration } from '../io/config-file.ts';
import { readCountryFile } from '../io/country-file.ts';
import {
  type CertificateFacts,
  expiryFindings,
  type MaterialFault,
  readKafkaPassword,
  readKafkaTls,
  readMaterial,
  readWebhook,
} from '../io/material.ts';
import { textOf } from '../io/text-of.ts';
import { providersOf } from '../watch/watch-settings.ts';

const usage = {
  verb: 'check',
  summary: 'checks the configuration and the files it names',
  details:
    'Shows every fault at once, with its line and column. Exit code 1 if there is one. Nothing is opened or changed.',
  flags: { ...configFlags, json: { text: 'One JSON object: ok, faults, warnings.' } },
} as const satisfies Usage;

/** Most faults of one list that are shown. */
const LIST_FAULTS_SHOWN = 20;

export const run = (argv: readonly string[]): Promise<number> =>
  runCommand(usage, argv, async (values) => {
    const configured = readConfiguration(values);
    if (!configured.ok && configured.error.kind === 'usage') {
      process.stderr.write(`postern: ${configured.error.reason}\n`);
      return EXIT_USAGE;
    }
    const { faults, warnings } = configured.ok ? checkFiles(configured.value) : failed(configured.error);
    const name = configured.ok ? (configured.value.file ?? 'the command line') : '';
    const text = values.json === true ? asJson(faults, warnings) : asText(faults, warnings, name);
    process.stdout.write(text);
    return faults.length === 0 ? EXIT_OK : EXIT_FAULT;
  });

interface Findings {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
}

function failed(failure: ConfigFailure): Findings {
  if (failure.kind === 'faults') return { faults: failure.faults, warnings: [] };
  return { faults: [{ at: undefined, path: '', problem: failure.reason, hint: '' }], warnings: [] };
}

/** What can only be said with the files at hand. */
function checkFiles(configured: Configured): Findings {
  const { config, folder, file, text } = configured;
  const source = file === undefined ? undefined : readSource(text, file);
  const placed = ({ path, problem, hint }: MaterialFault): Fault => ({
    at: source?.placeOf(path, 'value'),
    path: source === undefined ? flagOf(pathText(path)) : pathText(path),
    problem,
    hint,
  });
  const material = readMaterial(config, folder);
  const kafka = kafkaFindings(configured);
  const ends = expiryFindings([...(material.ok ? material.value.facts : []), ...kafka.facts], Date.now());
  const faults = [
    ...(material.ok ? [] : material.error),
    ...kafka.faults,
    ...ends.over,
    ...listFaults(configured),
    ...watchFaults(configured),
    ...countryFaults(configured),
  ];
  return { faults: inFileOrder(faults.map(placed)), warnings: inFileOrder(ends.soon.map(placed)) };
}

function listFaults({ config, folder }: Configured): MaterialFault[] {
  const { domains, recipients } = config;
  const delimiter = recipients.subaddressDelimiter;
  return [
    ...faultsOfList(domains.file, ['domains', 'file'], folder, (text) => parseDomainList(text)),
    ...faultsOfList(recipients.file, ['recipients', 'file'], folder, (text) => parseRecipientList(text, { delimiter })),
  ];
}

/** What would keep us from the brokers; whether they are there is not for a check. */
function kafkaFindings({ config, folder }: Configured): {
  readonly faults: readonly MaterialFault[];
  readonly facts: readonly CertificateFacts[];
} {
  if (config.log.kind !== 'kafka') return { faults: [], facts: [] };
  const [tls, password] = [readKafkaTls(config, folder), readKafkaPassword(config, folder)];
  return {
    faults: [...(tls.ok ? [] : [tls.error]), ...(password.ok ? [] : [password.error])],
    facts: tls.ok && tls.value?.own !== undefined ? [tls.value.own.facts] : [],
  };
}

/** What would keep the analyzers from starting. */
function watchFaults({ config, folder }: Configured): MaterialFault[] {
  const webhook = readWebhook(config, folder);
  const providers = providersOf(config, folder);
  const path = ['watch', 'providersFile'];
  return [
    ...(webhook.ok ? [] : [webhook.error]),
    ...(providers.ok ? [] : [{ path, problem: providers.error, hint: 'one range a line, as 192.0.2.0/24' }]),
  ];
}

/** What would leave the history without countries. */
function countryFaults({ config, folder }: Configured): MaterialFault[] {
  const { file } = config.store.countries;
  const countries = file === undefined ? undefined : readCountryFile(resolve(folder, file));
  if (countries === undefined || countries.ok) return [];
  const hint = 'give a MaxMind DB that Postern may read, such as GeoLite2-Country.mmdb';
  return [{ path: ['store', 'countries', 'file'], problem: countries.error, hint }];
}

function faultsOfList(
  file: string | undefined,
  path: readonly PropertyKey[],
  folder: string,
  parse: (text: string) => Result<unknown, readonly ListFault[]>,
): MaterialFault[] {
  if (file === undefined) return [];
  try {
    const parsed = parse(readFileSync(resolve(folder, file), 'utf8'));
    if (parsed.ok) return [];
    return parsed.error.slice(0, LIST_FAULTS_SHOWN).map(({ line, reason }) => ({
      path,
      problem: line === 0 ? reason : `${file} line ${line}: ${reason}`,
      hint: '',
    }));
  } catch (error) {
    return [
      { path, problem: `cannot be read: ${textOf(error)}`, hint: 'see that it is there and that Postern may read it' },
    ];
  }
}

function asText(faults: readonly Fault[], warnings: readonly Fault[], name: string): string {
  const lines = [...faults.map(formatFault), ...warnings.map((warning) => `warning: ${formatFault(warning)}`)];
  if (faults.length === 0) lines.push(`${name} is in order`);
  else lines.push(faults.length === 1 ? '1 fault' : `${faults.length} faults`);
  return `${lines.join('\n')}\n`;
}

function asJson(faults: readonly Fault[], warnings: readonly Fault[]): string {
  const flat = ({ at, path, problem, hint }: Fault): object => ({ ...at, path, problem, hint });
  return `${JSON.stringify({ ok: faults.length === 0, faults: faults.map(flat), warnings: warnings.map(flat) })}\n`;
}

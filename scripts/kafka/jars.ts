import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The release of Apache Kafka that tests run against. */
export const KAFKA_VERSION = '4.3.1';
/** Longest time for 44 MB from Maven Central, milliseconds. */
const FETCH_MS_MAX = 600_000;

const POM = fileURLToPath(new URL('pom.xml', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

/** The jars of a release, fetched from Maven Central where they are not there yet; `KAFKA_VERSION` names another one. @returns Their folder. */
export function kafkaJars(version = process.env['KAFKA_VERSION'] ?? KAFKA_VERSION): Promise<string> {
  return jarsOf('kafka', version, POM);
}

/** The jars that a POM names, in which `<name>.version` stands for the release; fetched where they are not there yet. @returns Their folder. */
export async function jarsOf(name: string, version: string, pom: string): Promise<string> {
  const folder = join(CACHE, name, version);
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${draft}`, '-DincludeScope=runtime'];
  await promisify(execFile)('mvn', ['-q', '-B', '-f', pom, `-D${name}.version=${version}`, ...goal], {
    timeout: FETCH_MS_MAX,
  });
  try {
    renameSync(draft, folder);
  } catch (error) {
    // Another one may have fetched them meanwhile.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

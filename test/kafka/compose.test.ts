import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { kafkaJars } from '../../scripts/kafka/jars.ts';
import { describeNeeds } from '../support/needs.ts';
import { serviceOf } from '../support/packaging.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** As the image of Kafka does it before it starts: variables become `server.properties`, and storage is formatted by them. */
async function setUpBy(environment: Readonly<Record<string, string>>): Promise<{ readonly properties: string }> {
  const folder = temporaryDirectory();
  const [defaults, mounted, final] = ['default', 'mounted', 'final'].map((name) => join(folder, name));
  for (const each of [defaults, mounted, final]) mkdirSync(each ?? '');
  const logging = 'Configuration: { Loggers: { Root: { level: WARN }, Logger: [] } }\n';
  for (const name of ['log4j2.yaml', 'tools-log4j2.yaml']) writeFileSync(join(defaults ?? '', name), logging);
  writeFileSync(join(defaults ?? '', 'server.properties'), '');
  await promisify(execFile)(
    'java',
    [
      ...['-cp', join(await kafkaJars(), '*'), 'kafka.docker.KafkaDockerWrapper', 'setup'],
      ...['--default-configs-dir', defaults ?? '', '--mounted-configs-dir', mounted ?? ''],
      ...['--final-configs-dir', final ?? ''],
    ],
    { env: { PATH: process.env['PATH'], CLUSTER_ID: '5L6g3nShT-eMCtK--X86sw', ...environment } },
  );
  return { properties: readFileSync(join(final ?? '', 'server.properties'), 'utf8') };
}

describeNeeds(['java', 'mvn'], 'Kafka of docker-compose.yml', () => {
  test('the variables of docker-compose.yml are all that a broker needs', async () => {
    const data = join(temporaryDirectory(), 'data');
    const variables = Object.entries(serviceOf('kafka').environment ?? {}).map(([name, value]) => [
      name,
      String(value),
    ]);
    const environment = { ...Object.fromEntries(variables), KAFKA_LOG_DIRS: data };
    const { properties } = await setUpBy(environment);
    expect(readFileSync(join(data, 'meta.properties'), 'utf8')).toMatch(/^node\.id=1$/m);
    const made = properties.split('\n').filter((line) => line !== '');
    // Those of the Java machine are none of the broker.
    expect(made).toHaveLength(variables.filter(([name]) => !name?.endsWith('_OPTS')).length);
    expect(made).toContain('auto.create.topics.enable=false');
    const { KAFKA_NODE_ID: _, ...fewer } = environment;
    await expect(setUpBy(fewer)).rejects.toThrow();
  });
});

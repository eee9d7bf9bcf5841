import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readConfiguration } from '../../cli/io/config-file.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test.each([
  ['site.key', (folder: string) => join(folder, 'site.key')],
  ['/etc/postern/site.key', () => '/etc/postern/site.key'],
  [undefined, () => undefined],
])('paths start at the folder of the configuration, not where the command runs: %s', (secretFile, path) => {
  const folder = temporaryDirectory();
  const file = join(folder, 'postern.yaml');
  writeFileSync(
    file,
    stringify({
      dataDirectory: 'data',
      listeners: [{ role: 'mx', withoutCertificate: true }],
      upstreams: { default: { host: '192.0.2.10' } },
      domains: { names: ['example.com'] },
      privacy: { secretFile },
    }),
  );
  const configured = readConfiguration({ config: file });
  expect(configured).toMatchObject({ ok: true, value: { config: { dataDirectory: join(folder, 'data') } } });
  expect(configured.ok && configured.value.config.privacy.secretFile).toBe(path(folder));
});

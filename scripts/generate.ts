import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { renderScenarioDocs } from '../analyzers/docs.ts';
import { renderConfigDocs } from '../cli/config/document.ts';
import { configJsonSchema } from '../cli/config/json-schema.ts';
import { renderEventDocs } from '../events/docs.ts';
import { renderRuleDocs } from '../proxy/policy/docs.ts';
import { pageFiles } from './console-page.ts';
import { dashboardFiles } from './grafana/dashboards.ts';
import { provisioningFiles } from './grafana/provisioning.ts';

/** Files that are made from the code: `node scripts/generate.ts` writes them, `--check` fails where one is not up to date. */
const generated: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': renderConfigDocs,
  'docs/postern.schema.json': () => `${JSON.stringify(configJsonSchema, null, 2)}\n`,
  'docs/events.md': renderEventDocs,
  'docs/rules.md': renderRuleDocs,
  'docs/scenarios.md': renderScenarioDocs,
  ...dashboardFiles,
  ...provisioningFiles,
  ...pageFiles,
};

const root = new URL('../', import.meta.url);
const isCheck = process.argv.includes('--check');

function present(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch {
    return undefined;
  }
}

const stale = Object.entries(generated)
  .map(([path, render]) => ({ path, text: render() }))
  .filter(({ path, text }) => present(path) !== text);

for (const { path, text } of stale) {
  if (isCheck) process.stderr.write(`${path} is not up to date: run npm run generate\n`);
  else {
    mkdirSync(new URL('.', new URL(path, root)), { recursive: true });
    writeFileSync(new URL(path, root), text);
    process.stdout.write(`wrote ${path}\n`);
  }
}
if (isCheck && stale.length > 0) process.exitCode = 1;

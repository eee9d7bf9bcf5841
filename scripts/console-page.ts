import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** What the console serves of others, with the licence: a page that asks no other host has its own copy. */

const uplot = (file: string): string =>
  readFileSync(
    createRequire(import.meta.url)
      .resolve('uplot')
      .replace(/dist\/.*$/, file),
    'utf8',
  );

const withLicence = (file: string): string =>
  `/*\n * uPlot, ${file}: copied by scripts/generate.ts.\n *\n${uplot('LICENSE')
    .trimEnd()
    .split('\n')
    .map((line) => ` * ${line}`.trimEnd())
    .join('\n')}\n */\n\n${uplot(file).trimEnd()}\n`;

export const pageFiles: Readonly<Record<string, () => string>> = {
  'console/page/uplot.js': () => withLicence('dist/uPlot.esm.js'),
  'console/page/uplot.css': () => withLicence('dist/uPlot.min.css'),
};

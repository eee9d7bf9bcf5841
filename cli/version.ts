import { readFileSync } from 'node:fs';

/** Read with this module: an upgrade may put another one there, and who has given up root may not be able to read it. */
const running = versionIn(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The version of Postern that runs, from `package.json`. */
export const version = (): string => running;

function versionIn(text: string): string {
  const manifest: unknown = JSON.parse(text);
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}

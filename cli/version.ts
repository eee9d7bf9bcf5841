import { readFileSync } from 'node:fs';

/** What runs, not what an upgrade has put there since; and who has given up root may not be able to read it later. */
let running: string | undefined;

/** The version of Postern, from `package.json` as it was at the first call. */
export function version(): string {
  running ??= versionIn(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return running;
}

function versionIn(text: string): string {
  const manifest: unknown = JSON.parse(text);
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}

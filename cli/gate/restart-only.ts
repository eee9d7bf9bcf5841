import type { Config } from '../config/schema.ts';

/** Settings that are read only when a process starts. */
export const restartOnly = [
  'dataDirectory',
  'site',
  'gate',
  'log',
  'store',
  'siem',
  'http',
  'run',
  'privacy',
] as const satisfies (keyof Config)[];

/** The settings of those that a reload would change. */
export const changedRestartOnly = (before: Config, after: Config): readonly (typeof restartOnly)[number][] =>
  restartOnly.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));

/** The new configuration without what takes a restart. */
export const withoutRestartOnly = (before: Config, after: Config): Config => ({
  ...after,
  ...Object.fromEntries(restartOnly.map((key) => [key, before[key]])),
});

import type { Config } from './schema.ts';

/** Variables of the process; a secret may stand in one. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Parts of a configuration that are valid by themselves, whatever is wrong with the others. */
export type PartialConfig = Partial<Omit<Config, 'listeners'>> & {
  /** Sparse: a listener that is not valid leaves a hole, so that the others keep their index. */
  readonly listeners: readonly (Config['listeners'][number] | undefined)[];
};

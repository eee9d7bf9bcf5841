import { resolve } from 'node:path';
import type { DecisionMade } from '../../events/decision.ts';
import type { ConfigFlagValues } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import { modesAnswer, readAnswer } from '../gate/management.ts';
import { readConfiguration } from '../io/config-file.ts';
import { askLine } from '../io/line-socket.ts';

/** Whether a decision only observes; null: that is not known. */
export type Observed = boolean | null;

/** What is known of the modes of the scenarios. */
export interface ModesInUse {
  /** Where that is from: the configuration, the gate that runs, or nowhere. */
  readonly source: 'configuration' | 'gate' | 'unknown';
  readonly isObserved: (decision: Pick<DecisionMade, 'origin' | 'scenario'>) => Observed;
}

/** Modes by scenario; one that is not named observes. */
type Modes = Readonly<Record<string, string>>;

/** @param modes - Undefined: they are not known. */
export const modesOf = (source: ModesInUse['source'], modes: Modes | undefined): ModesInUse => ({
  source,
  isObserved: ({ origin, scenario }) =>
    origin === 'analyzer' && (modes === undefined ? null : modes[scenario] !== 'enforce'),
});

/**
 * Which decisions only observe: by the configuration, or where none is named, or it cannot be used, by what the gate of the data
 * directory says. What people decide acts in any case.
 */
export async function modesInUse(
  flags: Pick<ConfigFlagValues, 'config' | 'data'>,
  dataDirectory: string,
): Promise<ModesInUse> {
  const configured = configuredModes(flags);
  if (configured !== undefined) return modesOf('configuration', configured);
  const line = await askLine(placesIn(dataDirectory).gateSocket, JSON.stringify({ verb: 'modes' }));
  const answer = line.ok ? readAnswer(modesAnswer, line.value) : undefined;
  return answer?.ok === true ? modesOf('gate', answer.scenarios) : modesOf('unknown', undefined);
}

/** A configuration that nobody named is that of the data directory only if it says so: there may be several installations. */
function configuredModes({ config, data }: Pick<ConfigFlagValues, 'config' | 'data'>): Modes | undefined {
  const configured = readConfiguration(config === undefined ? {} : { config });
  if (!configured.ok) return undefined;
  const { dataDirectory, watch } = configured.value.config;
  const isMeant = config !== undefined || data === undefined || dataDirectory === resolve(data);
  return isMeant ? watch.scenarios : undefined;
}

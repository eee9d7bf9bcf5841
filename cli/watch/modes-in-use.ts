import type { DecisionMade } from '../../events/decision.ts';
import type { ConfigFlagValues } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import { modesAnswer, readAnswer } from '../gate/management.ts';
import { configurationOf } from '../io/config-file.ts';
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
  const configured = configurationOf(flags);
  if (configured !== undefined) return modesOf('configuration', configured.config.watch.scenarios);
  const line = await askLine(placesIn(dataDirectory).gateSocket, JSON.stringify({ verb: 'modes' }));
  const answer = line.ok ? readAnswer(modesAnswer, line.value) : undefined;
  return answer?.ok === true ? modesOf('gate', answer.scenarios) : modesOf('unknown', undefined);
}

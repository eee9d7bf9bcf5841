import type { DecisionMade } from '../../events/decision.ts';
import type { ConfigFlagValues } from '../config/from-flags.ts';
import { readConfiguration } from '../io/config-file.ts';

/** Which decisions only observe, by the configuration in use; where there is none to be found, all of the analyzers do. */
export function observedBy(
  flags: Pick<ConfigFlagValues, 'config' | 'data'>,
): (decision: Pick<DecisionMade, 'origin' | 'scenario'>) => boolean {
  const configured = readConfiguration(flags);
  const modes: Readonly<Record<string, string>> = configured.ok ? configured.value.config.watch.scenarios : {};
  return ({ origin, scenario }) => origin === 'analyzer' && modes[scenario] !== 'enforce';
}

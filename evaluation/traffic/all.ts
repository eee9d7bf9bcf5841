import type { TrafficScenario } from './actor.ts';
import { attacks, attacksLast } from './attacks.ts';
import { background, honest, honestLast } from './benign.ts';

/**
 * Everybody at a site. A scenario draws its networks and its chances after those before it, so a new one comes last: what the
 * others do for a seed stays as it was.
 */
export const everyone: readonly TrafficScenario[] = [background, ...honest, ...attacks, ...honestLast, ...attacksLast];

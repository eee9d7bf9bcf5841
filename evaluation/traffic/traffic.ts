import type { MailEvent } from '../../events/event.ts';
import type { Planned, TrafficScenario } from './actor.ts';
import { inOrder, played } from './merge.ts';
import { Random } from './random.ts';
import type { World } from './world.ts';

/** Sessions of all scenarios in the order of time; the same for one seed. */
export function sessionsOf(world: World, scenarios: readonly TrafficScenario[], seed: number): Generator<Planned> {
  let stream = 0;
  const actors = scenarios.flatMap((scenario) =>
    scenario.actors(world).map((actor) => {
      stream += 1;
      return actor(world, new Random(seed, 1000 + stream));
    }),
  );
  return inOrder(actors);
}

/** All that happens where nobody keeps anybody out. */
export function* undefended(
  world: World,
  scenarios: readonly TrafficScenario[],
  seed: number,
): Generator<MailEvent, void> {
  for (const [, event] of played(sessionsOf(world, scenarios, seed), () => true)) yield event;
}

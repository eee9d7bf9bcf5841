import { expect, test } from 'vitest';
import { replayTable } from '../../evaluation/replay-check.ts';
import { everyone } from '../../evaluation/traffic/all.ts';
import { undefended } from '../../evaluation/traffic/traffic.ts';
import { DAY_MS, World } from '../../evaluation/traffic/world.ts';
import { START_MS } from '../support/watch.ts';

test('the same decisions, however the events come: again, from snapshots, twice, by partition', () => {
  const span = { startMs: START_MS, attacksMs: START_MS + DAY_MS / 2, endMs: START_MS + 2 * DAY_MS };
  const some = everyone.filter(({ id }) => ['background', 'B9', 'A2', 'A14', 'A18', 'A20', 'A29'].includes(id));
  const events = [...undefended(new World(5, 'S', span), some, 5)];
  expect(events.length).toBeGreaterThan(20_000);
  const { text, isSame } = replayTable(events);
  expect(text).toMatch(/^sources +as they came +\d\d+ decisions {2}[0-9a-f]{16}$/m);
  expect(text).toMatch(/^the site +each once more, 100 events later +\d+ decisions/m);
  expect(isSame, text).toBe(true);
}, 60_000);

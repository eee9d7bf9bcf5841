import { expect, test } from 'vitest';
import type { EventByType } from '../../events/event.ts';
import { MANY_SOURCES, REFUSALS_KEYS_MAX, REFUSALS_WINDOW_MS, RefusalCounter } from '../../proxy/io/refusals.ts';
import { sessionSettings } from '../support/gate.ts';
import { ManualClock } from '../support/manual-clock.ts';

function makeCounter() {
  const clock = new ManualClock();
  const events: EventByType<'refusals'>[] = [];
  const counter = new RefusalCounter(clock, (event) => events.push(event));
  const settings = sessionSettings({ listener: { name: 'mx', role: 'mx' } });
  return { clock, counter, events, settings };
}

test('refusals of one source by one rule are one event a window', () => {
  const { clock, counter, events, settings } = makeCounter();
  for (let round = 0; round < 500; round += 1) counter.count(settings, '192.0.2.1', 'limits.rate', 'close');
  counter.count(settings, '192.0.2.1', 'limits.total', 'close');
  counter.count(settings, '192.0.2.2', 'limits.rate', 'close');
  clock.advance(REFUSALS_WINDOW_MS - 1);
  expect(events).toEqual([]);
  clock.advance(1);
  expect(events.map(({ ip, rule, count }) => [ip, rule, count])).toEqual([
    ['192.0.2.1', 'limits.rate', 500],
    ['192.0.2.1', 'limits.total', 1],
    ['192.0.2.2', 'limits.rate', 1],
  ]);
  expect(events[0]).toMatchObject({
    type: 'refusals',
    listener: 'mx',
    role: 'mx',
    action: 'close',
    windowMs: REFUSALS_WINDOW_MS,
  });
});

test('a new window begins with the next refusal', () => {
  const { clock, counter, events, settings } = makeCounter();
  counter.count(settings, '192.0.2.1', 'limits.rate', 'close');
  clock.advance(REFUSALS_WINDOW_MS * 3);
  counter.count(settings, '192.0.2.1', 'limits.rate', 'close');
  clock.advance(REFUSALS_WINDOW_MS);
  expect(events.map(({ count }) => count)).toEqual([1, 1]);
  expect(clock.timers.size).toBe(0);
});

test('sources beyond the table are counted together, none is lost', () => {
  const { clock, counter, events, settings } = makeCounter();
  for (let source = 0; source < REFUSALS_KEYS_MAX + 100; source += 1) {
    counter.count(settings, `2001:db8::${source.toString(16)}`, 'limits.rate', 'close');
  }
  clock.advance(REFUSALS_WINDOW_MS);
  expect(events).toHaveLength(REFUSALS_KEYS_MAX + 1);
  expect(events.find(({ ip }) => ip === MANY_SOURCES)?.count).toBe(100);
});

test('flush records what was counted so far', () => {
  const { counter, events, settings } = makeCounter();
  counter.count(settings, '192.0.2.1', 'limits.rate', 'close');
  counter.flush();
  expect(events).toHaveLength(1);
  counter.flush();
  expect(events).toHaveLength(1);
});

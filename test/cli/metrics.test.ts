import { expect, test } from 'vitest';
import { type MetricSources, Metrics } from '../../cli/io/metrics.ts';
import { aDecision, blocklistOf } from '../support/decisions.ts';

const upToDate = { behindSeconds: 0, unseen: new Map<string, number>() };

const sources = (change: Partial<MetricSources> = {}): MetricSources => ({
  version: '1.2.3',
  stats: () => ({
    sessions: 0,
    sessionsOpened: 0,
    refused: 0,
    restrained: new Map(),
    crashed: 0,
    upstreamConnections: 0,
    nameless: 0,
  }),
  recorder: { counters: { recorded: 0, acknowledged: 0, dropped: 0, queued: 0 }, failing: undefined, pressure: 0 },
  lists: () => [],
  certificates: () => [],
  panic: () => false,
  draining: () => false,
  readers: { analyzers: upToDate, store: undefined, ship: undefined },
  blocklist: blocklistOf([]),
  breakerOpen: () => false,
  ...change,
});

/** The lines of one metric, without their help. */
async function linesOf(name: string, change: Partial<MetricSources>): Promise<readonly string[]> {
  const text = await new Metrics(sources(change)).registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
}

test('decisions in force are shown by scope, action and mode', async () => {
  const blocklist = blocklistOf(
    [
      aDecision(),
      aDecision({ value: '198.51.100.8', id: 'other' }),
      aDecision({ value: '198.51.100.0/24', scenario: 'observed', action: 'defer' }),
    ],
    ['observed'],
  );
  expect(await linesOf('postern_decisions_in_force', { blocklist })).toEqual([
    'postern_decisions_in_force{scope="ip",action="refuse",mode="enforce"} 2',
    'postern_decisions_in_force{scope="range",action="defer",mode="observe"} 1',
  ]);
});

test.each([
  { tripped: true, shown: 1 },
  { tripped: false, shown: 0 },
])('a growth breaker that is tripped ($tripped) is shown as $shown', async ({ tripped, shown }) => {
  const blocklist = { held: () => [], leftOutCount: 7 };
  const breakerOpen = (): boolean => tripped;
  expect(await linesOf('postern_growth_breaker_open', { breakerOpen })).toEqual([
    `postern_growth_breaker_open ${shown}`,
  ]);
  expect(await linesOf('postern_decisions_left_out_total', { blocklist })).toEqual([
    'postern_decisions_left_out_total 7',
  ]);
});

test('what decisions did is shown by scenario and action', async () => {
  const restrained = new Map([
    ['recipient-harvest\nslow', 3],
    ['operator\nrefuse', 1],
  ]);
  const stats = () => ({ ...sources().stats(), restrained });
  expect(await linesOf('postern_restrained_total', { stats })).toEqual([
    'postern_restrained_total{scenario="recipient-harvest",action="slow"} 3',
    'postern_restrained_total{scenario="operator",action="refuse"} 1',
  ]);
});

test('how far the analyzers are behind is shown in seconds, and in records for each watch', async () => {
  const analyzers = {
    behindSeconds: 7.5,
    unseen: new Map([
      ['events-0', 12],
      ['site', 0],
    ]),
  };
  expect(
    await linesOf('postern_analyzers_behind_seconds', { readers: { analyzers, store: undefined, ship: undefined } }),
  ).toEqual(['postern_analyzers_behind_seconds 7.5']);
  expect(
    await linesOf('postern_analyzers_unseen_records', { readers: { analyzers, store: undefined, ship: undefined } }),
  ).toEqual([
    'postern_analyzers_unseen_records{watch="events-0"} 12',
    'postern_analyzers_unseen_records{watch="site"} 0',
  ]);
});

test('how far the store is behind is shown where there is one', async () => {
  expect(await linesOf('postern_store_behind_seconds', {})).toEqual([]);
  const store = {
    behindSeconds: 61,
    unseen: new Map([
      ['events-0', 12],
      ['events-1', 30],
    ]),
  };
  const readers = { analyzers: upToDate, store, ship: undefined };
  expect(await linesOf('postern_store_behind_seconds', { readers })).toEqual(['postern_store_behind_seconds 61']);
  expect(await linesOf('postern_store_unseen_records', { readers })).toEqual(['postern_store_unseen_records 42']);
});

test('where the log is sent on, it is shown how far; analyzers that run elsewhere are not', async () => {
  const ship = { behindSeconds: 12, unseen: new Map([['events-0', 3]]) };
  const readers = { analyzers: undefined, store: undefined, ship };
  expect(await linesOf('postern_analyzers_behind_seconds', { readers })).toEqual([]);
  expect(await linesOf('postern_ship_behind_seconds', { readers })).toEqual(['postern_ship_behind_seconds 12']);
  expect(await linesOf('postern_ship_unsent_records', { readers })).toEqual(['postern_ship_unsent_records 3']);
});

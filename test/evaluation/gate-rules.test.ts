import { expect, test } from 'vitest';
import { GateRules } from '../../evaluation/defenders/gate-rules.ts';
import { Random } from '../../evaluation/traffic/random.ts';
import { type Caller, SessionScript } from '../../evaluation/traffic/session-script.ts';
import type { MailEvent } from '../../events/event.ts';
import { aDecision, blocklistOf } from '../support/decisions.ts';
import { START_MS } from '../support/watch.ts';

const guessed = aDecision({ scope: 'site', value: 'site', action: 'stress', scenario: 'auth-guessing', level: 0 });
const flooded = aDecision({
  scope: 'domain',
  value: 'example.com',
  action: 'verify-bounces',
  scenario: 'bounce-flood',
  level: 0,
});
const left = aDecision({ scope: 'account', value: 'alice', action: 'slow', scenario: 'account-takeover', level: 0 });

const random = new Random(1);
const session = (more: Partial<Caller> = {}) =>
  new SessionScript({ ip: '198.51.100.7', atMs: START_MS, role: 'submission', ...more }, random).hello();

/** What becomes of the commands that are not simply passed, and the events of those. */
const meets = (rules: GateRules, events: readonly MailEvent[]) =>
  events.map((event) => rules.meet(event)).filter(({ how }) => how !== 'passed');

test('while passwords are guessed AUTH of a stranger waits, and after a failure gets 454 without an attempt', () => {
  const rules = new GateRules(blocklistOf([guessed]));
  const fails = (atMs: number) => session({ atMs }).authenticate('alice', 1, 'refused').quit();
  expect(meets(rules, fails(START_MS))).toMatchObject([{ how: 'held', event: { outcome: 'refused' } }]);
  const [attempt, command] = meets(rules, fails(START_MS + 60_000));
  expect(attempt).toMatchObject({ how: 'deferred', event: { type: 'auth-attempt', outcome: 'deferred' } });
  expect(attempt?.event).not.toHaveProperty('code');
  expect(command).toMatchObject({
    how: 'deferred',
    event: { verb: 'AUTH', verdict: { action: 'defer', rule: 'auth.guarded' }, reply: { code: 454, from: 'gate' } },
  });
  expect(meets(rules, fails(START_MS + 700_000))).toMatchObject([{ how: 'held' }]);
});

test('without a decision nothing happens; an account that left its habit is slowed, its owner too', () => {
  const enters = session().authenticate('alice', 1, 'accepted').quit();
  expect(meets(new GateRules(blocklistOf([])), enters)).toEqual([]);
  expect(meets(new GateRules(blocklistOf([left])), enters)).toMatchObject([{ how: 'held' }]);
  const byGuessers = new GateRules(blocklistOf([{ ...left, scenario: 'auth-guessing' }]));
  byGuessers.meet(enters.find(({ type }) => type === 'auth-attempt') as MailEvent);
  expect(meets(byGuessers, enters)).toEqual([]);
});

test('bounces to addresses that do not exist get 451 while a flood of them is on; other mail and other domains do not', () => {
  const rules = new GateRules(blocklistOf([flooded]));
  const asks = (reversePath: string, forwardPath: string, reply: 'known' | 'unknown') =>
    meets(rules, session({ role: 'mx' }).mail(reversePath).recipient(forwardPath, reply).quit());
  expect(asks('', 'x@example.com', 'unknown')).toMatchObject([
    { how: 'deferred', event: { verdict: { rule: 'bounce.unverified' }, reply: { code: 451 } } },
  ]);
  expect(asks('', 'anna@example.com', 'known')).toEqual([]);
  expect(asks('', 'x@example.org', 'unknown')).toEqual([]);
  expect(asks('a@b.example', 'x@example.com', 'unknown')).toEqual([]);
});

import { expect, test } from 'vitest';
import { FAULTS_TOLD_MAX, KafkaTroubles, TROUBLE_MS } from '../../log/kafka-troubles.ts';

function listened(): { readonly troubles: KafkaTroubles; readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    troubles: new KafkaTroubles({ away: (fault) => told.push(fault), back: () => told.push('back') }),
  };
}

test('what fails for a short while is not told, and what goes on failing once', () => {
  const { troubles, told } = listened();
  troubles.failed('append', 'closed', 0, TROUBLE_MS - 1);
  expect([troubles.isWell, told]).toEqual([false, []]);
  troubles.worked('append');
  expect([troubles.isWell, told]).toEqual([true, []]);
  for (let nowMs = 10_000; nowMs < 100_000; nowMs += 500) troubles.failed('append', 'closed', nowMs, nowMs);
  expect(told).toEqual(['closed']);
  troubles.worked('append');
  troubles.worked('append');
  expect(told).toEqual(['closed', 'back']);
});

test('a question that took long before it failed is told at once', () => {
  const { troubles, told } = listened();
  troubles.failed('events 0', 'silent', 0, TROUBLE_MS);
  expect(told).toEqual(['silent']);
});

test('while one thing fails others may work: nothing is back before it is', () => {
  const { troubles, told } = listened();
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 500) {
    troubles.failed('append', 'may not', nowMs, nowMs);
    troubles.worked('decisions 0');
  }
  expect(told).toEqual(['may not']);
  troubles.worked('append');
  expect(told).toEqual(['may not', 'back']);
});

test('another fault is told too, once each, as often as it changes', () => {
  const { troubles, told } = listened();
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 500) troubles.failed('append', `${(nowMs / 500) % 3}`, 0, nowMs);
  expect(told.toSorted()).toEqual(['0', '1', '2']);
});

test('faults that never repeat come to an end', () => {
  const { troubles, told } = listened();
  for (let nowMs = TROUBLE_MS; nowMs < TROUBLE_MS + 1000; nowMs += 1) troubles.failed('append', `${nowMs}`, 0, nowMs);
  expect(told).toHaveLength(FAULTS_TOLD_MAX);
});

test('what nobody asks for any more does not fail, and is no proof that all is well', () => {
  const { troubles, told } = listened();
  troubles.failed('question 1', 'away', 0, TROUBLE_MS);
  troubles.forget('question 1');
  expect([troubles.isWell, told]).toEqual([true, ['away']]);
  troubles.failed('question 2', 'away', 10_000, 20_000);
  expect(told).toEqual(['away']);
  troubles.worked('question 2');
  expect(told).toEqual(['away', 'back']);
});

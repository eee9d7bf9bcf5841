import { expect, test } from 'vitest';
import {
  AT_HOME_MS,
  AttemptMemory,
  FAILED_MS,
  ROAMING_MS,
  ROAMING_NETWORKS_MIN,
  UNDER_WAY_MS,
} from '../../proxy/attempt-memory.ts';

const home = '192.0.2.7';
const away = '198.51.100.7';

test('a network that never got in waits, after a failure it comes back later, and where one got in nothing happens', () => {
  const memory = new AttemptMemory();
  expect(memory.judge('alice', away, 0)).toBe('slow');
  memory.note('alice', away, false, 0);
  expect(memory.judge('alice', away, FAILED_MS - 1)).toBe('defer');
  expect(memory.judge('alice', away, FAILED_MS)).toBe('slow');
  expect(memory.judge('bob', away, 1)).toBe('slow');
  memory.note('alice', away, true, 10);
  expect(memory.judge('alice', away, 11)).toBe('pass');
  memory.note('alice', away, false, 12);
  expect(memory.judge('alice', away, 10 + AT_HOME_MS - 1)).toBe('pass');
  expect(memory.judge('alice', away, 10 + AT_HOME_MS)).toBe('slow');
});

test('networks are a /24 and a /48', () => {
  const memory = new AttemptMemory();
  memory.note('alice', home, true, 0);
  memory.note('alice', '2001:db8:1:2::3', false, 0);
  expect(memory.judge('alice', '192.0.2.200', 1)).toBe('pass');
  expect(memory.judge('alice', '192.0.3.7', 1)).toBe('slow');
  expect(memory.judge('alice', '2001:db8:1:ffff::1', 1)).toBe('defer');
  expect(memory.judge('alice', '2001:db8:2::3', 1)).toBe('slow');
});

test('a clock that was set back makes nothing last longer', () => {
  const memory = new AttemptMemory();
  memory.note('alice', away, false, 1000);
  expect(memory.judge('alice', away, 999)).toBe('slow');
});

test('it is bounded, and failures push out nobody who got in', () => {
  const memory = new AttemptMemory(2);
  memory.note('alice', home, true, 0);
  for (const account of ['a', 'b', 'c']) memory.note(account, away, false, 0);
  expect(memory.judge('alice', home, 1)).toBe('pass');
  expect(['a', 'b', 'c'].map((account) => memory.judge(account, away, 1))).toEqual(['slow', 'defer', 'defer']);
  for (const account of ['d', 'e']) memory.note(account, home, true, 0);
  expect(memory.judge('alice', home, 1)).toBe('slow');
});

/** Somebody gets in from so many networks, an hour apart. */
function travelled(networks: number): AttemptMemory {
  const memory = new AttemptMemory();
  for (let index = 0; index < networks; index += 1) memory.note('alice', `10.0.${index}.1`, true, index * 3_600_000);
  return memory;
}

test('somebody on the move does not wait in one more network, and comes back later after a failure like everybody', () => {
  const nowMs = ROAMING_NETWORKS_MIN * 3_600_000;
  expect(travelled(ROAMING_NETWORKS_MIN - 1).judge('alice', away, nowMs)).toBe('slow');
  const memory = travelled(ROAMING_NETWORKS_MIN);
  expect(memory.judge('alice', away, nowMs)).toBe('pass');
  expect(memory.judge('bob', away, nowMs)).toBe('slow');
  memory.note('alice', away, false, nowMs + 1);
  expect(memory.judge('alice', away, nowMs + 2)).toBe('defer');
  expect(travelled(ROAMING_NETWORKS_MIN).judge('alice', away, ROAMING_MS)).toBe('slow');
});

test('many at once from a new network are one, whoever is on the move', () => {
  const memory = travelled(ROAMING_NETWORKS_MIN);
  const nowMs = ROAMING_NETWORKS_MIN * 3_600_000;
  expect(['pass', 'slow', 'slow']).toEqual([0, 1, 2].map((ms) => memory.judge('alice', away, nowMs + ms)));
  expect(memory.judge('alice', away, nowMs + UNDER_WAY_MS)).toBe('pass');
});

test('networks where somebody is at home already make no traveller', () => {
  const memory = new AttemptMemory();
  for (let index = 0; index < 2 * ROAMING_NETWORKS_MIN; index += 1) memory.note('alice', home, true, index);
  expect(memory.judge('alice', away, 100)).toBe('slow');
});

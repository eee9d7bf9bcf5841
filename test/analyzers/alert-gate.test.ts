import { expect, test } from 'vitest';
import { ALERT_AGE_MS_MAX, ALERTS_AN_HOUR_MAX, AlertGate, SUBJECTS_MAX } from '../../analyzers/alert-gate.ts';
import type { Alert } from '../../analyzers/site/site-detector.ts';

const HOUR_MS = 3_600_000;
const AGAIN_MS = 6 * HOUR_MS;
const START_MS = Date.UTC(2026, 0, 5);

const alert = (subject: string, atMs: number, kind: Alert['kind'] = 'campaign'): Alert => ({
  kind,
  subject,
  text: `something about ${subject}`,
  atMs,
});

test.each<[what: string, second: (gate: AlertGate) => unknown, isTold: boolean]>([
  ['the same at once', (gate) => gate.pass(alert('a', START_MS), START_MS), false],
  [
    'the same a moment too early',
    (gate) => gate.pass(alert('a', START_MS + AGAIN_MS - 1), START_MS + AGAIN_MS - 1),
    false,
  ],
  ['the same, when it is time', (gate) => gate.pass(alert('a', START_MS + AGAIN_MS), START_MS + AGAIN_MS), true],
  ['another subject', (gate) => gate.pass(alert('b', START_MS), START_MS), true],
  ['another kind about the same', (gate) => gate.pass(alert('a', START_MS, 'takeover'), START_MS), true],
  ['something old', (gate) => gate.pass(alert('b', START_MS), START_MS + ALERT_AGE_MS_MAX + 1), false],
  ['something as old as may be', (gate) => gate.pass(alert('b', START_MS), START_MS + ALERT_AGE_MS_MAX), true],
])('after one alert, %s', (_what, second, isTold) => {
  const gate = new AlertGate(AGAIN_MS);
  expect(gate.pass(alert('a', START_MS), START_MS)).toEqual({ ...alert('a', START_MS), heldBack: 0 });
  expect(second(gate) !== undefined).toBe(isTold);
});

test('few go out in an hour; how many were held back is told with the next one', () => {
  const gate = new AlertGate(AGAIN_MS);
  const passed = (name: string, nowMs: number) => gate.pass(alert(name, nowMs), nowMs);
  for (let count = 0; count < ALERTS_AN_HOUR_MAX; count += 1) expect(passed(`s${count}`, START_MS)).toBeDefined();
  for (let count = 0; count < 7; count += 1) expect(passed(`t${count}`, START_MS + HOUR_MS - 1)).toBeUndefined();
  expect(passed('t0', START_MS + HOUR_MS)?.heldBack).toBe(7);
  expect(passed('t1', START_MS + HOUR_MS)?.heldBack).toBe(0);
});

test('it remembers the youngest subjects only', () => {
  const gate = new AlertGate(Number.MAX_SAFE_INTEGER);
  const at = (count: number): number => START_MS + count * HOUR_MS;
  for (let count = 0; count <= SUBJECTS_MAX; count += 1) gate.pass(alert(`s${count}`, at(count)), at(count));
  const later = at(SUBJECTS_MAX + 1);
  expect(gate.pass(alert('s1', later), later)).toBeUndefined();
  expect(gate.pass(alert('s0', later), later)).toBeDefined();
});

import { expect, test } from 'vitest';
import { notReadyBecause, QUEUE_FULL_SHARE, suspendedBecause } from '../../cli/gate/readiness.ts';

const well = { failing: undefined, pressure: 0 } as const;
const full = { failing: 'full', pressure: 0 } as const;
const away = { failing: 'unreachable', pressure: 0.1 } as const;
const lost = { failing: 'unreachable', pressure: QUEUE_FULL_SHARE } as const;

test.each([
  { draining: false, recorder: well, whenFull: 'pass', want: undefined },
  { draining: true, recorder: well, whenFull: 'pass', want: 'draining' },
  { draining: false, recorder: full, whenFull: 'pass', want: undefined },
  { draining: false, recorder: full, whenFull: 'defer', want: 'the disk of the event log is full' },
  { draining: false, recorder: away, whenFull: 'defer', want: undefined },
  { draining: false, recorder: lost, whenFull: 'defer', want: 'the event log is away and its queue is full' },
  { draining: false, recorder: lost, whenFull: 'pass', want: undefined },
] as const)(
  'draining $draining, log $recorder.failing at $recorder.pressure, $whenFull: $want',
  ({ want, ...facts }) => {
    expect(notReadyBecause(facts)).toBe(want);
    if (!facts.draining) expect(suspendedBecause(facts)).toBe(want);
  },
);

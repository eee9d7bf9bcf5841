import { expect, test } from 'vitest';
import { openMemoryLog } from '../../log/io/memory-log.ts';

test('a log in memory is full at its bound, until it is trimmed', async () => {
  const clock = { nowMs: 0 };
  const log = openMemoryLog({ octetsMax: 100, now: () => clock.nowMs });
  const record = { stream: 'postern.events', key: 'k', payload: 'x'.repeat(50) } as const;
  expect(await log.append([record])).toMatchObject({ ok: true });
  clock.nowMs = 1;
  expect(await log.append([record])).toMatchObject({ ok: true });
  expect(await log.append([{ ...record, payload: '1' }])).toEqual({ ok: false, error: 'full' });
  expect(await log.trim(1)).toBe(1);
  expect(await log.append([record])).toMatchObject({ ok: true });
});

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sessionInLog } from '../../cli/web/session-in-log.ts';
import { encodeEvent } from '../../events/codec.ts';
import type { MailEvent } from '../../events/event.ts';
import { uuidV7 } from '../../lib/uuid-v7.ts';
import type { EventLog } from '../../log/event-log.ts';
import { openTestLog } from '../support/sqlite-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const START_MS = 1_750_000_000_000;
const SECOND_MS = 1000;
const SESSIONS = 6000;

const sidOf = (index: number): string => {
  const random = new Uint8Array(10);
  new DataView(random.buffer).setUint32(4, index);
  return uuidV7(START_MS + index * 10 * SECOND_MS, random);
};

/** Opened and closed a second later. */
function eventsOf(index: number): readonly MailEvent[] {
  const at = START_MS + index * 10 * SECOND_MS;
  const base = {
    v: 1,
    site: 'main',
    gate: 'g',
    listener: 'mx',
    role: 'mx',
    ip: '192.0.2.1',
    sid: sidOf(index),
  } as const;
  return [
    { ...base, type: 'session-opened', at, seq: 0, port: 1, viaProxyProtocol: false, tls: false, sourceClass: 'x' },
    {
      ...base,
      type: 'session-closed',
      at: at + SECOND_MS,
      seq: 1,
      outcome: 'none',
      closedBy: 'client',
      octetsIn: 0,
      octetsOut: 0,
      commandCount: 0,
      errorCount: 0,
      durationUs: 0,
    },
  ];
}

test('a session is found by the time in its id, without reading what is older', async () => {
  const { log } = await openTestLog(join(temporaryDirectory(), 'log'));
  for (let index = 0; index < SESSIONS; index += 500) {
    const events = Array.from({ length: 500 }, (_, offset) => eventsOf(index + offset)).flat();
    const records = events.map((event) => ({
      stream: 'postern.events' as const,
      key: `k${index % 4}`,
      payload: encodeEvent(event),
    }));
    expect((await log.append(records)).ok).toBe(true);
  }
  let recordsRead = 0;
  const counting = new Proxy(log, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'read') return value.bind(target);
      return async (...given: Parameters<EventLog['read']>) => {
        const page = await target.read(...given);
        recordsRead += page.records.length;
        return page;
      };
    },
  });
  for (const index of [0, 1, 2999, SESSIONS - 1]) {
    recordsRead = 0;
    expect(await sessionInLog(counting, sidOf(index)), String(index)).toEqual(eventsOf(index));
  }
  expect(recordsRead).toBeLessThan(SESSIONS);
  expect(await sessionInLog(log, sidOf(SESSIONS + 5))).toEqual([]);
  expect(await sessionInLog(log, '01890a5d-ac96-774b-bcce-b302099a8057')).toEqual([]);
});

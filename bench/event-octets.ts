import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { everyone } from '../evaluation/traffic/all.ts';
import { undefended } from '../evaluation/traffic/traffic.ts';
import { DAY_MS, World } from '../evaluation/traffic/world.ts';
import { encodeEvent, partitionKeyOf } from '../events/codec.ts';
import { encodeOrigin } from '../log/origin.ts';
import { partitionOf } from '../log/partition.ts';

/**
 * How many octets has an event, as its line in the log and as gzip makes them of what is sent to Kafka in one go, and how many events
 * a session? Nothing is timed: a slow machine says the same.
 *
 * Run: `node bench/event-octets.ts [events]`.
 */
const EVENTS = Number(process.argv[2] ?? 300_000);
/** Partitions of a log of SQLite: each is sent on by itself. */
const PARTITIONS = 4;
/** Events of one send: many under load, few in quiet times. */
const SENDS = [1000, 100, 10] as const;
const START_MS = 1_767_225_600_000;

const span = { startMs: START_MS, attacksMs: START_MS + 7 * DAY_MS, endMs: START_MS + 14 * DAY_MS };
const waiting = SENDS.map((events) => ({
  events,
  lines: Array.from({ length: PARTITIONS }, (): string[] => []),
  octets: 0,
}));
const sessions = new Set<string>();
let count = 0;
let octets = 0;
let ofSessions = 0;

for (const event of undefended(
  new World(11, 'M', span),
  everyone.filter(({ sizes }) => sizes.includes('M')),
  11,
)) {
  if ('sid' in event && event.sid !== undefined) {
    sessions.add(event.sid);
    ofSessions += 1;
  }
  const line = encodeEvent(event);
  const key = partitionKeyOf(event) ?? '';
  const partition = partitionOf(key, PARTITIONS);
  const text = `${key}${line}${encodeOrigin({ log: '00000000-0000-4000-8000-000000000000', partition, offset: count })}`;
  for (const send of waiting) {
    const lines = send.lines[partition] ?? [];
    lines.push(text);
    if (lines.length >= send.events) send.octets += gzipSync(lines.splice(0).join('')).length;
  }
  count += 1;
  octets += Buffer.byteLength(line);
  if (count >= EVENTS) break;
}
console.log(
  `${count} events: ${(octets / count).toFixed(0)} octets each, ${(ofSessions / sessions.size).toFixed(1)} a session`,
);
for (const send of waiting) {
  for (const lines of send.lines) send.octets += gzipSync(lines.join('')).length;
  console.log(`after gzip, ${send.events} a send: ${(send.octets / count).toFixed(1)} octets each`);
}

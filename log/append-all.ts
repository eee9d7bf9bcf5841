import { APPEND_OCTETS_MAX, type EventLog, type LogRecord } from './event-log.ts';

/** Octets that a record takes in an append beside its payload, with room to spare. */
const BESIDE_PAYLOAD_OCTETS = 512;

/**
 * Appends any number of records, in as many appends as they need. They are asked for at once, so that they keep their place before
 * whatever is appended afterwards.
 *
 * @param copies - Of each record: the number of partitions for those that go into every one.
 * @returns False when the log did not take all of them: some may be in it.
 */
export async function appendAll(
  log: Pick<EventLog, 'append'>,
  records: readonly LogRecord[],
  copies = 1,
): Promise<boolean> {
  const slices = [...slicesOf(records, APPEND_OCTETS_MAX / copies)];
  const appended = await Promise.all(slices.map((slice) => log.append(slice)));
  return appended.every(({ ok }) => ok);
}

function* slicesOf(records: readonly LogRecord[], octetsMax: number): Generator<readonly LogRecord[]> {
  let slice: LogRecord[] = [];
  let octets = 0;
  for (const record of records) {
    const more = Buffer.byteLength(record.payload) + BESIDE_PAYLOAD_OCTETS;
    if (slice.length > 0 && octets + more > octetsMax) {
      yield slice;
      slice = [];
      octets = 0;
    }
    slice.push(record);
    octets += more;
  }
  if (slice.length > 0) yield slice;
}

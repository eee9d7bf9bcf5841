import { type DecisionEvent, decisionKey, decisionScopes } from '../events/decision.ts';
import { networkKey, parseAddress } from '../lib/ip.ts';
import { jsonOf } from '../lib/json.ts';
import type { LogRecord, StoredRecord, Stream } from './event-log.ts';

/** Streams that a gate's machine writes, and sends on. */
export const shippedStreams = ['postern.events', 'postern.decisions'] as const satisfies readonly Stream[];
export type ShippedStream = (typeof shippedStreams)[number];

/** Ends the line of a decision that came from the common log: it is not sent back. */
const MIRRORED = ',"mirrored":true}';
/** Key of a line that says nothing of whom it is about. */
const NO_KEY = '';

/** A place in the log of this machine. */
export interface SpoolPlace {
  /** Names that log, and no other that ever was. */
  readonly log: string;
  readonly stream: ShippedStream;
  readonly partition: number;
}

/**
 * What becomes of a record of this machine's log in the common one: the same line under the same key. Nothing where it has been there
 * before: a copy of a control event, which goes into every partition once more, and a decision that came from there.
 */
export function shippedOf({ log, stream, partition }: SpoolPlace, record: StoredRecord): LogRecord | undefined {
  const { offset, payload } = record;
  const origin = { log, partition, offset };
  if (stream === 'postern.decisions')
    return payload.endsWith(MIRRORED) ? undefined : { stream, key: keyOfDecision(payload), payload, origin };
  const ip = fieldsOf(payload)['ip'];
  // A line that cannot be read goes along: whoever reads it will say so.
  if (typeof ip === 'string') {
    const key = parseAddress(ip) === undefined ? NO_KEY : networkKey(ip);
    return { stream, key, payload, origin };
  }
  return partition === 0 ? { stream, key: NO_KEY, payload, origin, everyPartition: true } : undefined;
}

/** A decision of the common log as it goes into that of this machine. Nothing where it is over, or cannot be read. */
export function mirroredOf({ payload }: StoredRecord, nowMs: number): LogRecord | undefined {
  const { type, until } = fieldsOf(payload);
  const isOver = type === 'decision-made' && typeof until === 'number' && until <= nowMs;
  if (isOver || !payload.endsWith('}')) return undefined;
  return {
    stream: 'postern.decisions',
    key: keyOfDecision(payload),
    payload: `${payload.slice(0, -1)}${MIRRORED}`,
  };
}

type KeyFields = Pick<DecisionEvent, 'scope' | 'value' | 'roles' | 'origin' | 'scenario'>;

function keyOfDecision(payload: string): string {
  const { scope, value, roles, origin, scenario } = fieldsOf(payload);
  const isWhole = [value, origin, scenario].every((field) => typeof field === 'string') && Array.isArray(roles);
  if (!isWhole || !decisionScopes.some((each) => each === scope)) return NO_KEY;
  return decisionKey({ scope, value, roles, origin, scenario } as KeyFields);
}

function fieldsOf(payload: string): Readonly<Record<string, unknown>> {
  const value = jsonOf(payload);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

import { encodeEvent } from '../events/codec.ts';
import { type DecisionEvent, decisionKey } from '../events/decision.ts';
import type { LogRecord } from './event-log.ts';

/** A decision as it goes into the log. */
export const decisionRecord = (decision: DecisionEvent): LogRecord => ({
  stream: 'postern.decisions',
  key: decisionKey(decision),
  payload: encodeEvent(decision),
});

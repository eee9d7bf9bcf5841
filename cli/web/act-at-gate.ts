import { BLOCK_MS_DEFAULT } from '../../blocklist/operator.ts';
import { ACT_TEXT_LENGTH_MAX, type Act } from '../../console/act.ts';
import { type Refusal, refused } from '../../console/answer.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Appender } from '../../log/appender.ts';
import type { EventLog } from '../../log/event-log.ts';
import type { Config } from '../config/schema.ts';
import { formatActAnswer } from '../format/act-answer.ts';
import { type ActAnswer, type ActRequest, actAnswer, readAnswer } from '../gate/management.ts';
import { actInLog } from '../io/act-in-log.ts';
import { askLine } from '../io/line-socket.ts';

/** Who acts, in events and decisions. */
const BY = 'console';

/** The request to the gate, as `postern block`, `allow`, `unblock` and `allow --off` send it. */
export function requestOf({ act, value, reason, forMs }: Act): ActRequest {
  const about = { value, by: BY, reason: reason.slice(0, ACT_TEXT_LENGTH_MAX) };
  const lasting = forMs === undefined ? {} : { forMs };
  switch (act) {
    case 'block':
      return { verb: 'block', ...about, action: 'refuse', forMs: forMs ?? BLOCK_MS_DEFAULT };
    case 'allow':
      return { verb: 'allow', ...about, ...lasting };
    case 'unblock':
    case 'disallow':
      return { verb: act, ...about };
  }
}

/** Has the gate do it. @returns What came of it, for people. */
export async function actAtGate(socket: string, act: Act): Promise<Result<string, Refusal>> {
  const request = requestOf(act);
  const line = await askLine(socket, JSON.stringify(request));
  const answer = line.ok ? readAnswer(actAnswer, line.value) : undefined;
  return answer === undefined ? err(refused(503, 'No gate answers: nothing was done.')) : told(answer, request);
}

/** Has every gate do it, from a machine that has none. @returns What came of it, for people. */
export async function actAtEveryGate(
  config: Config,
  log: EventLog & Appender,
  act: Act,
): Promise<Result<string, Refusal>> {
  const request = requestOf(act);
  return told(await actInLog(config, log, request), request);
}

function told(answer: ActAnswer, request: ActRequest): Result<string, Refusal> {
  const text = formatActAnswer(answer, request, Date.now()).trimEnd();
  return answer.ok ? ok(text) : err(refused(400, text));
}

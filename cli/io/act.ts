import type { ConfigFlagValues } from '../config/from-flags.ts';
import { placesIn } from '../config/places.ts';
import { EXIT_FAULT, EXIT_OK, type Flag } from '../flags.ts';
import { formatActAnswer } from '../format/act-answer.ts';
import { type ActAnswer, type ActRequest, actAnswer } from '../gate/management.ts';
import { OPERATOR_TEXT_LENGTH_MAX } from '../gate/panic.ts';
import { actInLog } from './act-in-log.ts';
import { askGate } from './ask-gate.ts';
import { configurationOf, dataDirectoryOf } from './config-file.ts';
import { hasCommonLogOnly, openCommonLogOrTell } from './open-log.ts';

/** Flags of every act about a source. */
export const actFlags = {
  reason: { value: 'text', text: 'Why; it stands in the decision and in the event.' },
  json: { text: 'One JSON object.' },
} as const satisfies Record<string, Flag>;

/** Has the gate do it, or all of them where none is on this machine, and says what came of it. */
export async function actOrTell(
  flags: { readonly config?: string; readonly data?: string; readonly json?: true },
  request: ActRequest,
): Promise<number> {
  const directory = dataDirectoryOf(flags);
  if (!directory.ok) return directory.error;
  const capped = {
    ...request,
    value: request.value.slice(0, OPERATOR_TEXT_LENGTH_MAX),
    reason: request.reason.slice(0, OPERATOR_TEXT_LENGTH_MAX),
  };
  const answer = await answerOf(flags, directory.value, capped);
  if (answer === undefined) return EXIT_FAULT;
  const text = flags.json === true ? `${JSON.stringify(answer)}\n` : formatActAnswer(answer, request, Date.now());
  process.stdout.write(text);
  return answer.ok ? EXIT_OK : EXIT_FAULT;
}

async function answerOf(
  flags: Pick<ConfigFlagValues, 'config' | 'data'>,
  dataDirectory: string,
  request: ActRequest,
): Promise<ActAnswer | undefined> {
  const configured = configurationOf(flags);
  if (configured === undefined || !hasCommonLogOnly(configured, dataDirectory))
    return askGate(placesIn(dataDirectory).gateSocket, request, actAnswer);
  await using log = await openCommonLogOrTell(configured);
  return log === undefined ? undefined : await actInLog(configured.config, log, request);
}

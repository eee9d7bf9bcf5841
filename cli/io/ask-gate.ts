import { userInfo } from 'node:os';
import type { z } from 'zod';
import { type ManagementRequest, readAnswer } from '../gate/management.ts';
import { OPERATOR_TEXT_LENGTH_MAX } from '../gate/panic.ts';
import { askLine } from './line-socket.ts';

/** Asks the management socket of the gate; tells the operator when there is no answer. */
export async function askGate<Answer>(
  socket: string,
  request: ManagementRequest,
  schema: z.ZodType<Answer>,
): Promise<Answer | undefined> {
  const line = await askLine(socket, JSON.stringify(request));
  const answer = line.ok ? readAnswer(schema, line.value) : undefined;
  const reason = line.ok ? 'its answer is none' : line.error;
  if (answer === undefined) process.stderr.write(`postern: no gate answers on ${socket}: ${reason}\n`);
  return answer;
}

/** Who gave the command: the user before sudo, if there was one. */
export function operator(): string {
  const { SUDO_USER } = process.env;
  return (SUDO_USER ?? userInfo().username).slice(0, OPERATOR_TEXT_LENGTH_MAX);
}

import { createHash } from 'node:crypto';
import { eventSchemas, type MailEvent } from '../../../events/event.ts';
import { AUTH_LINE_OCTETS_MAX } from '../../../proxy/decoder-limits.ts';
import { clientBodies } from './client-bodies.ts';
import type { InvariantId } from './dialogue.ts';
import type { Machine } from './machine.ts';
import { concatenate, toLatin1 } from './octets.ts';
import type { ClientReply } from './replies.ts';
import type { ScriptedServer } from './server.ts';

/** Most octets the client decoder may hold back while it reads: one line that is not whole. */
export const HELD_OCTETS_MAX = AUTH_LINE_OCTETS_MAX;
/** Largest session state, as JSON, octets. */
export const SESSION_OCTETS_MAX = 32 * 1024;

export interface InvariantFault {
  readonly id: InvariantId;
  readonly reason: string;
}

/** What is looked at of a dialogue that has run. */
export interface RunSoFar {
  readonly machine: Machine;
  readonly server: ScriptedServer;
  readonly replies: readonly ClientReply[];
  readonly sentParts: readonly Uint8Array[];
  readonly bodyStarts: readonly number[];
  readonly clientReset: boolean;
}

type Check = (run: RunSoFar, secrets: readonly Uint8Array[]) => readonly string[];

/** I2: one command, one reply, one verdict, in order. Intermediate replies (334, 354) and the greeting answer no command. */
const oneReplyPerCommand: Check = (run) => {
  const greeted = run.replies.slice(1);
  const closed = run.machine.events.find((event) => event.type === 'session-closed');
  const codes = greeted.map(({ code }) => code).filter((code) => code !== 334 && code !== 354);
  if (closed?.replyCode !== undefined && run.replies.length > 1) codes.pop();
  const commands = run.machine.events.filter((event) => event.type === 'command');
  const verdicts = commands.flatMap(({ reply }) => (reply === undefined ? [] : [reply.code]));
  // What is decided after the client was gone reaches nobody.
  if (run.clientReset) verdicts.length = Math.min(verdicts.length, codes.length);
  return codes.join() === verdicts.join() ? [] : [`replies ${codes.join()} but command events ${verdicts.join()}`];
};

/** I5: 354, 235 and the 2xx after a body are the server's own. */
const repliesOfTheServer: Check = (run) => {
  const faults: string[] = [];
  const given = (code: (code: number) => boolean, ...events: string[]): number =>
    run.server.given.filter((each) => code(each.code) && (events.length === 0 || events.includes(each.event))).length;
  const got = (code: number): number => run.replies.filter((reply) => reply.code === code).length;
  for (const code of [354, 235]) {
    const own = given((each) => each === code);
    if (got(code) > own) faults.push(`the client got ${got(code)} times ${code}, the server gave ${own}`);
  }
  const success = (code: number): boolean => code >= 200 && code < 300;
  const accepted = run.machine.events.filter(
    (event) =>
      event.type === 'command' && (event.verb === 'DATA' || event.verb === 'BDAT') && success(event.reply?.code ?? 0),
  );
  const committed = given(success, 'DOT', 'LAST', 'BDAT');
  if (accepted.length > committed)
    faults.push(`${accepted.length} bodies answered 2xx, the server accepted ${committed}`);
  for (const event of accepted)
    if (event.type === 'command' && event.reply?.from !== 'upstream') faults.push(`a 2xx of the gate after a body`);
  return faults;
};

/** I6: each body the server took is one the client sent, octet by octet, in order; and so is its hash in the event. */
const bodyIdentity: Check = (run) => {
  const committed = run.server.bodies.filter((body) => body.committed);
  const sent = clientBodies(concatenate(run.sentParts), run.bodyStarts).map(toLatin1);
  const faults: string[] = [];
  let from = 0;
  for (const octets of committed.flatMap(({ parts }) => parts)) {
    const at = sent.indexOf(toLatin1(octets), from);
    if (at < 0) faults.push(`the server took ${octets.length} octets of a body that no client sent`);
    else from = at + 1;
  }
  const hashes = run.machine.events.flatMap((event) =>
    event.type === 'mail' && event.bodySha256 ? [event.bodySha256] : [],
  );
  const taken = new Set(committed.map(({ parts }) => createHash('sha256').update(concatenate(parts)).digest('hex')));
  for (const hash of hashes)
    if (!taken.has(hash)) faults.push(`a mail event carries ${hash}, the hash of no body taken`);
  return faults;
};

/** Sizes by walking values; sets and maps count their members. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof Set || value instanceof Map) return [...value].reduce((sum, each) => sum + sizeOf(each), 16);
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + sizeOf(each), 16);
  if (typeof value === 'object' && value !== null)
    return Object.values(value).reduce<number>((sum, each) => sum + sizeOf(each), 16);
  return 8;
}

/** I7: what a session holds is bounded. */
const boundedMemory: Check = (run) => {
  const size = sizeOf(run.machine.session);
  const faults: string[] = [];
  if (size > SESSION_OCTETS_MAX) faults.push(`the session holds ${size} octets`);
  if (run.machine.octetsHeldMax > HELD_OCTETS_MAX) faults.push(`the decoder held ${run.machine.octetsHeldMax} octets`);
  return faults;
};

/** Every spelling in which a secret might leak. */
function spellings(secret: Uint8Array): string[] {
  const base64 = Buffer.from(secret).toString('base64');
  const hex = Buffer.from(secret).toString('hex');
  return [toLatin1(secret), base64, base64.replace(/=+$/, ''), hex];
}

/** I8: no secret in any event. */
const noSecrets: Check = (run, secrets) => {
  const faults: string[] = [];
  const needles = secrets.flatMap(spellings).map((text) => text.toLowerCase());
  for (const event of run.machine.events) {
    const text = JSON.stringify(event).toLowerCase();
    for (const needle of needles) if (text.includes(needle)) faults.push(`an event holds ${needle}: ${text}`);
  }
  return faults;
};

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(stringsOf);
  return [];
}

/** I9: every event is of the vocabulary, numbered, and one line. */
const cleanEvents: Check = (run) =>
  run.machine.events.flatMap((event: MailEvent, index): string[] => {
    const parsed = eventSchemas[event.type].safeParse(event);
    const faults = parsed.success ? [] : [`not by the schema: ${JSON.stringify(event)}: ${parsed.error.message}`];
    if ('seq' in event && event.seq !== index) faults.push(`event ${index} is numbered ${event.seq}`);
    for (const text of stringsOf(event))
      if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text))
        faults.push(`a control character in ${JSON.stringify(text)}`);
    return faults;
  });

const checks: readonly (readonly [InvariantId, Check])[] = [
  ['I2', oneReplyPerCommand],
  ['I3', (run) => [...run.machine.violations, ...run.server.violations].filter((each) => each.startsWith('I3'))],
  ['I4', (run) => [...run.machine.violations, ...run.server.violations].filter((each) => !each.startsWith('I3'))],
  ['I5', repliesOfTheServer],
  ['I6', bodyIdentity],
  ['I7', boundedMemory],
  ['I8', noSecrets],
  ['I9', cleanEvents],
];

/** Everything of I2 to I9 that a finished run breaks. I1 is the comparison between runs. */
export function checkInvariants(run: RunSoFar, secrets: readonly Uint8Array[]): readonly InvariantFault[] {
  return checks.flatMap(([id, check]) => check(run, secrets).map((reason) => ({ id, reason })));
}

/** @import { EventByType, MailEvent } from '../../events/event.ts' */
/** @import { Tone } from './notes.js' */
import { noteOf } from './notes.js';
import { printable } from './text.js';
import { formatValue } from './units.js';

/**
 * @typedef {object} Mark - What is said beside a line: a verdict with its rule, a rule that only observes.
 * @property {string} text
 * @property {Tone} tone
 *
 * @typedef {object} Line
 * @property {number} at - Milliseconds since 1970.
 * @property {number} seq
 * @property {'client' | 'server' | 'gate' | 'note'} who
 * @property {string} text
 * @property {Tone} tone
 * @property {readonly Mark[]} marks
 */

/** What was asked for, after the verb. @param {EventByType<'command'>} event */
function argumentOf({ verb, heloName, reversePath, forwardPath, parameters = [], mechanism, octets, argument }) {
  const after = parameters.map(([name, value]) => ` ${name}${value === undefined ? '' : `=${value}`}`).join('');
  if (heloName !== undefined) return ` ${heloName}`;
  if (verb === 'MAIL' && reversePath !== undefined) return ` FROM:<${reversePath}>${after}`;
  if (verb === 'RCPT' && forwardPath !== undefined) return ` TO:<${forwardPath}>${after}`;
  if (mechanism !== undefined) return ` ${mechanism}`;
  if (octets !== undefined) return ` (${formatValue(octets, 'bytes')})`;
  return argument === undefined ? '' : ` ${argument}`;
}

/** What the client said. @param {EventByType<'command'>} event */
export const commandText = (event) => printable(`${event.verb}${argumentOf(event)}`);

/** The text of a server's reply mostly begins with the enhanced code. @param {{ code: number, enhanced?: string | undefined, text: string }} reply */
export function replyText({ code, enhanced = '', text }) {
  const isTold = enhanced === '' || text.startsWith(enhanced);
  return printable([code, ...(isTold ? [] : [enhanced]), text].join(' ').trimEnd());
}

/** @param {string} action @returns {Tone} */
const toneOfAction = (action) =>
  action === 'refuse' || action === 'close' ? 'bad' : action === 'accept' ? 'quiet' : 'warning';

/** @param {number} code @returns {Tone} */
const toneOfCode = (code) => (code >= 500 ? 'bad' : code >= 400 ? 'warning' : 'plain');

/** Rules that only observe. @param {readonly { rule: string, action: string }[]} observed @returns {readonly Mark[]} */
const observedMarks = (observed) =>
  observed.map(({ rule, action }) => ({ text: printable(`would ${action}: ${rule}`), tone: 'quiet' }));

/** @param {EventByType<'command'>} event @returns {readonly Mark[]} */
export function verdictMarks({ verdict, observed = [], nearMiss }) {
  const ruled = verdict.action !== 'accept' || verdict.rule !== undefined;
  return [
    ...(ruled
      ? [{ text: printable(`${verdict.action} ${verdict.rule ?? ''}`.trim()), tone: toneOfAction(verdict.action) }]
      : []),
    ...(nearMiss === true ? [{ text: 'one edit from a known address', tone: /** @type {const} */ ('quiet') }] : []),
    ...observedMarks(observed),
  ];
}

/** @param {EventByType<'command'>} event @returns {readonly Line[]} */
function commandLines(event) {
  const { at, seq, reply, latencyUs } = event;
  const marks = verdictMarks(event);
  /** @type {Line} */
  const said = {
    at,
    seq,
    who: 'client',
    text: commandText(event),
    tone: 'plain',
    marks: reply === undefined ? marks : [],
  };
  if (reply === undefined) return [said];
  const took = { text: formatValue(latencyUs, 'µs'), tone: /** @type {const} */ ('quiet') };
  return [
    said,
    {
      at: at + latencyUs / 1000,
      seq,
      who: reply.from === 'gate' ? 'gate' : 'server',
      text: replyText(reply),
      tone: toneOfCode(reply.code),
      marks: [...marks, took],
    },
  ];
}

/** @param {MailEvent} event @returns {readonly Mark[]} */
const otherMarks = (event) => (event.type === 'session-opened' ? observedMarks(event.observed ?? []) : []);

/**
 * A session as a dialogue: each command and its reply a line of its own, everything else a note between them.
 *
 * @param {readonly MailEvent[]} events - In the order of `seq`.
 * @returns {readonly Line[]}
 */
export const linesOf = (events) =>
  events.flatMap((event) =>
    event.type === 'command'
      ? commandLines(event)
      : [
          {
            at: event.at,
            seq: 'seq' in event ? event.seq : 0,
            who: 'note',
            ...noteOf(event),
            marks: otherMarks(event),
          },
        ],
  );

/**
 * One event as one line of the live tail.
 *
 * @param {MailEvent} event
 * @returns {{ readonly text: string, readonly tone: Tone, readonly marks: readonly Mark[] }}
 */
export function tailLine(event) {
  if (event.type !== 'command') return { ...noteOf(event), marks: otherMarks(event) };
  const { reply } = event;
  return {
    text: reply === undefined ? commandText(event) : `${commandText(event)} → ${replyText(reply)}`,
    tone: reply === undefined ? 'plain' : toneOfCode(reply.code),
    marks: verdictMarks(event),
  };
}

/** @import { EventByType, EventType, MailEvent } from '../../events/event.ts' */
import { counted, printable } from './text.js';
import { formatValue } from './units.js';

/**
 * How much a line stands out.
 *
 * @typedef {'plain' | 'quiet' | 'good' | 'warning' | 'bad'} Tone
 *
 * @typedef {object} Note - What an event says, in a line.
 * @property {string} text
 * @property {Tone} tone
 */

/** What is said only where it is known. @param {string} before @param {unknown} value @param {string} [after] */
const known = (before, value, after = '') =>
  value === undefined || value === '' ? '' : `${before}${String(value)}${after}`;

/** @param {'client' | 'upstream'} leg */
const peerOf = (leg) => (leg === 'client' ? 'client' : 'server');

/** @param {EventByType<'session-opened'>} event @returns {Note} */
const opened = ({ ip, port, listener, tls, sourceClass, stressed }) => ({
  text: `connected from ${ip} port ${port} to ${listener}${tls ? ', TLS from the start' : ''}; ${sourceClass}${stressed === true ? ', under stress' : ''}`,
  tone: 'quiet',
});

/** @param {EventByType<'session-closed'>} event @returns {Note} */
const closed = ({ closedBy, rule, replyCode, outcome, commandCount, errorCount, durationUs }) => ({
  text: `closed by ${closedBy}${known(', ', rule)}${known(' (', replyCode, ')')}: ${outcome}, ${counted(commandCount, 'command')}, ${counted(errorCount, 'error')}, ${formatValue(durationUs, 'µs')}`,
  tone: rule === undefined ? 'quiet' : 'warning',
});

/** @param {EventByType<'mail'>} event @returns {Note} */
const mail = ({ outcome, reply, reversePath, domains, acceptedCount, refusedCount, octets }) => ({
  text: `mail ${outcome}${known(' (', reply?.code, ')')}: from <${reversePath}>${known(' to ', domains.join(', '))}, ${counted(acceptedCount, 'recipient')} accepted, ${refusedCount} refused, ${formatValue(octets, 'bytes')}`,
  tone: outcome === 'accepted' ? 'good' : 'warning',
});

/** @param {EventByType<'operator-acted'>} event @returns {Note} */
const acted = ({ by, act, value, reason }) => ({
  text: `${by}: ${act}${known(' ', value)}, because ${reason}`,
  tone: 'warning',
});

/** @param {EventByType<'breaker-changed'>} event @returns {Note} */
const breaker = ({ tripped, count, max }) => ({
  text: `${tripped ? 'breaker tripped, new automatic refusals only defer' : 'breaker closed again'}: ${count} refusals, ${max} allowed`,
  tone: tripped ? 'bad' : 'plain',
});

/** @param {EventByType<'log-gap'>} event @returns {Note} */
const gap = ({ counts, reason }) => ({
  text: `${Object.values(counts).reduce((sum, count) => sum + count, 0)} events lost: ${reason}`,
  tone: 'bad',
});

/** @type {{ readonly [T in Exclude<EventType, 'command'>]: (event: EventByType<T>) => Note }} */
const notes = {
  'session-opened': opened,
  'session-closed': closed,
  mail,
  'auth-attempt': ({ mechanism, outcome, code, account }) => ({
    text: `authentication ${mechanism} ${outcome}${known(' (', code, ')')}${known(', account ', account)}`,
    tone: outcome === 'accepted' ? 'good' : 'warning',
  }),
  anomaly: ({ kind, severity, note }) => ({
    text: `anomaly ${kind}, ${severity}${known(': ', note)}`,
    tone: severity === 'notice' ? 'warning' : 'bad',
  }),
  'tls-started': ({ leg, version, cipher, sni }) => ({
    text: `TLS with the ${peerOf(leg)}: ${version} ${cipher}${known(' for ', sni)}`,
    tone: 'quiet',
  }),
  'tls-failed': ({ leg, reason }) => ({ text: `TLS with the ${peerOf(leg)} failed: ${reason}`, tone: 'warning' }),
  'upstream-failed': ({ stage, reason }) => ({ text: `the server behind failed at ${stage}: ${reason}`, tone: 'bad' }),
  'session-progress': ({ phase, octets, phaseMs }) => ({
    text: `in ${phase}: ${formatValue(octets, 'bytes')} in ${formatValue(phaseMs / 1000, 's')}`,
    tone: 'quiet',
  }),
  refusals: ({ count, action, rule, windowMs }) => ({
    text: `${counted(count, 'connection')}, ${action} by ${rule}, in ${formatValue(windowMs / 1000, 's')}`,
    tone: 'bad',
  }),
  'gate-started': ({ gate, version }) => ({ text: `gate ${gate} started, version ${version}`, tone: 'good' }),
  'gate-stopped': ({ gate, reason }) => ({ text: `gate ${gate} stopped: ${reason}`, tone: 'warning' }),
  'config-changed': ({ outcome, gate, faults = [] }) => ({
    text: `configuration ${outcome} at ${gate}${known(': ', faults.join('; '))}`,
    tone: outcome === 'applied' ? 'plain' : 'bad',
  }),
  'operator-acted': acted,
  'breaker-changed': breaker,
  'log-gap': gap,
};

/**
 * What an event other than a command says. One of a type that a newer release wrote says its type.
 *
 * @param {Exclude<MailEvent, { type: 'command' }>} event
 * @returns {Note}
 */
export function noteOf(event) {
  if (!Object.hasOwn(notes, event.type)) return { text: printable(event.type), tone: 'quiet' };
  const tell = /** @type {(event: MailEvent) => Note} */ (notes[event.type]);
  const { text, tone } = tell(event);
  return { text: printable(text), tone };
}

/** Every type of event, in the order of docs/events.md. @type {readonly EventType[]} */
export const eventTypes = [
  'session-opened',
  'command',
  'auth-attempt',
  'tls-started',
  'tls-failed',
  'upstream-failed',
  'session-progress',
  'mail',
  'anomaly',
  'session-closed',
  'refusals',
  'gate-started',
  'gate-stopped',
  'config-changed',
  'operator-acted',
  'breaker-changed',
  'log-gap',
];

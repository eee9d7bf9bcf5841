import type { EventByType, MailEvent } from '../../events/event.ts';
import { unreachable } from '../../lib/assert.ts';
import { escapeField } from '../../lib/escape.ts';

/** Longest text of one field that is shown, UTF-16 code units. */
const FIELD_LENGTH_MAX = 200;
/** Columns of an address: the longest IPv4 one; a longer IPv6 one moves its line to the right. */
const ADDRESS_COLUMNS = 15;
const LISTENER_COLUMNS = 11;
const TYPE_COLUMNS = 9;

/** How much a line stands out. */
type Tone = 'plain' | 'quiet' | 'good' | 'warning' | 'bad';

const colours: Readonly<Record<Tone, string>> = {
  plain: '',
  quiet: '\u001b[2m',
  good: '\u001b[32m',
  warning: '\u001b[33m',
  bad: '\u001b[31m',
};
const END_OF_COLOUR = '\u001b[0m';

/** What one event says. */
interface Told {
  readonly what: string;
  readonly text: string;
  readonly tone: Tone;
}

const field = (text: string): string => escapeField(text, FIELD_LENGTH_MAX);

/**
 * One event as one line for people: time (UTC), client, listener, what it is, what it says. Whatever came from the network is
 * escaped again, since the line goes to a terminal.
 *
 * @param colour - The reader is a terminal that shows colours.
 */
export function formatEvent(event: MailEvent, colour: boolean): string {
  const time = new Date(event.at).toISOString().slice(11, 23);
  const source = 'ip' in event ? event.ip : event.gate;
  const listener = 'listener' in event ? event.listener : '';
  const { what, text, tone } = tell(event);
  const columns = [
    time,
    field(source).padEnd(ADDRESS_COLUMNS),
    field(listener).padEnd(LISTENER_COLUMNS),
    what.padEnd(TYPE_COLUMNS),
    text,
  ];
  const line = columns.join(' ').trimEnd();
  return colour && tone !== 'plain' ? `${colours[tone]}${line}${END_OF_COLOUR}` : line;
}

function tell(event: MailEvent): Told {
  switch (event.type) {
    case 'command':
      return tellCommand(event);
    case 'session-opened': {
      const via = event.viaProxyProtocol ? ' by PROXY' : '';
      const text = `port ${event.port}${via}${event.tls ? ' TLS' : ''} ${field(event.sourceClass)}${observedText(event.observed)}`;
      return { what: 'opened', text, tone: 'quiet' };
    }
    case 'session-closed':
      return tellClosed(event);
    case 'mail':
      return tellMail(event);
    case 'auth-attempt':
      return { what: 'auth', text: tellAuth(event), tone: event.outcome === 'accepted' ? 'good' : 'warning' };
    case 'anomaly': {
      const note = event.note === undefined ? '' : ` ${field(event.note)}`;
      return {
        what: 'anomaly',
        text: `${event.kind} (${event.severity})${note}`,
        tone: event.severity === 'critical' ? 'bad' : 'warning',
      };
    }
    default:
      return tellConnection(event);
  }
}

type Observed = NonNullable<EventByType<'command'>['observed']>;

const observedText = (observed: Observed | undefined): string =>
  observed === undefined || observed.length === 0
    ? ''
    : ` (would ${observed.map(({ rule, action }) => `${action} ${field(rule)}`).join(', ')})`;

function tellCommand(event: EventByType<'command'>): Told {
  const { verb, verdict, reply, observed } = event;
  const ruled = verdict.action === 'accept' ? '' : ` ${verdict.action} ${field(verdict.rule ?? '')}`;
  const answered =
    reply === undefined
      ? ' no reply'
      : ` ${reply.code}${reply.enhanced === undefined ? '' : ` ${field(reply.enhanced)}`}`;
  const said =
    verdict.action === 'accept' && (reply === undefined || reply.code < 400) ? '' : ` "${field(reply?.text ?? '')}"`;
  const text = `${argumentText(event)}${ruled}${answered}${said}${observedText(observed)}`.trimStart();
  return { what: field(verb), text, tone: toneOf(verdict.action, reply?.code) };
}

function toneOf(action: string, code: number | undefined): Tone {
  if (action === 'refuse' || action === 'close') return 'bad';
  if (action === 'defer' || (code !== undefined && code >= 400)) return 'warning';
  return 'plain';
}

/** What was asked for. */
function argumentText(event: EventByType<'command'>): string {
  if (event.heloName !== undefined) return field(event.heloName);
  if (event.reversePath !== undefined) return `<${field(event.reversePath)}>`;
  if (event.forwardPath !== undefined) return `<${field(event.forwardPath)}>`;
  if (event.mechanism !== undefined) return field(event.mechanism);
  if (event.octets !== undefined) return `${event.octets} octets`;
  return event.argument === undefined ? '' : `"${field(event.argument)}"`;
}

const tellAuth = ({ mechanism, account, outcome, code }: EventByType<'auth-attempt'>): string =>
  `${field(mechanism)} ${outcome}${code === undefined ? '' : ` ${code}`}${account === undefined ? '' : ` account ${field(account)}`}`;

function tellMail(event: EventByType<'mail'>): Told {
  const { reversePath, acceptedCount, refusedCount, domains, octets, outcome, reply } = event;
  const to = domains.length === 0 ? '' : ` to ${domains.map(field).join(', ')}`;
  const code = reply === undefined ? '' : ` ${reply.code}`;
  const text = `${outcome}${code} from <${field(reversePath)}>${to}, ${acceptedCount} accepted, ${refusedCount} refused, ${octets} octets`;
  return { what: 'mail', text, tone: outcome === 'accepted' ? 'good' : 'warning' };
}

function tellClosed(event: EventByType<'session-closed'>): Told {
  const { outcome, closedBy, rule, replyCode, commandCount, errorCount, durationUs } = event;
  const why = rule === undefined ? '' : ` ${field(rule)}`;
  const code = replyCode === undefined ? '' : ` ${replyCode}`;
  const text = `by ${closedBy}${why}${code}: ${outcome}, ${commandCount} commands, ${errorCount} errors, ${(durationUs / 1_000_000).toFixed(3)} s`;
  return { what: 'closed', text, tone: rule === undefined ? 'quiet' : 'warning' };
}

type Other = Exclude<
  MailEvent,
  { type: 'command' | 'session-opened' | 'session-closed' | 'mail' | 'auth-attempt' | 'anomaly' }
>;

function tellConnection(event: Other): Told {
  switch (event.type) {
    case 'tls-started': {
      const sni = event.sni === undefined ? '' : ` for ${field(event.sni)}`;
      return { what: 'tls', text: `${event.leg} ${field(event.version)} ${field(event.cipher)}${sni}`, tone: 'quiet' };
    }
    case 'tls-failed':
      return { what: 'tls', text: `${event.leg} failed: ${field(event.reason)}`, tone: 'warning' };
    case 'upstream-failed':
      return { what: 'upstream', text: `${field(event.stage)}: ${field(event.reason)}`, tone: 'bad' };
    case 'session-progress':
      return {
        what: 'progress',
        text: `${field(event.phase)}: ${event.octets} octets in ${event.phaseMs} ms`,
        tone: 'quiet',
      };
    case 'refusals': {
      const text = `${event.action} ${field(event.rule)}: ${event.count} connections in ${event.windowMs} ms`;
      return { what: 'refused', text, tone: 'bad' };
    }
    default:
      return tellOperation(event);
  }
}

type Operation = Extract<
  MailEvent,
  { type: 'gate-started' | 'gate-stopped' | 'config-changed' | 'operator-acted' | 'breaker-changed' | 'log-gap' }
>;

function tellOperation(event: Operation): Told {
  switch (event.type) {
    case 'gate-started':
      return {
        what: 'gate',
        text: `started ${field(event.version)}, configuration ${field(event.configHash)}, ${event.listeners.map(field).join(', ')}`,
        tone: 'good',
      };
    case 'gate-stopped':
      return { what: 'gate', text: `stopped: ${field(event.reason)}`, tone: 'warning' };
    case 'config-changed': {
      const faults = event.faults === undefined ? '' : `: ${event.faults.map(field).join('; ')}`;
      return {
        what: 'config',
        text: `${event.outcome} ${field(event.configHash)}${faults}`,
        tone: event.outcome === 'applied' ? 'plain' : 'bad',
      };
    }
    case 'operator-acted': {
      const value = event.value === undefined ? '' : ` ${field(event.value)}`;
      const counted = Object.entries(event.counts ?? {}).map(([place, count]) => `${field(place)} ${count}`);
      const counts = counted.length === 0 ? '' : ` (${counted.join(', ')})`;
      return {
        what: 'operator',
        text: `${field(event.act)}${value} by ${field(event.by)}: ${field(event.reason)}${counts}`,
        tone: 'warning',
      };
    }
    case 'breaker-changed': {
      const { tripped, count, max } = event;
      const state = tripped ? 'open, new automatic refusals only defer' : 'closed again';
      return {
        what: 'breaker',
        text: `${state}: ${count} in ten minutes, ${max} allowed`,
        tone: tripped ? 'bad' : 'plain',
      };
    }
    case 'log-gap': {
      const lost = Object.values(event.counts).reduce((sum, count) => sum + count, 0);
      return { what: 'log gap', text: `${field(event.reason)}: ${lost} events lost`, tone: 'bad' };
    }
    default:
      return unreachable(event);
  }
}

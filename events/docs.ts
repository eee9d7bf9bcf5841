import { z } from 'zod';
import { decisionSchemas } from './decision.ts';
import { EVENT_VERSION, type EventType, eventSchemas, TIME_MS_MAX } from './event.ts';
import { type EvidenceType, evidenceSchemas } from './evidence.ts';
import { typePriorities } from './priority.ts';

/** What each event states. */
const summaries: Readonly<Record<EventType, string>> = {
  'session-opened': 'A client connected and was let in.',
  command: 'A command was answered. One event a command, with the verdict and the reply.',
  'auth-attempt': 'An authentication ended, one way or another.',
  'tls-started': 'A TLS handshake succeeded.',
  'tls-failed': 'A TLS handshake failed.',
  'upstream-failed': 'The server behind could not be reached, or broke off.',
  'session-progress': 'A session is still alive; every 30 s.',
  mail: 'A mail transaction ended, from MAIL to the reply to the end of data or to whatever cut it off.',
  anomaly: 'A client or the server behind sent something that is broken or hostile.',
  'session-closed': 'A session ended.',
  refusals: 'Connections of one source were refused; counted, so that a flood does not flood the log.',
  'gate-started': 'A gate began to listen.',
  'gate-stopped': 'A gate ended in good order.',
  'config-changed': 'A new configuration was put in force, or refused.',
  'operator-acted': 'A person changed what the gate does, or what was recorded.',
  'breaker-changed': 'Far more automatic refusals than usual came, and new ones only defer for now; or that is over.',
  'log-gap': 'Events were dropped, and this is what is known of them.',
};

const introduction = `# Events

<!-- Made from events/event.ts by \`npm run generate\`. -->

The stream \`postern.events\`: one JSON object a line, printable ASCII, schema version ${EVENT_VERSION}. Events are facts in the past
tense and never change, but for the names of a person whom \`postern forget\` takes out of them. Fields that may be absent are
marked *optional*. A reader ignores fields that it does not know, and lifts events of older versions.

Never in any event: a body, a password, SASL data, a TLS key. Text from the network is escaped and capped.

An event with an \`ip\` lies in the partition of the /24 (IPv4) or /48 (IPv6) of that address, so a source and its neighbourhood
keep their order. One without is a control event: a copy lies in every partition, and the copy in partition 0 is the one to
count.

Near the disk cap and in a full queue, events are dropped in the order of their priority (low, normal, high) and counted in a
\`log-gap\`.
`;

const commandPriority =
  'low when accepted outside a mail transaction, normal when accepted in one, high when not accepted or observed';

/** What JSON Schema says of one value, as far as it is shown. */
interface Shape {
  readonly type?: unknown;
  readonly const?: unknown;
  readonly enum?: unknown;
  readonly description?: unknown;
  readonly properties?: unknown;
  readonly required?: unknown;
  readonly items?: unknown;
  readonly prefixItems?: unknown;
  readonly additionalProperties?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly maxLength?: unknown;
  readonly maxItems?: unknown;
}

const isShape = (value: unknown): value is Shape => typeof value === 'object' && value !== null;

const decisionIntroduction = `# Decisions

The stream \`postern.decisions\`: answers about a source, until a time. The key of a decision is its scope, value, roles, origin and scenario; of all with one key
the last one counts, and only a revocation ends one early.
`;

const evidenceIntroduction = `# Evidence

The stream \`postern.evidence\`: what the analyzers of single sources hand on to those that look at the whole site. Its order is the order of things for
them, live and in a replay. Kept as long as events.
`;

const decisionSummaries: Readonly<Record<keyof typeof decisionSchemas, string>> = {
  'decision-made': 'A decision was made, by an analyzer or a person.',
  'decision-revoked': 'A person took a decision back.',
};

const evidenceSummaries: Readonly<Record<EvidenceType, string>> = {
  'offence-seen': 'Something spoke against a source; three a source and day.',
  'mail-accepted': 'The first mail (or password) of a source within 30 days was accepted.',
  'authentication-seen': 'Somebody authenticated, or tried to.',
  'bounce-seen': 'A forward-path was asked for with a null reverse-path.',
  'recipient-seen': 'A stranger asked for a forward-path.',
  'relay-refused':
    'A relay rule refused a forward-path, or would have; three a source and day, and the first that reroutes.',
  'account-used': 'An authenticated account sent a message.',
  'session-held': 'A session is still alive.',
  'empty-sessions': 'Twenty sessions of strangers came and went without a mail transaction.',
  'held-session-released': 'A message was accepted whose session had stood nearly still.',
};

/** docs/events.md: every event with its fields, types, units and descriptions. */
export function renderEventDocs(): string {
  const priorities = new Map<string, string>(Object.entries(typePriorities));
  const ofEvents = (type: string): string => ` Priority: ${priorities.get(type) ?? commandPriority}.`;
  return [
    introduction,
    ...sectionsOf(eventSchemas, summaries, ofEvents),
    decisionIntroduction,
    ...sectionsOf(decisionSchemas, decisionSummaries),
    evidenceIntroduction,
    ...sectionsOf(evidenceSchemas, evidenceSummaries),
  ].join('\n');
}

function sectionsOf(
  schemas: Readonly<Record<string, z.ZodType>>,
  texts: Readonly<Record<string, string>>,
  more: (type: string) => string = () => '',
): readonly string[] {
  return Object.entries(schemas).map(([type, schema]) =>
    [
      `## ${type}`,
      '',
      `${texts[type]} Version ${EVENT_VERSION}.${more(type)}`,
      '',
      '| field | type | unit | description |',
      '|---|---|---|---|',
      ...rowsOf(z.toJSONSchema(schema), ''),
      '',
    ].join('\n'),
  );
}

/** One row a field, and those of an object below it. */
function rowsOf(shape: Shape, prefix: string): readonly string[] {
  const required: readonly unknown[] = Array.isArray(shape.required) ? shape.required : [];
  return Object.entries(isShape(shape.properties) ? shape.properties : {}).flatMap(
    ([name, value]: [string, unknown]) => {
      if (!isShape(value)) return [];
      const optional = required.includes(name) ? '' : ', *optional*';
      const description = typeof value.description === 'string' ? value.description : 'Name of the event.';
      const row = `| \`${prefix}${name}\` | ${typeText(value)}${optional} | ${unitOf(name)} | ${escaped(description)} |`;
      const inner = isShape(value.items) ? value.items : value;
      return [row, ...rowsOf(inner, `${prefix}${name}${inner === value ? '' : '[]'}.`)];
    },
  );
}

function typeText(shape: Shape): string {
  if (shape.const !== undefined) return `\`${String(shape.const)}\``;
  if (Array.isArray(shape.enum)) return shape.enum.map((value) => `\`${String(value)}\``).join(', ');
  switch (shape.type) {
    case 'string':
      return `${baseText(shape)}${limit(shape.maxLength, 'characters')}`;
    case 'integer':
    case 'number':
      return `${shape.type === 'integer' ? 'integer' : 'number'}${range(shape)}`;
    case 'array':
      return Array.isArray(shape.prefixItems)
        ? `[${shape.prefixItems.filter(isShape).map(baseText).join(', ')}]`
        : `list of ${isShape(shape.items) ? typeText(shape.items) : 'anything'}${limit(shape.maxItems, 'items')}`;
    case 'object':
      return isShape(shape.additionalProperties) ? `object of ${typeText(shape.additionalProperties)}` : 'object';
    default:
      return String(shape.type);
  }
}

const baseText = ({ type }: Shape): string => (type === 'string' ? 'text' : String(type));

const limit = (max: unknown, unit: string): string => (typeof max === 'number' ? `, at most ${max} ${unit}` : '');

/** Bounds, where they say more than the type does. */
function range({ minimum, maximum }: Shape): string {
  if (typeof maximum !== 'number' || maximum >= TIME_MS_MAX) return minimum === 0 ? ' from 0' : '';
  return ` from ${String(minimum)} to ${maximum}`;
}

/** Fields carry their unit last in their name. */
function unitOf(name: string): string {
  if (name === 'at' || name.endsWith('At')) return 'ms since 1970';
  if (name.endsWith('Us')) return 'µs';
  if (name.endsWith('Ms')) return 'ms';
  return name.startsWith('octets') && name !== 'octetsHex' ? 'octets' : '';
}

const escaped = (text: string): string => text.replaceAll('|', '\\|');

import type { z } from 'zod';
import { networkKey } from '../lib/ip.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { type DecisionEvent, decisionSchemas } from './decision.ts';
import { EVENT_VERSION, eventSchemas, type MailEvent } from './event.ts';
import { type EvidenceEvent, evidenceSchemas } from './evidence.ts';

/** Why a line is no event of its vocabulary. */
export type DecodeFault =
  | { readonly kind: 'not-json' }
  /** Not an object with a `type` and a version `v` from 1 on. */
  | { readonly kind: 'not-an-event' }
  | { readonly kind: 'unknown-type'; readonly type: string }
  /** Written by a newer program. */
  | { readonly kind: 'unknown-version'; readonly version: number }
  /** `field`: path of the first field at fault, with dots; empty for the whole. */
  | { readonly kind: 'invalid'; readonly field: string; readonly reason: string };

/** The fields of an event of some version, before they are validated. */
export type Fields = Readonly<Record<string, unknown>>;

/** Lifts the fields of one event to the next version; `v` is left to the decoder. */
export type Upcast = (fields: Fields) => Fields;

/** `upcasts.get(type)?.get(version)` lifts an event of that version by one. Where there is none, nothing changed. */
export type Upcasts = ReadonlyMap<string, ReadonlyMap<number, Upcast>>;

const beyondPrintableAscii = /[\u007f-\uffff]/;
const eachBeyondPrintableAscii = /[\u007f-\uffff]/g;

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * One line of JSON, printable ASCII only: what JSON.stringify leaves beyond it (DEL, C1 controls, line separators, marks
 * of direction, any other script) is escaped, so a line can neither break a log nor play with a terminal, and its length
 * is its octets. Nothing is validated.
 */
export const encodeEvent = (event: MailEvent | DecisionEvent | EvidenceEvent): string => encodeLine(event);

/** {@link encodeEvent} of a value that may be of another release. */
export function encodeLine(value: unknown): string {
  const line = JSON.stringify(value);
  return beyondPrintableAscii.test(line) ? line.replace(eachBeyondPrintableAscii, escaped) : line;
}

/** How versions are told apart and lifted. */
export interface Versions {
  readonly upcasts: Upcasts;
  /** The version written today. */
  readonly current: number;
}

/** There is one version so far, and nothing to lift. */
const versions: Versions = { upcasts: new Map(), current: EVENT_VERSION };

/** The schema of every event of one stream, by type. */
type Vocabulary<Event> = Readonly<Record<string, z.ZodType<Event>>>;

/** A reader of lines as written by {@link encodeEvent}, of this version or an older one. Unknown fields are ignored. */
type Decoder<Event> = (line: string) => Result<Event, DecodeFault>;

function decoderOf<Event>(vocabulary: Vocabulary<Event>): Decoder<Event> {
  const schemas = new Map(Object.entries(vocabulary));
  return (line) => decodeWith(schemas, versions, line);
}

/** Reads one line of `postern.events`. */
export const decodeEvent: Decoder<MailEvent> = decoderOf<MailEvent>(eventSchemas);
/** Reads one line of `postern.decisions`. */
export const decodeDecision: Decoder<DecisionEvent> = decoderOf<DecisionEvent>(decisionSchemas);
/** Reads one line of `postern.evidence`. */
export const decodeEvidence: Decoder<EvidenceEvent> = decoderOf<EvidenceEvent>(evidenceSchemas);

/** {@link decodeEvent} with upcasts of one's own, and a current version other than that of the schemas. */
export const decodeEventWith = (ownVersions: Versions, line: string): Result<MailEvent, DecodeFault> =>
  decodeWith(new Map<string, z.ZodType<MailEvent>>(Object.entries(eventSchemas)), ownVersions, line);

function decodeWith<Event>(
  schemas: ReadonlyMap<string, z.ZodType<Event>>,
  { upcasts, current }: Versions,
  line: string,
): Result<Event, DecodeFault> {
  const fields = fieldsOf(line);
  if (fields === undefined) return err({ kind: 'not-json' });
  const { type, v } = fields;
  if (typeof type !== 'string' || typeof v !== 'number' || !Number.isInteger(v) || v < 1) {
    return err({ kind: 'not-an-event' });
  }
  if (v > current) return err({ kind: 'unknown-version', version: v });
  let lifted = fields;
  for (let version = v; version < current; version += 1) lifted = lift(upcasts, lifted, version);
  return validated(schemas, v === EVENT_VERSION ? lifted : { ...lifted, v: EVENT_VERSION });
}

/** An upcast may rename the type; the next one is then looked up under the new name. */
function lift(upcasts: Upcasts, fields: Fields, version: number): Fields {
  const upcast = upcasts.get(String(fields['type']))?.get(version);
  return upcast === undefined ? fields : upcast(fields);
}

function validated<Event>(schemas: ReadonlyMap<string, z.ZodType<Event>>, fields: Fields): Result<Event, DecodeFault> {
  const type = String(fields['type']);
  const schema = schemas.get(type);
  if (schema === undefined) return err({ kind: 'unknown-type', type });
  const parsed = schema.safeParse(fields);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  return err({ kind: 'invalid', field: issue?.path.map(String).join('.') ?? '', reason: issue?.message ?? '' });
}

/** The type that a line claims to be, for counting; `unknown` if it claims none. Nothing is validated. */
export function typeOfLine(line: string): string {
  const type = fieldsOf(line)?.['type'];
  return typeof type === 'string' ? type : 'unknown';
}

/** The object that a line holds; undefined if it is not JSON, or JSON of something else. */
function fieldsOf(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) ? value : {};
  } catch {
    return undefined;
  }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The key that keeps a source and its neighbourhood in order: the /24 or /48 of the client's address.
 *
 * @returns undefined for a control event, which concerns every source and goes into every partition.
 */
export const partitionKeyOf = (event: MailEvent): string | undefined =>
  'ip' in event ? networkKey(event.ip) : undefined;

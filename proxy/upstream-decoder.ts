import { Buffer, isUtf8 } from 'node:buffer';
import { EVIDENCE_OCTETS_MAX } from '../events/event.ts';
import { isDigit, isPrintable } from '../lib/ascii.ts';
import { assert } from '../lib/assert.ts';
import { REPLY_LINE_OCTETS_MAX, REPLY_LINES_MAX, REPLY_OCTETS_MAX } from './decoder-limits.ts';
import type { UpstreamUnit } from './input.ts';
import { LineReader, type LineRules } from './line-reader.ts';
import { OctetQueue } from './octet-queue.ts';

const HYPHEN = 0x2d;
const SP = 0x20;
const ZERO = 0x30;
const CODE_DIGITS = 3;

/** One line of a reply. `last`: no hyphen behind the code. */
interface ReplyLine {
  readonly code: number;
  readonly last: boolean;
  readonly text: string;
}

/** The lines of a reply whose last one has not come. */
interface PartialReply {
  readonly code: number;
  readonly lines: string[];
  /** How many of the octets ever pushed came before it. */
  readonly startedAt: number;
  octets: number;
}

/**
 * Turns the octets of the server behind into replies (RFC 5321 section 4.2), and nothing that is not one: after the first
 * fault it yields nothing more. What passes is the code and safe text; its octets never do.
 *
 * It keeps what was pushed until it is consumed: the caller must not change those octets.
 */
export class UpstreamDecoder {
  readonly #queue = new OctetQueue();
  readonly #lines = new LineReader(this.#queue);
  readonly #rules: LineRules;
  #partial: PartialReply | undefined;
  #failed = false;
  #pushed = 0;
  /** How many octets had been pushed when the reply fell due; undefined while none is due. */
  #dueFrom: number | undefined;

  /** `lenientLineEnds`: a bare LF ends a line as well, for servers that know no better. */
  constructor(settings: { readonly lenientLineEnds: boolean }) {
    this.#rules = {
      octetsMax: () => REPLY_LINE_OCTETS_MAX,
      tailOctetsMax: 0,
      bareLineFeedEnds: settings.lenientLineEnds,
    };
  }

  /** Octets pushed that belong to no reply that was yielded. */
  get bufferedOctets(): number {
    return this.#queue.length + (this.#partial?.octets ?? 0);
  }

  /** Takes octets from the server behind, in order. Dropped after a fault. */
  push(octets: Uint8Array): void {
    if (this.#failed) return;
    this.#queue.push(octets);
    this.#pushed += octets.length;
  }

  /**
   * One reply is due from here on: call it when a command that gets a reply is written, and for the greeting. One at a time.
   */
  expect(): void {
    assert(this.#dueFrom === undefined, 'one outstanding command upstream');
    this.#dueFrom = this.#pushed;
  }

  /** Forgets everything, a reply that is due included: what came before a TLS handshake means nothing after it. */
  reset(): void {
    this.#queue.clear();
    this.#lines.restart();
    this.#partial = undefined;
    this.#failed = false;
    this.#dueFrom = undefined;
  }

  /** The next whole reply, or the fault; undefined until more octets come. */
  next(): UpstreamUnit | undefined {
    while (!this.#failed) {
      const line = this.#lines.next(this.#rules);
      if (line === undefined) return undefined;
      if (line.kind === 'fault') {
        const reason = line.fault.startsWith('overlong') ? 'line-too-long' : line.fault;
        return this.#fail(reason, line.octets);
      }
      const unit = this.#addLine(line.line, line.octets);
      if (unit !== undefined) return unit;
    }
    return undefined;
  }

  /** Takes the next line of a reply; a unit when that was its last one, or when it does not belong there. */
  #addLine(octets: Uint8Array, octetCount: number): UpstreamUnit | undefined {
    const line = parseReplyLine(octets);
    if (line === undefined) return this.#fail('not-a-reply', octets);
    const startedAt = this.#pushed - this.#queue.length - octetCount;
    this.#partial ??= { code: line.code, lines: [], octets: 0, startedAt };
    const reply = this.#partial;
    reply.lines.push(line.text);
    reply.octets += octetCount;
    if (line.code !== reply.code) return this.#fail('code-changed', octets);
    if (reply.lines.length > REPLY_LINES_MAX) return this.#fail('too-many-lines', octets);
    if (reply.octets > REPLY_OCTETS_MAX) return this.#fail('reply-too-long', octets);
    return line.last ? this.#finish(reply) : undefined;
  }

  #finish(reply: PartialReply): UpstreamUnit {
    const early = this.#dueFrom === undefined || reply.startedAt < this.#dueFrom;
    this.#partial = undefined;
    this.#dueFrom = undefined;
    return {
      kind: 'reply',
      reply: { code: reply.code, lines: reply.lines },
      early,
      trailingOctets: this.#queue.length,
    };
  }

  #fail(reason: string, octets: Uint8Array): UpstreamUnit {
    this.#failed = true;
    this.#partial = undefined;
    this.#queue.clear();
    return { kind: 'fault', reason, octets: octets.slice(0, EVIDENCE_OCTETS_MAX) };
  }
}

/** `Reply-code [ SP textstring ]` or `Reply-code "-" [ textstring ]`, the code from 200 to 599 (RFC 5321 section 4.2). */
function parseReplyLine(line: Uint8Array): ReplyLine | undefined {
  const [hundreds = 0, tens = 0, ones = 0, separator] = line;
  if (!isDigit(hundreds) || !isDigit(tens) || !isDigit(ones)) return undefined;
  if (separator !== undefined && separator !== SP && separator !== HYPHEN) return undefined;
  const code = (hundreds - ZERO) * 100 + (tens - ZERO) * 10 + (ones - ZERO);
  if (code < 200 || code > 599) return undefined;
  return { code, last: separator !== HYPHEN, text: safeText(line.subarray(CODE_DIGITS + 1)) };
}

/** Nearly every line is printable ASCII. */
function isPlain(octets: Uint8Array): boolean {
  for (let index = 0; index < octets.length; index += 1) if (!isPrintable(octets[index] ?? 0)) return false;
  return true;
}

/**
 * The text of a line. UTF-8 stays (RFC 6531 section 3.7.4.2) unless C1 controls are in
 * it; a tab becomes a space, and everything else that is not printable becomes `?`.
 */
function safeText(octets: Uint8Array): string {
  if (isPlain(octets)) return latin1(octets);
  const utf8 = isUtf8(octets) ? Buffer.from(octets).toString('utf8') : undefined;
  const text = utf8 !== undefined && !/[\x80-\x9f]/.test(utf8) ? utf8 : latin1(octets).replace(/[\x80-\xff]/g, '?');
  return text.replace(/\t/g, ' ').replace(/[\x00-\x1f\x7f]/g, '?');
}

const latin1 = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');

import { Buffer, isUtf8 } from 'node:buffer';
import { escapeField } from '../lib/escape.ts';
import { jsonOf } from '../lib/json.ts';
import { type Hash64, KeyedHash } from '../lib/keyed-hash.ts';
import { type Occurrence, occurrencesIn, type SoughtAddress } from './address-search.ts';
import { encodeLine } from './codec.ts';
import { EVIDENCE_OCTETS_MAX, FIELD_LENGTH_MAX, REPLY_TEXT_LENGTH_MAX } from './event.ts';
import { type Forgetting, PSEUDONYM_PREFIX } from './forgetting.ts';

/** Values inside of values that are looked at: no event has so many. */
export const DEPTH_MAX = 16;
/** A text that is so near its longest may have been cut off: no escape is cut in two. UTF-16 code units. */
const CUT_WITHIN = 6;
/** Letters that tell details (`anna+x@…`) apart. */
const DETAIL_LETTERS = 8;

export interface ForgetterOptions {
  /** Told of each forward-path and account that is replaced: evidence holds keyed hashes of both. */
  readonly onObject?: (before: string, after: string) => void;
  /** What stands in place of the `object` of a piece of evidence. */
  readonly objects?: ReadonlyMap<string, string>;
}

/**
 * Takes a person out of what was recorded. What is the same stays the same and what differs stays different, spellings included, so that
 * counts do not change; the domain stays. A pure function: the same text always gives the same one.
 */
export class Forgetter {
  /**
   * What every text that names the person holds, as a regular expression of JavaScript and of RE2 without regard to case: for a coarse
   * search. Quoting and letters beyond ASCII can be written in other ways, so they count as well.
   */
  readonly coarsePattern: string;
  private readonly forgetting: Forgetting;
  private readonly options: ForgetterOptions;
  private readonly sought: SoughtAddress;
  private readonly accounts: ReadonlyMap<string, string>;
  private readonly hash: KeyedHash;
  private readonly coarse: RegExp;
  private readonly coarseLine: RegExp;

  constructor(forgetting: Forgetting, options: ForgetterOptions = {}) {
    const { local, domain, localHash, accounts, key } = forgetting;
    this.forgetting = forgetting;
    this.options = options;
    this.sought = { local, domain, localHash: localHash?.from };
    this.accounts = new Map(accounts.map(({ from, to }) => [from, to]));
    this.hash = new KeyedHash(key);
    const names = [local, ...(localHash === undefined ? [] : [localHash.from]), ...this.accounts.keys()];
    const runs = new Set(names.flatMap((name) => longestRunOf(name) ?? []));
    this.coarsePattern = [...runs, '\\\\', '[^\\x00-\\x7f]'].join('|');
    this.coarse = new RegExp(this.coarsePattern, 'i');
    // In a line everything beyond ASCII, and every quote, has a backslash before it.
    this.coarseLine = new RegExp([...runs, '\\\\', '"octetsHex"', '"object"'].join('|'), 'i');
  }

  /** The line without the person; the same octets where it does not name him. */
  line(line: string): string {
    if (!this.coarseLine.test(line)) return line;
    const value = jsonOf(line);
    const changed = this.json(value);
    return changed === value ? line : encodeLine(changed);
  }

  /** A value of JSON, of an event or of a part of one; the same one where nothing of it changes. */
  json(value: unknown): unknown {
    return this.changed(value, '', {}, 0);
  }

  /**
   * A text of an event.
   *
   * @param lengthMax - Most UTF-16 code units that it may have.
   */
  text(text: string, lengthMax: number = FIELD_LENGTH_MAX): string {
    if (!this.coarse.test(text)) return text;
    const found = occurrencesIn(text, this.sought, text.length > lengthMax - CUT_WITHIN);
    if (found.length === 0) return text;
    return escapeField(this.replaced(text, found), Math.max(lengthMax, text.length));
  }

  /** The name of an account, or its keyed hash. */
  account(name: string): string {
    return this.accounts.get(name) ?? this.text(name);
  }

  /** Octets in hexadecimal digits. */
  hex(digits: string): string {
    if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) return digits;
    const octets = Buffer.from(digits, 'hex');
    const encoding = isUtf8(octets) ? 'utf8' : 'latin1';
    const text = octets.toString(encoding);
    const found = occurrencesIn(text, this.sought, octets.length >= EVIDENCE_OCTETS_MAX);
    if (found.length === 0) return digits;
    return Buffer.from(this.replaced(text, found), encoding).toString('hex');
  }

  private changed(value: unknown, key: string, around: Readonly<Record<string, unknown>>, depth: number): unknown {
    if (typeof value === 'string') return this.field(value, key, around);
    if (typeof value !== 'object' || value === null || depth >= DEPTH_MAX) return value;
    if (Array.isArray(value)) {
      const each = value.map((one: unknown) => this.changed(one, key, around, depth + 1));
      return each.every((one, index) => one === value[index]) ? value : each;
    }
    const before = Object.entries(value);
    const fields = Object.fromEntries(before);
    const after = before.map(([name, one]) => [name, this.changed(one, name, fields, depth + 1)] as const);
    if (after.every(([, one], index) => one === before[index]?.[1])) return value;
    return withHexInBounds(Object.fromEntries(after));
  }

  private field(text: string, key: string, around: Readonly<Record<string, unknown>>): string {
    switch (key) {
      case 'octetsHex':
        return this.hex(text);
      case 'object':
        return this.options.objects?.get(text) ?? text;
      case 'account':
        return this.told(text, this.account(text));
      case 'forwardPath':
        return this.told(text, this.text(text));
      case 'value':
        return around['scope'] === 'account' ? this.account(text) : this.text(text);
      case 'text':
        return this.text(text, REPLY_TEXT_LENGTH_MAX);
      default:
        return this.text(text);
    }
  }

  private told(before: string, after: string): string {
    if (before !== after) this.options.onObject?.(before, after);
    return after;
  }

  private replaced(text: string, occurrences: readonly Occurrence[]): string {
    let result = '';
    let done = 0;
    for (const { start, end, isHash, detail } of occurrences) {
      const spelling = text.slice(start, end);
      result +=
        text.slice(done, start) + (isHash ? (this.forgetting.localHash?.to ?? '') : this.name(spelling, detail));
      done = end;
    }
    return result + text.slice(done);
  }

  /** Other spellings of an address are the same pseudonym with other letters in upper case. */
  private name(spelling: string, detail: string | undefined): string {
    const { local, word } = this.forgetting;
    const normal = detail === undefined ? local : `${local}+${detail}`;
    const letters = spelling === normal ? word : inUpperCase(word, this.hash.of(spelling));
    const tail = detail === undefined ? '' : `.${lettersOf(this.hash.of(`+${detail}`))}`;
    return `${PSEUDONYM_PREFIX}${letters}${tail}`;
  }
}

/** Letters and digits of a name that stand in every spelling of it; undefined where it has none. */
function longestRunOf(name: string): string | undefined {
  const runs = name.match(/[a-z0-9]+/g) ?? [];
  return runs.toSorted((one, other) => other.length - one.length)[0];
}

/** A pseudonym may be longer than the name: what does not fit any more is cut off, as it was when the octets were recorded. */
function withHexInBounds(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const hex = fields['octetsHex'];
  if (typeof hex !== 'string' || hex.length <= 2 * EVIDENCE_OCTETS_MAX) return fields;
  return { ...fields, octetsHex: hex.slice(0, 2 * EVIDENCE_OCTETS_MAX), truncated: true };
}

function inUpperCase(word: string, { low }: Hash64): string {
  // One letter at least: otherwise it would be the spelling in lower case.
  const bits = (low & 0xff_ff) === 0 ? 1 : low;
  return [...word].map((letter, index) => (((bits >>> index) & 1) === 1 ? letter.toUpperCase() : letter)).join('');
}

function lettersOf({ high, low }: Hash64): string {
  let letters = '';
  for (let index = 0; index < DETAIL_LETTERS; index += 1) {
    const part = index < DETAIL_LETTERS / 2 ? high : low;
    const code = (part >>> (8 * (index % 4))) & 0xff;
    letters += String.fromCharCode(0x61 + (code % 26));
  }
  return letters;
}

import type { ReplyPattern } from './dialogue.ts';
import { toLatin1 } from './octets.ts';

/** One whole reply as a client read it. */
export interface ClientReply {
  readonly code: number;
  readonly lines: readonly string[];
  readonly octets: string;
}

/** Reads replies from octets, strictly (RFC 5321 section 4.2); what is not a reply is a fault of the gate. */
export class ReplyReader {
  readonly faults: string[] = [];
  #pending = '';
  #lines: string[] = [];
  #octets = '';

  push(octets: Uint8Array): ClientReply[] {
    this.#pending += toLatin1(octets);
    const replies: ClientReply[] = [];
    for (let end = this.#pending.indexOf('\r\n'); end >= 0; end = this.#pending.indexOf('\r\n')) {
      const line = this.#pending.slice(0, end);
      this.#pending = this.#pending.slice(end + 2);
      const match = /^([2-5][0-9]{2})([ -])([^\x00-\x08\x0a-\x1f\x7f]*)$/.exec(line);
      if (!match) {
        this.faults.push(`not a reply line: ${JSON.stringify(line)}`);
        continue;
      }
      this.#lines.push(match[3] ?? '');
      this.#octets += `${line}\r\n`;
      if (match[2] === '-') continue;
      replies.push({ code: Number(match[1]), lines: this.#lines, octets: this.#octets });
      this.#lines = [];
      this.#octets = '';
    }
    return replies;
  }

  /** Octets of a reply that is not whole. */
  get rest(): string {
    return this.#octets + this.#pending;
  }
}

const fitsCode = (code: number, pattern: string): boolean =>
  pattern.endsWith('xx') ? String(code).charAt(0) === pattern.charAt(0) : String(code) === pattern;

/** What of the pattern the reply misses; undefined when it fits. */
export function misfit(reply: ClientReply, pattern: ReplyPattern): string | undefined {
  if (!pattern.codes.some((code) => fitsCode(reply.code, code))) return `code ${pattern.codes.join(' or ')}`;
  const { enhanced } = pattern;
  if (enhanced !== undefined && !reply.lines.every((line) => line.startsWith(`${enhanced} `) || line === enhanced))
    return `enhanced code ${enhanced} on every line`;
  const text = reply.lines.join('\n');
  for (const { regexp, negated } of pattern.texts) {
    if (regexp.test(text) === negated) return `${negated ? 'no ' : ''}${String(regexp)}`;
  }
  return undefined;
}

import type { Answer } from './dialogue.ts';
import { concatenate, fromLatin1, show, toLatin1 } from './octets.ts';

/** What a well-behaved server behind offers unless the script says otherwise. */
export const defaultKeywords: readonly string[] = [
  'PIPELINING',
  'SIZE 10485760',
  '8BITMIME',
  'CHUNKING',
  'SMTPUTF8',
  'DSN',
  'ENHANCEDSTATUSCODES',
  'AUTH PLAIN LOGIN',
];

/** Something the server owes an answer to. */
export interface Obligation {
  /** A verb, or CONNECT, GREETING, TLS, SASL, DOT, LAST. */
  readonly event: string;
  readonly argument: string;
}

/** A body the server read: the octets of DATA, dots as they came and terminator excluded, or chunks of BDAT. */
export interface ServerBody {
  readonly parts: readonly Uint8Array[];
  /** The server answered its end with a 2xx. */
  readonly committed: boolean;
}

/** Verbs that may reach a server (invariant I4); XCLIENT is the gate's own. */
const allowedVerbs: ReadonlySet<string> = new Set([
  'HELO',
  'EHLO',
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'RSET',
  'NOOP',
  'QUIT',
  'AUTH',
  'STARTTLS',
  'XCLIENT',
]);
const CR = 13;
const LF = 10;

/** The code of the first reply that is whole; 0 when there is none. */
function finalCode(octets: Uint8Array): number {
  const lines = toLatin1(octets).split(/\r?\n/);
  const final = lines.find((line) => /^[2-5][0-9]{2}(?:[^-]|$)/.test(line));
  return final === undefined ? 0 : Number(final.slice(0, 3));
}

/**
 * The server behind, as a script plays it: it reads octets strictly by RFC 5321, notes what must never reach a server, and
 * says what it owes an answer to. It knows nothing of the gate.
 */
export class ScriptedServer {
  keywords: readonly string[] = defaultKeywords;
  readonly violations: string[] = [];
  readonly bodies: ServerBody[] = [];
  /** Replies given with this code, by what they answered. */
  readonly given: { readonly event: string; readonly code: number }[] = [];
  readonly #queued = new Map<string, Answer[]>();
  readonly #always = new Map<string, Answer>();
  #mode: 'command' | 'sasl' | 'data' | 'chunk' | 'tls' = 'command';
  #pending: Uint8Array = new Uint8Array(0);
  #body: Uint8Array[] = [];
  #chunk: Uint8Array[] = [];
  #chunkOctetsLeft = 0;
  #chunkLast = false;
  #chunkAnswered = 0;
  #saslSteps = 0;
  #mechanism = '';
  #owed: Obligation | undefined;

  /** Adds scripted answers for an event (`*`: any). */
  script(event: string, always: boolean, answers: readonly Answer[]): void {
    const [first] = answers;
    if (always && first) this.#always.set(event, first);
    else this.#queued.set(event, [...(this.#queued.get(event) ?? []), ...answers]);
  }

  /** What the script says of this obligation; by default a good answer at once. */
  planned(obligation: Obligation): Answer {
    const queued = this.#queued.get(obligation.event)?.shift();
    return (
      queued ??
      this.#always.get(obligation.event) ??
      this.#always.get('*') ?? { afterMs: 0, action: { kind: 'default' } }
    );
  }

  /** Takes octets the gate wrote; returns what is now owed (one thing at a time: the gate keeps lockstep, I3). */
  receive(octets: Uint8Array): Obligation[] {
    if (octets.length === 0) return [];
    if (this.#owed && this.#owed.event !== 'TLS')
      this.violations.push(`I3: ${show(octets)} was written while ${this.#owed.event} was unanswered`);
    this.#pending = this.#pending.length === 0 ? octets : concatenate([this.#pending, octets]);
    const owed: Obligation[] = [];
    for (let next = this.#read(); next !== undefined; next = this.#read()) {
      if (next === 'more') continue;
      if (owed.length > 0) this.violations.push(`I3: ${next.event} was written behind ${owed[0]?.event}`);
      owed.push(next);
    }
    return owed;
  }

  /** The obligation is now the one waited for. */
  owe(obligation: Obligation | undefined): void {
    this.#owed = obligation;
  }

  /** Notes an answer that was written to the gate: what the server reads next depends on it. */
  answered(obligation: Obligation, octets: Uint8Array): void {
    this.#owed = undefined;
    const code = finalCode(octets);
    this.given.push({ event: obligation.event, code });
    this.#follow(obligation, code);
  }

  #follow(obligation: Obligation, code: number): void {
    switch (obligation.event) {
      case 'DATA':
        this.#body = [];
        if (code === 354) this.#mode = 'data';
        return;
      case 'AUTH':
      case 'SASL':
        this.#mode = code === 334 ? 'sasl' : 'command';
        return;
      case 'STARTTLS':
        if (code === 220) this.#mode = 'tls';
        return;
      case 'TLS':
        this.#mode = 'command';
        return;
      case 'DOT':
      case 'LAST':
        this.bodies.push({ parts: this.#body, committed: code >= 200 && code < 300 });
        this.#body = [];
        return;
      case 'RSET':
      case 'EHLO':
        if (code < 300) this.#body = [];
        return;
    }
  }

  /** The server wrote although it owed nothing. In the middle of a chunk that is the answer to the chunk, and there is no other. */
  spoke(octets: Uint8Array): void {
    if (this.#mode === 'chunk' && this.#chunkAnswered === 0) this.#chunkAnswered = finalCode(octets);
  }

  /** The answer of a server in good health. */
  defaultAnswer({ event, argument }: Obligation): { readonly octets: string; readonly fin?: true } {
    switch (event) {
      case 'GREETING':
      case 'XCLIENT':
        return { octets: '220 mx.example.com ESMTP\r\n' };
      case 'EHLO': {
        const lines = ['mx.example.com', ...this.keywords];
        return { octets: lines.map((line, at) => `250${at < lines.length - 1 ? '-' : ' '}${line}\r\n`).join('') };
      }
      case 'HELO':
        return { octets: '250 mx.example.com\r\n' };
      case 'MAIL':
        return { octets: '250 2.1.0 ok\r\n' };
      case 'RCPT':
        return { octets: '250 2.1.5 ok\r\n' };
      case 'DATA':
        return { octets: '354 go ahead\r\n' };
      case 'DOT':
      case 'LAST':
        return { octets: '250 2.0.0 queued\r\n' };
      case 'BDAT':
        return { octets: '250 2.0.0 chunk ok\r\n' };
      case 'STARTTLS':
        return { octets: '220 2.0.0 go\r\n' };
      case 'QUIT':
        return { octets: '221 2.0.0 bye\r\n', fin: true };
      case 'AUTH':
      case 'SASL':
        return { octets: this.#authStep(event, argument) };
      default:
        return { octets: '250 2.0.0 ok\r\n' };
    }
  }

  #authStep(event: string, argument: string): string {
    if (event === 'AUTH') {
      const [mechanism = '', initial] = argument.split(' ');
      this.#mechanism = mechanism.toUpperCase();
      this.#saslSteps = initial === undefined ? 0 : 1;
    } else {
      if (argument === '*') return '501 5.7.0 cancelled\r\n';
      this.#saslSteps += 1;
    }
    const steps = this.#mechanism === 'LOGIN' ? 2 : 1;
    if (this.#saslSteps >= steps) return '235 2.7.0 welcome\r\n';
    if (this.#mechanism !== 'LOGIN') return '334 \r\n';
    return this.#saslSteps === 0 ? '334 VXNlcm5hbWU6\r\n' : '334 UGFzc3dvcmQ6\r\n';
  }

  /** Reads one thing from what is pending; `more`: it was read but is owed no answer. */
  #read(): Obligation | 'more' | undefined {
    if (this.#pending.length === 0 && !(this.#mode === 'chunk' && this.#chunkOctetsLeft === 0)) return undefined;
    switch (this.#mode) {
      case 'data':
        return this.#readData();
      case 'chunk':
        return this.#readChunk();
      case 'tls':
        this.violations.push(`I4: ${show(this.#pending)} was written in clear where TLS is due`);
        this.#pending = new Uint8Array(0);
        return undefined;
      default:
        return this.#readLine();
    }
  }

  #take(count: number): Uint8Array {
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(count);
    return taken;
  }

  #readLine(): Obligation | 'more' | undefined {
    const end = this.#pending.indexOf(LF);
    if (end < 0) return undefined;
    const line = this.#take(end + 1);
    const content = line.subarray(0, -2);
    if (line.at(-2) !== CR || content.includes(CR) || content.includes(0))
      this.violations.push(`I4: not a line: ${show(line)}`);
    const text = toLatin1(content);
    if (this.#mode === 'sasl') {
      this.#mode = 'command';
      return { event: 'SASL', argument: text };
    }
    const [verb = ''] = text.split(' ', 1);
    if (!allowedVerbs.has(verb)) {
      this.violations.push(`I4: no server may see ${show(line)}`);
      return { event: 'UNKNOWN', argument: text };
    }
    return this.#command(verb, text.slice(verb.length + 1));
  }

  #command(verb: string, argument: string): Obligation | 'more' {
    if (verb !== 'BDAT') return { event: verb, argument };
    const [size = '', last] = argument.split(' ');
    this.#chunkOctetsLeft = Number(size);
    this.#chunkLast = last === 'LAST';
    this.#mode = 'chunk';
    return 'more';
  }

  #readChunk(): Obligation | 'more' | undefined {
    const taken = this.#take(Math.min(this.#chunkOctetsLeft, this.#pending.length));
    this.#chunk.push(taken);
    this.#chunkOctetsLeft -= taken.length;
    if (this.#chunkOctetsLeft > 0) return undefined;
    this.#body.push(concatenate(this.#chunk));
    this.#chunk = [];
    this.#mode = 'command';
    const answered = this.#chunkAnswered;
    this.#chunkAnswered = 0;
    if (answered !== 0) {
      this.answered({ event: this.#chunkLast ? 'LAST' : 'BDAT', argument: '' }, fromLatin1(`${answered} \r\n`));
      return 'more';
    }
    return { event: this.#chunkLast ? 'LAST' : 'BDAT', argument: '' };
  }

  /** Only the last few octets before the new ones can begin a terminator. */
  #readData(): Obligation | undefined {
    // The CRLF of the DATA line counts as the one before the body (RFC 5321 section 4.1.1.4).
    const tail = concatenate([fromLatin1('\r\n'), ...this.#body.slice(-4)]).subarray(-4);
    const joined = Buffer.concat([tail, this.#pending]);
    const at = joined.indexOf('\r\n.\r\n');
    if (at < 0) {
      this.#body.push(this.#take(this.#pending.length));
      if (this.#body.length > 4096) this.#body = [concatenate(this.#body)];
      return undefined;
    }
    const whole = concatenate([...this.#body, this.#take(at + 5 - tail.length)]);
    this.#body = [whole.subarray(0, whole.length - 3)];
    this.#mode = 'command';
    return { event: 'DOT', argument: '' };
  }
}

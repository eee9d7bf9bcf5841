import type { MailEvent } from '../../../events/event.ts';
import type { Chunking } from './chunking.ts';
import type { Answer, Dialogue, EventPattern, Step, UpstreamPattern, Write } from './dialogue.ts';
import { checkInvariants } from './invariants.ts';
import { Machine, type Outside } from './machine.ts';
import { concatenate, fromLatin1, show, toLatin1 } from './octets.ts';
import { type ClientReply, misfit, ReplyReader } from './replies.ts';
import { type Obligation, ScriptedServer } from './server.ts';
import { setUp } from './setup.ts';

/** How long the harness waits for a session to end after its client has left: longer than every deadline. */
const END_WAIT_MS = 25 * 3_600_000;

/** What one run of a dialogue showed; compared between chunkings (invariant I1). */
export interface Run {
  readonly clientOctets: string;
  readonly upstreamOctets: string;
  readonly upstream: string;
  readonly events: readonly MailEvent[];
}

/** An expectation that was not met. */
export class DialogueFailure extends Error {}

interface Pending {
  readonly obligation: Obligation;
  readonly answer: Answer;
}

/** Everything one run keeps track of. */
export class DialogueRun {
  readonly server = new ScriptedServer();
  readonly machine: Machine;
  readonly replies: ClientReply[] = [];
  readonly clientParts: Uint8Array[] = [];
  readonly upstreamParts: Uint8Array[] = [];
  /** Client octets sent so far in the present leg, and where the body of each 354 began in them. */
  readonly sentParts: Uint8Array[] = [];
  readonly bodyStarts: number[] = [];
  readonly transcript: string[] = [];
  sentOctets = 0;
  /** The client is gone: it gets nothing more. */
  clientReset = false;
  readonly #dialogue: Dialogue;
  readonly #chunking: Chunking;
  readonly #lenient: boolean;
  readonly #reader = new ReplyReader();
  #repliesRead = 0;
  #upstreamSeen = 0;
  #pending: Pending | undefined;
  #answered: Uint8Array = new Uint8Array(0);
  #clientLeft = false;

  /** `lenient`: replies need not be read, and what is impossible is skipped; for scripts that nobody wrote. */
  constructor(dialogue: Dialogue, chunking: Chunking, lenient = false) {
    this.#dialogue = dialogue;
    this.#chunking = chunking;
    this.#lenient = lenient;
    this.machine = new Machine(setUp(dialogue.settings), this.#outside());
  }

  #outside(): Outside {
    return {
      dialled: () => this.#owe({ event: 'CONNECT', argument: '' }),
      preamble: (octets) => this.#logUpstream(octets),
      upstreamOctets: (octets) => {
        this.#logUpstream(octets);
        for (const obligation of this.server.receive(octets)) this.#owe(obligation);
      },
      upstreamExpects: () => this.#owe({ event: 'GREETING', argument: '' }),
      upstreamTlsBegins: () => this.#owe({ event: 'TLS', argument: '' }),
      upstreamLeft: (how) => {
        this.#note(`upstream ${how}`);
        this.#pending = undefined;
        this.server.owe(undefined);
        this.machine.clock.clear('answer');
      },
      clientOctets: (octets) => this.#toClient(octets),
    };
  }

  #note(line: string): void {
    if (this.transcript.length < 400)
      this.transcript.push(`${String(this.machine.clock.nowMs).padStart(8)} ms  ${line}`);
  }

  #logUpstream(octets: Uint8Array): void {
    this.#note(`U> ${show(octets)}`);
    this.upstreamParts.push(octets);
  }

  #toClient(octets: Uint8Array): void {
    this.#note(`C< ${show(octets)}`);
    this.clientParts.push(octets);
    for (const reply of this.#reader.push(octets)) {
      this.replies.push(reply);
      if (reply.code === 354) this.bodyStarts.push(this.sentOctets);
    }
  }

  /** The server now owes an answer; a delay of the script is an alarm. */
  #owe(obligation: Obligation): void {
    if (obligation.event === 'GREETING' && this.#pending) return;
    const answer = this.server.planned(obligation);
    this.#pending = { obligation, answer };
    this.server.owe(obligation);
    if (answer.afterMs > 0) this.machine.clock.set('answer', answer.afterMs, () => this.#answer());
  }

  /** Gives the answer that is owed and due. */
  #answer(): void {
    const pending = this.#pending;
    if (!pending) return;
    const { obligation, answer } = pending;
    const { action } = answer;
    if (action.kind === 'silent') return;
    this.#pending = undefined;
    if (obligation.event === 'CONNECT') {
      this.server.owe(undefined);
      if (action.kind === 'refused') this.machine.upstreamFailed('ECONNREFUSED');
      else this.machine.upstreamConnected();
      return;
    }
    if (obligation.event === 'TLS') {
      if (action.kind !== 'refused') this.server.answered(obligation, new Uint8Array(0));
      this.machine.upstreamTlsAnswers(action.kind !== 'refused');
      return;
    }
    if (action.kind === 'write') this.#upstreamWrites(action.write, obligation);
    else {
      const { octets, fin } = this.server.defaultAnswer(obligation);
      this.#upstreamWrites({ segments: [fromLatin1(octets)], ending: fin ? 'FIN' : undefined }, obligation);
    }
  }

  #upstreamWrites(write: Write, obligation: Obligation | undefined): void {
    const octets = concatenate(write.segments);
    if (octets.length > 0) this.#note(`U< ${show(octets)}`);
    if (obligation && octets.length > 0) this.#noteAnswer(obligation, octets);
    else this.server.spoke(octets);
    for (const segment of write.segments) this.machine.upstreamWrites(this.#chunking.cut(segment, [segment]));
    if (write.ending === 'FIN' || write.ending === 'RST') {
      this.#note(`U< <${write.ending}>`);
      this.machine.upstreamEnds(write.ending);
    }
  }

  /** A reply may come in several writes; until its last line the server still owes it. */
  #noteAnswer(obligation: Obligation, octets: Uint8Array): void {
    this.#answered = concatenate([this.#answered, octets]);
    if (/^(?:[2-5][0-9]{2}-[^\n]*\n)+$/.test(toLatin1(this.#answered))) {
      this.#pending = { obligation, answer: { afterMs: 0, action: { kind: 'silent' } } };
      return;
    }
    this.server.answered(obligation, this.#answered);
    this.#answered = new Uint8Array(0);
  }

  /** Lets the server answer what is due now, until nothing is. */
  #settle(): void {
    while (this.#pending && this.#pending.answer.afterMs === 0 && this.#pending.answer.action.kind !== 'silent')
      this.#answer();
  }

  /** Runs the script, ends the session, checks the invariants. Throws a {@link DialogueFailure} with the transcript. */
  run(): Run {
    const { steps } = this.#dialogue;
    for (const [index, step] of steps.entries()) {
      const overridden = steps.slice(index).find(({ kind }) => kind !== 'upstream-reads');
      if (overridden?.kind !== 'upstream-writes' && overridden?.kind !== 'upstream-silent') this.#settle();
      this.#do(step);
    }
    this.#end();
    for (const step of steps) if (step.kind === 'event') this.#checkEvent(step.pattern, step.line);
    const faults = checkInvariants(this, this.#dialogue.secrets).filter(({ id }) => !this.#dialogue.exceptions.has(id));
    const [fault] = faults;
    if (fault) this.#fail(undefined, `${fault.id}: ${fault.reason}`);
    return {
      clientOctets: toLatin1(concatenate(this.clientParts)),
      upstreamOctets: toLatin1(concatenate(this.upstreamParts)),
      upstream: this.machine.upstream,
      events: this.machine.events,
    };
  }

  #do(step: Step): void {
    switch (step.kind) {
      case 'connect':
        return this.machine.open();
      case 'client-writes':
        return this.#clientWrites(step.write, step.line);
      case 'upstream-writes':
        return this.#scriptedWrite(step.write);
      case 'upstream-silent':
        this.#becomeReady();
        if (this.#pending) this.#pending = { ...this.#pending, answer: { afterMs: 0, action: { kind: 'silent' } } };
        return;
      case 'server':
        return this.server.script(step.event, step.always, step.answers);
      case 'offers':
        this.server.keywords = step.keywords;
        return;
      case 'wait':
        this.#note(`wait ${step.forMs} ms`);
        return this.#advance(step.forMs);
      case 'flow':
        return this.machine.flow(step.leg, step.blocked);
      case 'shutdown':
        return this.machine.input({ kind: 'shutdown', now: step.now });
      case 'restrained':
        return this.machine.restrain(step.action, step.byOperator);
      case 'event':
        return;
      default:
        this.#expect(step);
    }
  }

  #expect(step: Step): void {
    switch (step.kind) {
      case 'client-reads':
        for (let count = 0; count < step.times; count += 1) {
          const reply = this.replies[this.#repliesRead];
          if (!reply)
            this.#fail(step.line, `the client should have got ${step.pattern.codes.join('|')}, it got nothing`);
          const missing = misfit(reply, step.pattern);
          if (missing !== undefined)
            this.#fail(step.line, `the client got ${show(fromLatin1(reply.octets))}, not ${missing}`);
          this.#repliesRead += 1;
        }
        return;
      case 'client-reads-octets': {
        const reply = this.replies[this.#repliesRead];
        if (reply?.octets !== toLatin1(step.octets))
          this.#fail(step.line, `the client got ${reply ? show(fromLatin1(reply.octets)) : 'nothing'}`);
        this.#repliesRead += 1;
        return;
      }
      case 'client-reads-nothing': {
        const reply = this.replies[this.#repliesRead];
        if (reply) this.#fail(step.line, `the client got ${show(fromLatin1(reply.octets))}`);
        return;
      }
      case 'upstream-reads':
        return this.#expectUpstream(step.pattern, step.line);
      case 'client-is':
        if (this.machine.clientClosed !== step.closed)
          this.#fail(step.line, `the client's connection is ${step.closed ? 'open' : 'closed'}`);
        return;
      case 'upstream-is': {
        const { upstream } = this.machine;
        if (upstream !== step.state) this.#fail(step.line, `the upstream connection is ${upstream}`);
        return;
      }
      default:
        return;
    }
  }

  #expectUpstream(pattern: UpstreamPattern, line: number): void {
    const seen = concatenate(this.upstreamParts.slice(this.#upstreamSeen));
    const text = toLatin1(seen);
    const fail = (): never => this.#fail(line, `upstream were written ${show(seen)}`);
    switch (pattern.kind) {
      case 'exactly':
        if (text !== toLatin1(pattern.octets)) fail();
        break;
      case 'nothing':
        if (text !== '') fail();
        break;
      case 'has':
        if (!text.includes(toLatin1(pattern.octets))) fail();
        return;
      case 'lacks':
        if (text.includes(toLatin1(pattern.octets))) fail();
        return;
      case 'any':
        break;
    }
    this.#upstreamSeen = this.upstreamParts.length;
  }

  #clientWrites(write: Write, line: number): void {
    const { machine } = this;
    if (this.#clientLeft) return this.#impossible(line, 'the client has left already');
    if (write.ending === 'TLS' || write.ending === 'TLS-FAIL') {
      if (machine.clientTls !== 'handshake') return this.#impossible(line, 'no TLS handshake is awaited');
      this.#note(`C> <${write.ending}>`);
      if (write.ending === 'TLS') machine.clientTlsStarts();
      else machine.clientTlsFails('handshake failure');
      return;
    }
    const octets = concatenate(write.segments);
    this.#note(`C> ${show(octets)}${write.ending ? ` <${write.ending}>` : ''}`);
    this.sentParts.push(octets);
    this.sentOctets += octets.length;
    this.#clientLeft = write.ending !== undefined;
    this.clientReset ||= write.ending === 'RST';
    machine.clientWrites(this.#chunking.cut(octets, write.segments), write.ending);
  }

  #impossible(line: number, reason: string): void {
    if (!this.#lenient) this.#fail(line, reason);
  }

  /** An `U<` line: in place of the answer that is owed, or out of turn when none is. */
  #scriptedWrite(write: Write): void {
    this.#becomeReady();
    const obligation = this.#pending?.obligation;
    this.#pending = undefined;
    this.machine.clock.clear('answer');
    this.#upstreamWrites(write, obligation);
  }

  /** Connecting and handshaking are not what an `U<` line stands for. */
  #becomeReady(): void {
    while (this.#pending?.obligation.event === 'CONNECT' || this.#pending?.obligation.event === 'TLS') this.#answer();
  }

  #advance(byMs: number): void {
    const untilMs = this.machine.clock.nowMs + byMs;
    this.#settle();
    while (this.machine.clock.runNext(untilMs)) this.#settle();
    this.machine.clock.advance(untilMs - this.machine.clock.nowMs);
  }

  /** The client leaves, and the session must end by itself. */
  #end(): void {
    this.#settle();
    const { machine } = this;
    if (!this.#clientLeft && !machine.finished) {
      this.#note('the script is over: C> <FIN>');
      machine.clientWrites([], 'FIN');
    }
    this.#advance(machine.finished ? 0 : END_WAIT_MS);
    if (machine.finishedCount !== 1) this.#fail(undefined, `the session finished ${machine.finishedCount} times`);
    const reply = this.#lenient ? undefined : this.replies[this.#repliesRead];
    if (reply) this.#fail(undefined, `the client got a reply too many: ${show(fromLatin1(reply.octets))}`);
    const [fault = this.#reader.rest === '' ? undefined : 'a reply is not whole'] = this.#reader.faults;
    if (fault !== undefined) this.#fail(undefined, fault);
  }

  #checkEvent({ fields, count }: EventPattern, line: number): void {
    const matching = this.machine.events.filter((event) =>
      [...fields].every(([path, want]) => want === fieldText(event, path)),
    );
    if (count === undefined ? matching.length === 0 : matching.length !== count)
      this.#fail(line, `${matching.length} events fit ${[...fields].map((pair) => pair.join('=')).join(' ')}`);
  }

  #fail(line: number | undefined, reason: string): never {
    const where = line === undefined ? '' : `line ${line}: `;
    const events = this.machine.events.map((event) => `  ${summary(event)}`);
    throw new DialogueFailure(
      [`${where}${reason}`, `(${this.#chunking.name})`, ...this.transcript, 'events:', ...events].join('\n'),
    );
  }
}

/** The value at a dotted path, as text; absent is the empty word `absent`. */
function fieldText(event: MailEvent, path: string): string {
  let at: unknown = event;
  for (const key of path.split('.')) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
  return at === undefined ? 'absent' : typeof at === 'object' ? JSON.stringify(at) : String(at);
}

function summary(event: MailEvent): string {
  const { v: _v, at: _at, site: _site, gate: _gate, ...rest } = event;
  const {
    listener: _listener,
    role: _role,
    ip: _ip,
    sid: _sid,
    ...shown
  } = { listener: '', role: '', ip: '', sid: '', ...rest };
  return JSON.stringify(shown);
}

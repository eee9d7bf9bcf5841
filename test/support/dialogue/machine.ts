import { createHash, type Hash } from 'node:crypto';
import { EVIDENCE_OCTETS_MAX, type MailEvent } from '../../../events/event.ts';
import { ClientDecoder } from '../../../proxy/client-decoder.ts';
import type { Effect } from '../../../proxy/effect.ts';
import type { Input, TlsFacts } from '../../../proxy/input.ts';
import { restraintBy } from '../../../proxy/policy/source-blocked.ts';
import type { SaslCredentials } from '../../../proxy/sasl-credentials.ts';
import { openSession, type Session, step } from '../../../proxy/session.ts';
import { UpstreamDecoder } from '../../../proxy/upstream-decoder.ts';
import { anEntry } from '../decisions.ts';
import { FakeClock } from './fake-clock.ts';
import { concatenate, toLatin1 } from './octets.ts';
import type { Setup } from './setup.ts';

/** Wall clock of the first input. */
const EPOCH_MS = 1_700_000_000_000;
export const SID = '018bcfe5-6800-7000-8000-000000000001';
/** Inputs one segment or alarm may lead to before the harness gives up: a machine that spins is a fault. */
const INPUTS_MAX = 2_000_000;

/** More than the longest run of dots the scanner holds. */
const BODY_TAIL_OCTETS = 80;

/** Modes in which the decoder consumes what it can. */
const reading: ReadonlySet<string> = new Set([
  'proxy-header',
  'command',
  'sasl',
  'data',
  'discard-data',
  'bdat',
  'discard-bdat',
]);

const tls: TlsFacts = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  sni: undefined,
  alpn: undefined,
  verified: undefined,
};

type UpstreamEffect = Extract<
  Effect,
  {
    kind:
      | 'connect-upstream'
      | 'expect-upstream'
      | 'command-upstream'
      | 'end-body-upstream'
      | 'body-upstream'
      | 'begin-digest'
      | 'start-upstream-tls'
      | 'end-upstream'
      | 'abort-upstream';
  }
>;

/** What the machine does to the outside; the server behind is on the other end. */
export interface Outside {
  /** The gate dials; answered later by `upstreamConnected` or `upstreamFailed`. */
  dialled(): void;
  /** A PROXY header written before anything else. */
  preamble(octets: Uint8Array): void;
  upstreamOctets(octets: Uint8Array): void;
  /** One reply is due without a command. */
  upstreamExpects(): void;
  upstreamTlsBegins(): void;
  upstreamLeft(how: 'aborted' | 'ended'): void;
  clientOctets(octets: Uint8Array): void;
}

/**
 * The shell without sockets: feeds the client decoder and the upstream decoder, steps the reducer, and does the shell's part
 * of each effect on a fake clock. It holds no expectations.
 */
export class Machine {
  readonly clock = new FakeClock();
  readonly events: MailEvent[] = [];
  /** What attempts to authenticate showed; the shell makes keyed hashes of it, here the events stay without. */
  readonly credentials: SaslCredentials[] = [];
  /** Reverse-paths of ours that mail went out with. */
  readonly senders: string[] = [];
  readonly violations: string[] = [];
  session: Session;
  upstream: 'undialled' | 'connecting' | 'open' | 'ended' | 'aborted' = 'undialled';
  /** The gate has begun to close the client's leg (`close-client`, `destroy-client`). */
  clientClosed = false;
  clientTls: 'clear' | 'handshake' | 'done' = 'clear';
  finishedCount = 0;
  octetsHeldMax = 0;
  readonly #setup: Setup;
  readonly #outside: Outside;
  readonly #client = new ClientDecoder();
  readonly #server: UpstreamDecoder;
  #clientEnding: 'open' | 'fin-waits' | 'ended' = 'open';
  #lineBegun = false;
  #settleWanted = false;
  #writing = false;
  #stepping = false;
  #repliesDue = 0;
  #draining: { octetsMax: number; octets: Uint8Array[]; count: number } | undefined;
  #digest: Hash | undefined;
  #inputCount = 0;
  #bodyTail = '';
  #octetsIn = 0;
  #octetsOut = 0;
  readonly #queue: Input[] = [];
  readonly #blocked = new Set<'client' | 'upstream'>();

  constructor(setup: Setup, outside: Outside) {
    this.#setup = setup;
    this.#outside = outside;
    this.#server = new UpstreamDecoder(setup.settings.upstream);
    const { ip, port, localAddress, localPort } = setup.admission;
    const now = { wallMs: EPOCH_MS, monotonicUs: 0 };
    this.session = openSession(setup.settings, { sid: SID, ip, port, localAddress, localPort, now });
  }

  get finished(): boolean {
    return this.finishedCount > 0;
  }

  /** The client connects. */
  open(): void {
    const { settings, admission } = this.#setup;
    this.input({ kind: 'opened', admission: settings.listener.proxyProtocol ? undefined : admission });
  }

  /** Everything of one client write arrives, in these segments, before anything else happens. */
  clientWrites(segments: readonly Uint8Array[], ending: 'FIN' | 'RST' | undefined): void {
    this.#writing = true;
    for (const segment of segments) this.#segment(segment);
    if (ending === 'FIN' && this.#clientEnding === 'open') this.#clientEnding = 'fin-waits';
    this.#run();
    this.#writing = false;
    this.#run();
    if (ending === 'RST' && this.#clientEnding !== 'ended') {
      this.#clientEnding = 'ended';
      if (!this.finished) this.#drainOrInput({ kind: 'client-failed', reason: 'ECONNRESET' });
    }
  }

  #segment(segment: Uint8Array): void {
    if (this.finished || this.#clientEnding !== 'open') return;
    this.#octetsIn += segment.length;
    if (this.#draining) this.#drain(segment);
    else if (this.clientTls === 'handshake') this.clientTlsFails('wrong version number');
    else {
      this.#client.push(segment);
      this.#run();
    }
  }

  clientTlsStarts(): void {
    this.clientTls = 'done';
    this.input({ kind: 'client-tls-started', tls });
  }

  clientTlsFails(reason: string): void {
    this.clientTls = 'clear';
    this.#clientEnding = 'ended';
    this.input({ kind: 'client-tls-failed', reason });
  }

  upstreamConnected(): void {
    this.upstream = 'open';
    const implicit = this.#setup.settings.upstream.tls === 'implicit';
    this.input({ kind: 'upstream-connected', tls: implicit ? { ...tls, verified: true } : undefined });
  }

  upstreamFailed(reason: string): void {
    this.upstream = 'aborted';
    this.input({ kind: 'upstream-failed', reason });
  }

  /** Octets of the server arrive together, in these pieces. */
  upstreamWrites(pieces: readonly Uint8Array[]): void {
    if (this.upstream !== 'open') return;
    for (const piece of pieces) this.#server.push(piece);
    this.#run();
  }

  upstreamEnds(how: 'FIN' | 'RST'): void {
    if (this.upstream !== 'open') return;
    this.upstream = how === 'FIN' ? 'ended' : 'aborted';
    this.input(how === 'FIN' ? { kind: 'upstream-ended' } : { kind: 'upstream-failed', reason: 'ECONNRESET' });
  }

  upstreamTlsAnswers(ok: boolean): void {
    if (this.upstream !== 'open') return;
    this.#server.reset();
    this.input(
      ok
        ? { kind: 'upstream-tls-started', tls: { ...tls, verified: true } }
        : { kind: 'upstream-tls-failed', reason: 'certificate has expired' },
    );
  }

  /** One leg stops reading what is written to it, or reads on. */
  flow(leg: 'client' | 'upstream', blocked: boolean): void {
    if (blocked === this.#blocked.has(leg) || (leg === 'upstream' && this.upstream !== 'open')) return;
    if (blocked) this.#blocked.add(leg);
    else this.#blocked.delete(leg);
    this.input({ kind: `${leg}-${blocked ? 'blocked' : 'flowing'}` });
  }

  /** Decisions about the source change. */
  restrain(action: 'slow' | 'defer' | 'nothing', byOperator: boolean): void {
    const { settings } = this.#setup;
    const entry = action === 'nothing' ? undefined : anEntry({ action, origin: byOperator ? 'operator' : 'analyzer' });
    const restraint = restraintBy(entry, { settings, reference: this.session.reference });
    this.input({ kind: 'restrained', restraint });
  }

  /** Delivers one input, and everything that follows from it. */
  input(input: Input): void {
    if (this.finished) return;
    this.#queue.push(input);
    this.#run();
  }

  #run(): void {
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#nextInput(); next !== undefined; next = this.#nextInput()) this.#step(next);
    } finally {
      this.#stepping = false;
    }
    // What waits for its turn is bounded by the shell, which stops reading the socket.
    if (reading.has(this.#client.mode.kind))
      this.octetsHeldMax = Math.max(this.octetsHeldMax, this.#client.bufferedOctets);
  }

  /** What happens next, in the order a shell would see it. */
  #nextInput(): Input | undefined {
    if (this.finished) return undefined;
    const queued = this.#queue.shift();
    if (queued !== undefined) return queued;
    if (this.upstream === 'open') {
      const unit = this.#server.next();
      if (unit !== undefined) {
        if (unit.kind === 'reply') this.#repliesDue -= 1;
        return { kind: 'upstream', unit };
      }
    }
    if (this.#draining || this.clientTls === 'handshake') return this.#end();
    // Whoever does not read is not served: the client's next octets wait.
    if (this.#blocked.size > 0) return undefined;
    const unit = this.#client.next();
    if (unit !== undefined) {
      this.#lineBegun = false;
      return { kind: 'client', unit };
    }
    if (!this.#lineBegun && this.#client.hasPartialLine) {
      this.#lineBegun = true;
      return { kind: 'client-line-begun' };
    }
    if (this.#settleWanted && !this.#writing) {
      this.#settleWanted = false;
      return { kind: 'settled' };
    }
    return this.#end();
  }

  /** The client's FIN, once nothing before it is waiting for its turn. */
  #end(): Input | undefined {
    if (this.#clientEnding !== 'fin-waits') return undefined;
    if (this.#draining) return this.#drained();
    // While it is stopped a reply is due, and commands may be waiting behind it: all of them are answered first.
    if (this.#client.mode.kind === 'stopped') return undefined;
    this.#clientEnding = 'ended';
    return { kind: 'client-ended' };
  }

  #step(input: Input): void {
    this.#inputCount += 1;
    if (this.#inputCount > INPUTS_MAX) throw new Error('the machine spins: too many inputs');
    const now = { wallMs: EPOCH_MS + this.clock.nowMs, monotonicUs: this.clock.nowMs * 1000 };
    const [next, effects] = step(this.session, input, now, this.#setup.lists);
    this.session = next;
    for (const effect of effects) {
      if (this.finished) this.violations.push(`end: the effect ${effect.kind} came after finished`);
      this.#apply(effect);
    }
  }

  #apply(effect: Effect): void {
    switch (effect.kind) {
      case 'reply':
        this.#toClient(effect.octets);
        return;
      case 'client-mode':
        this.#lineBegun = false;
        this.#client.setMode(effect.mode);
        return;
      case 'admit':
        this.#admit(effect.header);
        return;
      case 'settle':
        this.#settleWanted = true;
        return;
      case 'start-client-tls':
        // What is read in clear must never be taken for what came through TLS (RFC 3207 section 4).
        if (this.#client.bufferedOctets > 0)
          this.#queue.push({ kind: 'client-tls-failed', reason: 'octets behind STARTTLS' });
        else {
          this.#toClient(effect.reply);
          this.clientTls = 'handshake';
        }
        return;
      case 'accept-client-tls':
        this.clientTls = 'handshake';
        return;
      case 'close-client':
        this.clientClosed = true;
        this.#beginDrain(effect.octetsMax);
        return;
      case 'destroy-client':
        this.clientClosed = true;
        this.#clientEnding = 'ended';
        if (this.#draining) this.#queue.push(this.#drained());
        return;
      case 'set-timer': {
        const { name } = effect;
        this.clock.set(name, effect.afterMs, () => this.input({ kind: 'timer', name }));
        return;
      }
      case 'clear-timer':
        this.clock.clear(effect.name);
        return;
      case 'record':
        this.#record(effect.event, effect.bodyDigest === true);
        if (effect.credentials !== undefined) this.credentials.push(effect.credentials);
        return;
      case 'sender-seen':
        this.senders.push(`${effect.localPart}@${effect.asciiDomain}`);
        return;
      case 'finished':
        this.finishedCount += 1;
        this.clock.clearAll();
        return;
      default:
        this.#applyUpstream(effect);
    }
  }

  #applyUpstream(effect: UpstreamEffect): void {
    switch (effect.kind) {
      case 'connect-upstream':
        this.upstream = 'connecting';
        this.#outside.dialled();
        if (effect.preamble) this.#outside.preamble(effect.preamble);
        return;
      case 'command-upstream':
      case 'end-body-upstream':
        this.#expect(effect.kind);
        if (effect.kind === 'end-body-upstream') this.#digest?.update(effect.octets.subarray(0, effect.bodyOctets));
        this.#toUpstream(effect.octets);
        return;
      case 'expect-upstream':
        this.#expect(effect.kind);
        this.#outside.upstreamExpects();
        return;
      case 'body-upstream':
        for (const chunk of effect.chunks) {
          if (effect.digest) this.#digest?.update(chunk);
          this.#toUpstream(chunk);
        }
        if (this.session.phase === 'data' && effect.digest) this.#checkEdge(effect.chunks);
        return;
      case 'begin-digest':
        this.#bodyTail = '\r\n';
        this.#digest = createHash('sha256');
        return;
      case 'start-upstream-tls':
        if (this.#server.bufferedOctets > 0)
          this.#queue.push({ kind: 'upstream-tls-failed', reason: 'octets behind the reply to STARTTLS' });
        else this.#outside.upstreamTlsBegins();
        return;
      case 'end-upstream':
      case 'abort-upstream':
        if (this.upstream !== 'aborted') this.upstream = effect.kind === 'end-upstream' ? 'ended' : 'aborted';
        this.#repliesDue = 0;
        this.#server.reset();
        this.#blocked.delete('upstream');
        this.#outside.upstreamLeft(effect.kind === 'end-upstream' ? 'ended' : 'aborted');
        return;
    }
  }

  /**
   * No write of a body ends inside a line end, or behind dots at a line start: whatever stands between the gate and the server
   * sees the terminator only as a whole (the scanner holds such octets back).
   */
  #checkEdge(chunks: readonly Uint8Array[]): void {
    this.#bodyTail = (this.#bodyTail + toLatin1(concatenate(chunks.slice(-3)))).slice(-BODY_TAIL_OCTETS);
    if (/\r$|\r\n\.{1,64}$/.test(this.#bodyTail))
      this.violations.push(`end: a write of the body ends in ${JSON.stringify(this.#bodyTail.slice(-8))}`);
  }

  /** Invariant I3: never more than one command without its reply. */
  #expect(what: string): void {
    this.#repliesDue += 1;
    if (this.#repliesDue > 1) this.violations.push(`I3: ${what} while a reply is due`);
    this.#server.expect();
  }

  #toClient(octets: Uint8Array): void {
    this.#octetsOut += octets.length;
    if (this.clientClosed) this.violations.push('end: a reply was written after the client was closed');
    this.#outside.clientOctets(octets);
  }

  #toUpstream(octets: Uint8Array): void {
    if (this.upstream !== 'open')
      this.violations.push(`end: octets were written to an upstream that is ${this.upstream}`);
    this.#outside.upstreamOctets(octets);
  }

  #admit(header: Extract<Effect, { kind: 'admit' }>['header']): void {
    const { admission } = this.#setup;
    const named =
      header.kind === 'local'
        ? admission
        : {
            ...admission,
            ip: header.sourceAddress,
            port: header.sourcePort,
            localAddress: header.destinationAddress,
            localPort: header.destinationPort,
            viaProxyProtocol: true,
          };
    this.#queue.push({ kind: 'admitted', admission: named });
  }

  #record(event: MailEvent, bodyDigest: boolean): void {
    if (event.type === 'session-closed') {
      this.events.push({ ...event, octetsIn: this.#octetsIn, octetsOut: this.#octetsOut });
    } else if (event.type === 'mail' && bodyDigest) {
      const bodySha256 = this.#digest?.digest('hex');
      this.#digest = undefined;
      this.events.push(bodySha256 === undefined ? event : { ...event, bodySha256 });
    } else this.events.push(event);
  }

  #beginDrain(octetsMax: number): void {
    this.#draining = { octetsMax, octets: [], count: 0 };
    this.#settleWanted = false;
    const buffered = this.#client.takeBuffered();
    if (buffered.length > 0) this.#drain(buffered);
  }

  #drain(octets: Uint8Array): void {
    const draining = this.#draining;
    if (!draining) return;
    const missing = EVIDENCE_OCTETS_MAX + 1 - draining.octets.reduce((sum, part) => sum + part.length, 0);
    if (missing > 0) draining.octets.push(octets.slice(0, missing));
    draining.count += octets.length;
    if (draining.count > draining.octetsMax) this.#drainOrInput(undefined);
  }

  /** While draining, whatever ends the client's leg is told as `drained`. */
  #drainOrInput(input: Input | undefined): void {
    if (this.#draining) this.input(this.#drained());
    else if (input) this.input(input);
  }

  #drained(): Input {
    const { octets, count } = this.#draining ?? { octets: [], count: 0 };
    this.#draining = undefined;
    this.#clientEnding = 'ended';
    return { kind: 'drained', octets: concatenate(octets), octetCount: count };
  }
}

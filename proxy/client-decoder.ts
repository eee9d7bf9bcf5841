import { EVIDENCE_OCTETS_MAX } from '../events/event.ts';
import { assert } from '../lib/assert.ts';
import type { ClientMode, ClientUnit } from './client-unit.ts';
import { type BodyReader, DataScanner } from './data-scanner.ts';
import {
  AUTH_LINE_OCTETS_MAX,
  COMMAND_LINE_OCTETS_MAX,
  OVERLONG_TAIL_OCTETS_MAX,
  PROXY_V2_OCTETS_MAX,
  SASL_LINE_OCTETS_MAX,
} from './decoder-limits.ts';
import { continuesEndOfData, EndOfDataSearch } from './end-of-data-search.ts';
import { LineEndingNormaliser } from './line-ending-normaliser.ts';
import { LineReader, type LineRules } from './line-reader.ts';
import { OctetQueue } from './octet-queue.ts';
import { readProxyHeader } from './proxy-header.ts';
import { parseSaslResponse } from './sasl.ts';
import { LineEndWatch } from './text-scan.ts';

const TAB = 0x09;
const SP = 0x20;
/** Clears the bit in which the cases of an ASCII letter differ. */
const UPPER_CASE = 0xdf;
const AUTH = 'AUTH';
/** Content type of a TLS handshake record (RFC 8446 section 5.1); no command begins with it. */
const TLS_HANDSHAKE = 0x16;

const nothing = new Uint8Array(0);

type DataMode = Extract<ClientMode, { readonly kind: 'data' }>;

const commandRules: LineRules = {
  octetsMax: (head) => (mayHoldInitialResponse(head) ? AUTH_LINE_OCTETS_MAX : COMMAND_LINE_OCTETS_MAX),
  tailOctetsMax: OVERLONG_TAIL_OCTETS_MAX,
  bareLineFeedEnds: false,
};
const saslRules: LineRules = { ...commandRules, octetsMax: () => SASL_LINE_OCTETS_MAX };

/**
 * Turns the octets of a client into units, one mode at a time (RFC 5321 section 2.3.8 for lines, 4.1.1.4 for DATA; RFC 3030
 * for BDAT; RFC 4954 for SASL). After a unit that does not stream it is `stopped` until the next mode is set, so that no octet
 * is read under a guessed mode. The units are the same however the octets were split, but for where streamed ones part.
 *
 * It keeps what was pushed, without copying, until it is consumed: the caller must not change those octets, and stops
 * reading the socket when `bufferedOctets` is more than it wants to hold.
 */
export class ClientDecoder {
  readonly #queue = new OctetQueue();
  readonly #lines = new LineReader(this.#queue);
  readonly #lineEnds = new LineEndWatch();
  #mode: ClientMode = { kind: 'stopped' };
  /** The DATA body under way; it outlives the modes `stopped` and `discard-data`. */
  #body: BodyReader | undefined;
  /** Octets of it that were read. */
  #bodyRead = 0;
  /** Set once the rest of that body is only searched for its end. */
  #search: EndOfDataSearch | undefined;
  /** Octets of the BDAT chunk that are to come. */
  #chunkOctets = 0;

  get mode(): ClientMode {
    return this.#mode;
  }

  /** Octets pushed and not consumed. Octets of a body that are held back count as consumed. */
  get bufferedOctets(): number {
    return this.#queue.length;
  }

  /** In a line mode, once `next` has nothing more to yield: a line has begun and its end has not come. */
  get hasPartialLine(): boolean {
    const { kind } = this.#mode;
    return (kind === 'command' || kind === 'sasl') && (this.#queue.length > 0 || this.#lines.inOverlongLine);
  }

  /** Takes octets from the client, in order. Dropped in the modes `tls` and `closed`. */
  push(octets: Uint8Array): void {
    if (this.#mode.kind !== 'tls' && this.#mode.kind !== 'closed') this.#queue.push(octets);
  }

  /**
   * Sets what is read next.
   *
   * - A DATA body that has not ended goes on, at the octet that stopped it: `data` continues it and `discard-data` drops its
   *   rest. Without one, both begin a body.
   * - The tail of an overlong line stays dropped over any change between `command`, `sasl`, `silent` and `stopped`.
   * - Plaintext that waits when `tls` is left is dropped: nothing sent before a handshake is read after it (RFC 3207 section 4.2).
   */
  setMode(mode: ClientMode): void {
    if (mode.kind === 'closed' || (this.#mode.kind === 'tls' && mode.kind !== 'tls')) this.#queue.clear();
    if (mode.kind === 'bdat' || mode.kind === 'discard-bdat') this.#chunkOctets = mode.octets;
    if (mode.kind === 'bdat') this.#lineEnds.beginChunk();
    if (mode.kind !== 'stopped' && mode.kind !== 'data' && mode.kind !== 'discard-data') this.#leaveBody();
    if (!keepsLine(mode) || !this.#lines.inOverlongLine) this.#lines.restart();
    this.#mode = mode;
  }

  /** Takes everything that waits, for whom it belongs to: the TLS engine, behind a PROXY header. */
  takeBuffered(): Uint8Array {
    return this.#queue.take(this.#queue.length);
  }

  /** The next unit; undefined until there are more octets, or another mode. */
  next(): ClientUnit | undefined {
    const mode = this.#mode;
    switch (mode.kind) {
      case 'stopped':
      case 'tls':
      case 'closed':
        return undefined;
      case 'silent':
        return this.#queue.length === 0 ? undefined : this.#stop({ kind: 'unexpected-octets' });
      case 'proxy-header':
        return this.#nextProxyHeader();
      case 'command':
        return this.#nextCommandLine();
      case 'sasl':
        return this.#nextSaslLine();
      case 'data':
        return this.#nextOfBody(mode);
      case 'discard-data':
        return this.#nextDiscardedOfBody();
      case 'bdat':
        return this.#nextOfChunk();
      case 'discard-bdat':
        return this.#nextDiscardedOfChunk();
      case 'drain':
        return this.#nextDiscarded(this.#queue.length);
    }
  }

  #stop(unit: ClientUnit): ClientUnit {
    this.#mode = { kind: 'stopped' };
    return unit;
  }

  #nextProxyHeader(): ClientUnit | undefined {
    const octets = this.#queue.peek(PROXY_V2_OCTETS_MAX);
    const reading = readProxyHeader(octets);
    if (reading.kind === 'incomplete') return undefined;
    this.#queue.skip(reading.octets);
    return this.#stop(
      reading.kind === 'header'
        ? { kind: 'proxy-header', header: reading.header }
        : { kind: 'proxy-header-fault', octets: octets.subarray(0, Math.min(reading.octets, EVIDENCE_OCTETS_MAX)) },
    );
  }

  #nextCommandLine(): ClientUnit | undefined {
    if (this.#lines.atLineStart && this.#queue.pieceAt(0)[0] === TLS_HANDSHAKE) {
      return this.#stop({ kind: 'line-fault', fault: 'tls-record', octets: this.#queue.take(1), authLine: false });
    }
    const line = this.#lines.next(commandRules);
    if (line === undefined) return undefined;
    if (line.kind === 'line') return this.#stop({ kind: 'line', line: line.line });
    const { fault, octets } = line;
    return this.#stop({ kind: 'line-fault', fault, octets, authLine: isAuthLine(octets) });
  }

  #nextSaslLine(): ClientUnit | undefined {
    const line = this.#lines.next(saslRules);
    if (line === undefined) return undefined;
    if (line.kind === 'fault') {
      const fault = line.fault === 'overlong-endless' ? 'overlong' : line.fault;
      return this.#stop({ kind: 'sasl-fault', fault });
    }
    const response = parseSaslResponse(line.line);
    if (response === undefined) return this.#stop({ kind: 'sasl-fault', fault: 'not-base64' });
    return this.#stop(response === 'cancel' ? { kind: 'sasl-cancel' } : { kind: 'sasl-line', data: response });
  }

  #leaveBody(): void {
    this.#body = undefined;
    this.#bodyRead = 0;
    this.#search = undefined;
  }

  #openBody(normalise: boolean): BodyReader {
    assert(this.#search === undefined, 'a body that was given up is not forwarded again');
    this.#body ??= normalise ? new LineEndingNormaliser() : new DataScanner();
    return this.#body;
  }

  #nextOfBody(mode: DataMode): ClientUnit | undefined {
    const body = this.#openBody(mode.normalise);
    for (;;) {
      const piece = this.#queue.pieceAt(0);
      if (piece.length === 0) return undefined;
      const readable = this.#readableOfBody(body, piece, mode.octetsMax ?? Number.POSITIVE_INFINITY);
      if (readable === 0) return this.#stop({ kind: 'data-violation', fault: 'too-large', octets: nothing });
      const { length, stop, chunks, bodyOctets } = body.read(piece.subarray(0, readable), mode.allowNul);
      this.#queue.skip(length);
      this.#bodyRead += length;
      // What was released before a stop is a unit of its own; the body stops at the same octet again.
      if (chunks.length > 0 || bodyOctets > 0) return { kind: 'data', chunks, receivedOctets: bodyOctets };
      if (stop === 'end') {
        this.#queue.skip(1);
        this.#leaveBody();
        return this.#stop({ kind: 'data-end', terminator: body.terminator() });
      }
      if (stop !== undefined) {
        const octets = Uint8Array.of(...body.held(), ...piece.subarray(length, length + 1));
        return this.#stop({ kind: 'data-violation', fault: stop, octets });
      }
    }
  }

  /** How many octets may be read of a body that is limited: behind the last one, the dot line that ends the data still may. */
  #readableOfBody(body: BodyReader, piece: Uint8Array, octetsMax: number): number {
    if (this.#bodyRead < octetsMax) return octetsMax - this.#bodyRead;
    return continuesEndOfData(body.matchedEndOctets, piece[0]) ? 1 : 0;
  }

  #nextDiscardedOfBody(): ClientUnit | undefined {
    this.#search ??= new EndOfDataSearch((this.#body ?? new DataScanner()).matchedEndOctets);
    const piece = this.#queue.pieceAt(0);
    if (piece.length === 0) return undefined;
    const { length, ended } = this.#search.search(piece);
    if (ended && length === 0) {
      this.#queue.skip(1);
      this.#leaveBody();
      return this.#stop({ kind: 'discard-end' });
    }
    return this.#nextDiscarded(length);
  }

  #nextOfChunk(): ClientUnit | undefined {
    if (this.#chunkOctets === 0) return this.#stop({ kind: 'bdat-end' });
    const chunk = this.#queue.pieceAt(0).subarray(0, this.#chunkOctets);
    if (chunk.length === 0) return undefined;
    this.#queue.skip(chunk.length);
    this.#chunkOctets -= chunk.length;
    return { kind: 'bdat', chunk, bareLineFeed: this.#lineEnds.sees(chunk) };
  }

  #nextDiscardedOfChunk(): ClientUnit | undefined {
    if (this.#chunkOctets === 0) return this.#stop({ kind: 'discard-end' });
    const unit = this.#nextDiscarded(this.#chunkOctets);
    if (unit?.kind === 'discarded') this.#chunkOctets -= unit.octets;
    return unit;
  }

  #nextDiscarded(octetsMax: number): ClientUnit | undefined {
    const octets = Math.min(octetsMax, this.#queue.length);
    if (octets === 0) return undefined;
    this.#queue.skip(octets);
    return { kind: 'discarded', octets };
  }
}

/** The modes in which the tail of an overlong line stays what it is. */
const keepsLine = (mode: ClientMode): boolean =>
  mode.kind === 'command' || mode.kind === 'sasl' || mode.kind === 'silent' || mode.kind === 'stopped';

/** The line is an AUTH command by its first octets, which may carry a long initial response (RFC 4954 section 4). */
function mayHoldInitialResponse(head: Uint8Array): boolean {
  return beginsWithAuth(head, 0) && (head[4] === SP || head[4] === TAB);
}

/** The line may hold a secret: it begins with AUTH, in any case and behind any blanks, and that word ends there. */
function isAuthLine(line: Uint8Array): boolean {
  let start = 0;
  while (line[start] === SP || line[start] === TAB) start += 1;
  return beginsWithAuth(line, start) && !isLetter(line[start + 4]);
}

function beginsWithAuth(line: Uint8Array, start: number): boolean {
  for (let index = 0; index < AUTH.length; index += 1) {
    const octet = line[start + index];
    if (octet === undefined || (octet & UPPER_CASE) !== AUTH.charCodeAt(index)) return false;
  }
  return true;
}

function isLetter(octet: number | undefined): boolean {
  if (octet === undefined) return false;
  const upper = octet & UPPER_CASE;
  return upper >= 0x41 && upper <= 0x5a;
}

import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { EVIDENCE_OCTETS_MAX } from '../../events/event.ts';
import { messageOf } from '../../lib/message-of.ts';
import { ClientDecoder } from '../client-decoder.ts';
import type { ClientMode } from '../client-unit.ts';
import type { Input, TlsFacts } from '../input.ts';
import { Leg, type LegOwner } from './leg.ts';
import type { ListenerTls } from './tls.ts';
import type { Turns } from './turns.ts';

/** Octets of pipelined commands that may wait for their turn before the client stops being read (RFC 2920 section 3.1). */
export const CLIENT_BUFFER_OCTETS_MAX = 65_536;
/** Octets of replies that are gathered before they are written: pipelined commands are answered in one packet. */
export const REPLIES_OCTETS_MAX = 16_384;

const NOTHING = new Uint8Array(0);

/** What still comes from a client after its last reply: counted, its first octets kept as evidence, the rest dropped. */
interface Drain {
  readonly octetsMax: number;
  readonly kept: Uint8Array[];
  keptOctets: number;
  octetCount: number;
  delivered: boolean;
}

/** The client's side of a session: its leg, its decoder, and the replies that wait to be written. */
export class ClientSide implements LegOwner {
  readonly leg: Leg;
  private readonly turns: Turns;
  private readonly decoder = new ClientDecoder();
  private readonly replies: Uint8Array[] = [];
  private repliesOctets = 0;
  private reads = false;
  private handshaking = false;
  private lineBegun = false;
  private endDelivered = false;
  private drain: Drain | undefined;

  constructor(socket: Socket, turns: Turns) {
    this.turns = turns;
    this.leg = new Leg(socket, this);
  }

  setMode(mode: ClientMode): void {
    this.decoder.setMode(mode);
  }

  /** The next thing the client said or did. Not to be asked while the client is held. */
  next(): Input | undefined {
    if (this.drain !== undefined || this.leg.blocked) return undefined;
    const { decoder } = this;
    const unit = decoder.next();
    if (unit !== undefined) {
      this.lineBegun = false;
      return { kind: 'client', unit };
    }
    if (!this.lineBegun && decoder.hasPartialLine) {
      this.lineBegun = true;
      return { kind: 'client-line-begun' };
    }
    // While it is stopped a reply is due, and commands may be waiting behind it: all of them are answered first.
    if (!this.leg.ended || this.endDelivered || decoder.mode.kind === 'stopped') return undefined;
    this.endDelivered = true;
    return { kind: 'client-ended' };
  }

  /** Reads, or stops reading. `held`: the server behind does not take what the client sends. */
  steer(held: boolean): void {
    if (this.drain !== undefined) return;
    const { leg, decoder } = this;
    const { kind } = decoder.mode;
    if (!this.reads && kind !== 'tls') {
      this.reads = true;
      leg.read();
    }
    const waits = kind === 'stopped' || kind === 'silent';
    const full = waits && decoder.bufferedOctets >= CLIENT_BUFFER_OCTETS_MAX;
    if (held || full || leg.blocked) leg.pause();
    else leg.resume();
  }

  reply(octets: Uint8Array): void {
    this.replies.push(octets);
    this.repliesOctets += octets.length;
    if (this.repliesOctets >= REPLIES_OCTETS_MAX) this.flush();
  }

  /** Writes the replies that wait, in one go. */
  flush(): void {
    const { replies, leg } = this;
    const [first] = replies;
    if (first === undefined) return;
    const wasBlocked = leg.blocked;
    leg.write(replies.length === 1 ? first : Buffer.concat(replies, this.repliesOctets));
    replies.length = 0;
    this.repliesOctets = 0;
    if (leg.blocked && !wasBlocked) this.turns.queue({ kind: 'client-blocked' });
  }

  /** STARTTLS: `reply` is the last thing said in clear. */
  startTls(reply: Uint8Array, tls: ListenerTls | undefined, ip: string): void {
    this.flush();
    // Octets in clear behind STARTTLS must never be taken for what came through TLS (RFC 3207 section 4).
    if (this.decoder.bufferedOctets > 0) {
      this.failTls('octets behind STARTTLS');
      return;
    }
    if (this.leg.ended) {
      this.failTls('closed before the handshake');
      return;
    }
    if (tls === undefined) {
      this.failTls('no certificate');
      return;
    }
    // The reader is detached before the 220 leaves, so that whatever follows it goes to the TLS engine.
    const socket = this.leg.release();
    this.leg.octetsOut += reply.length;
    socket.write(reply);
    this.handshake(socket, NOTHING, tls, ip);
  }

  /** TLS from the first octet, or from the first octet behind a PROXY header. */
  acceptTls(tls: ListenerTls | undefined, ip: string): void {
    if (this.leg.ended) {
      this.failTls('closed before the handshake');
      return;
    }
    if (tls === undefined) {
      this.failTls('no certificate');
      return;
    }
    const first = this.decoder.takeBuffered();
    this.reads = true;
    this.handshake(this.leg.release(), first, tls, ip);
  }

  /** Half-closes behind the last reply, and drains what still comes, so that the reply arrives. */
  close(octetsMax: number): void {
    this.flush();
    const { leg } = this;
    const buffered = this.decoder.takeBuffered();
    this.drain = { octetsMax, kept: [], keptOctets: 0, octetCount: 0, delivered: false };
    leg.end();
    if (leg.closed) {
      this.deliverDrained();
      return;
    }
    if (!this.reads) leg.read();
    this.reads = true;
    leg.resume();
    this.drained(buffered);
  }

  destroy(): void {
    this.flush();
    this.leg.destroy();
    if (this.drain !== undefined) this.deliverDrained();
  }

  /** A last reply whatever waits, if the client can still be told. */
  destroyWith(reply: Uint8Array): void {
    this.replies.length = 0;
    if (!this.handshaking) this.leg.write(reply);
    this.leg.destroy();
  }

  legData(_leg: Leg, octets: Uint8Array): void {
    if (this.drain === undefined) {
      this.decoder.push(octets);
      this.turns.came(this.decoder.bufferedOctets);
    } else if (!this.drain.delivered) {
      this.drained(octets);
      this.turns.came(0);
    }
  }

  legEnded(): void {
    this.turns.came(0);
  }

  legDrained(): void {
    this.turns.turn({ kind: 'client-flowing' });
  }

  legConnected(): void {
    // A client's socket is connected from the start.
  }

  legSecured(_leg: Leg, tls: TlsFacts): void {
    this.handshaking = false;
    this.turns.turn({ kind: 'client-tls-started', tls: { ...tls, verified: undefined } });
  }

  legFailed(_leg: Leg, reason: string): void {
    // While it is drained its end is awaited, whichever way that comes.
    if (this.drain !== undefined) return;
    const kind = this.handshaking ? 'client-tls-failed' : 'client-failed';
    this.handshaking = false;
    this.turns.turn({ kind, reason });
  }

  legClosed(): void {
    if (this.drain === undefined) return;
    this.deliverDrained();
    this.turns.turn(undefined);
  }

  private handshake(socket: Socket, first: Uint8Array, tls: ListenerTls, ip: string): void {
    this.handshaking = true;
    try {
      this.leg.secure(tls.accept(socket, first, ip), 'secure');
    } catch (error) {
      this.failTls(messageOf(error));
    }
  }

  private failTls(reason: string): void {
    this.handshaking = false;
    this.turns.queue({ kind: 'client-tls-failed', reason });
  }

  private drained(octets: Uint8Array): void {
    const { drain } = this;
    if (drain === undefined) return;
    drain.octetCount += octets.length;
    const keep = octets.subarray(0, EVIDENCE_OCTETS_MAX - drain.keptOctets);
    // A copy: the view would hold the whole of what was read in memory.
    if (keep.length > 0) drain.kept.push(Uint8Array.from(keep));
    drain.keptOctets += keep.length;
    if (drain.octetCount > drain.octetsMax) this.deliverDrained();
  }

  private deliverDrained(): void {
    const { drain } = this;
    if (drain === undefined || drain.delivered) return;
    drain.delivered = true;
    this.turns.queue({ kind: 'drained', octets: Buffer.concat(drain.kept), octetCount: drain.octetCount });
  }
}

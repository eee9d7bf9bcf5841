import type { Input, TlsFacts } from '../input.ts';
import { UpstreamDecoder } from '../upstream-decoder.ts';
import { Leg, type LegOwner } from './leg.ts';
import type { Turns } from './turns.ts';
import type { Upstream } from './upstream.ts';

/** The side of the server behind: its leg, once it is dialled, and its decoder. One connection a session, never a second. */
export class UpstreamSide implements LegOwner {
  private readonly upstream: Upstream;
  private readonly implicitTls: boolean;
  private readonly turns: Turns;
  private readonly decoder: UpstreamDecoder;
  private leg: Leg | undefined;
  /** The leg that is ending in an orderly way: nothing that happens on it matters any more. */
  private leaving: Leg | undefined;
  private readonly pieces: Uint8Array[] = [];
  private preamble: Uint8Array | undefined;
  private stage: 'connecting' | 'handshake' | 'open' = 'connecting';
  private connected = false;
  private endDelivered = false;

  constructor(
    upstream: Upstream,
    settings: { readonly implicitTls: boolean; readonly lenientLineEnds: boolean },
    turns: Turns,
  ) {
    this.upstream = upstream;
    this.implicitTls = settings.implicitTls;
    this.turns = turns;
    this.decoder = new UpstreamDecoder({ lenientLineEnds: settings.lenientLineEnds });
  }

  /** The server behind does not read: nothing more may be given to it. */
  get blocked(): boolean {
    return this.leg?.blocked === true;
  }

  /** The next thing the server behind said or did. */
  next(): Input | undefined {
    const { leg } = this;
    if (leg === undefined || this.stage !== 'open') return undefined;
    const unit = this.decoder.next();
    if (unit !== undefined) {
      if (unit.kind === 'fault') leg.pause();
      return { kind: 'upstream', unit };
    }
    if (!leg.ended || this.endDelivered) return undefined;
    this.endDelivered = true;
    return { kind: 'upstream-ended' };
  }

  /** Dials. `preamble`: a PROXY header, the first octets, in clear even where TLS follows. */
  connect({ preamble, isStranger }: { readonly preamble: Uint8Array | undefined; readonly isStranger: boolean }): void {
    const socket = this.upstream.dial(isStranger);
    if (socket === undefined) {
      this.turns.queue({ kind: 'upstream-failed', reason: 'budget' });
      return;
    }
    this.preamble = preamble;
    this.leg = new Leg(socket, this);
  }

  /** One reply is due. */
  expect(): void {
    this.decoder.expect();
  }

  /** Writes with the next `flush`. */
  write(octets: Uint8Array): void {
    if (octets.length > 0) this.pieces.push(octets);
  }

  /** Writes what waits, in one go: a body and its end leave together. */
  flush(): void {
    const { leg, pieces } = this;
    if (pieces.length === 0) return;
    if (leg !== undefined) {
      const wasBlocked = leg.blocked;
      leg.writeAll(pieces);
      if (leg.blocked && !wasBlocked) this.turns.queue({ kind: 'upstream-blocked' });
    }
    pieces.length = 0;
  }

  startTls(): void {
    this.flush();
    const reason = this.handshake();
    if (reason !== undefined) this.turns.queue({ kind: 'upstream-tls-failed', reason });
  }

  /** Closes behind what is written. */
  end(): void {
    const { leg } = this;
    if (leg === undefined) return;
    this.flush();
    leg.leave();
    this.leaving = leg;
    this.leg = undefined;
  }

  /** Destroys at once: what was not written yet never leaves. */
  abort(): void {
    this.pieces.length = 0;
    this.leg?.destroy();
    this.leg = undefined;
    this.decoder.reset();
  }

  /** Nothing of it may remain. */
  dispose(): void {
    this.leg?.destroy();
    this.leaving?.destroy();
    this.leg = undefined;
    this.leaving = undefined;
  }

  legData(leg: Leg, octets: Uint8Array): void {
    if (leg !== this.leg) return;
    this.decoder.push(octets);
    this.turns.came(this.decoder.bufferedOctets);
  }

  legEnded(leg: Leg): void {
    if (leg === this.leg) this.turns.came(0);
  }

  legDrained(leg: Leg): void {
    if (leg === this.leg) this.turns.turn({ kind: 'upstream-flowing' });
  }

  legConnected(leg: Leg): void {
    if (leg !== this.leg) return;
    if (this.preamble !== undefined) leg.write(this.preamble);
    if (!this.implicitTls) {
      this.opened(undefined);
      return;
    }
    const reason = this.handshake();
    if (reason !== undefined) this.turns.turn({ kind: 'upstream-failed', reason });
  }

  legSecured(leg: Leg, tls: TlsFacts): void {
    if (leg !== this.leg) return;
    if (!this.connected) {
      this.opened(tls);
      return;
    }
    this.stage = 'open';
    this.turns.turn({ kind: 'upstream-tls-started', tls });
  }

  legFailed(leg: Leg, reason: string): void {
    if (leg !== this.leg || this.endDelivered) return;
    this.turns.turn({
      kind: this.connected && this.stage === 'handshake' ? 'upstream-tls-failed' : 'upstream-failed',
      reason,
    });
  }

  legClosed(): void {
    // The failure or the end was delivered; the connection's slot is given back by the socket itself.
  }

  private opened(tls: TlsFacts | undefined): void {
    this.stage = 'open';
    this.connected = true;
    this.turns.turn({ kind: 'upstream-connected', tls });
  }

  /** Begins the handshake; tells why it cannot. */
  private handshake(): string | undefined {
    const { leg, decoder } = this;
    if (leg === undefined) return undefined;
    // Octets in clear behind the reply to STARTTLS must never be taken for what came through TLS (RFC 3207 section 4).
    if (decoder.bufferedOctets > 0) return 'octets behind the reply to STARTTLS';
    if (leg.ended) return 'closed before the handshake';
    decoder.reset();
    this.stage = 'handshake';
    const secured = this.upstream.secure(leg.release());
    if (!secured.ok) return secured.error;
    leg.secure(secured.value, 'secureConnect');
    return undefined;
  }
}

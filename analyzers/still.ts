import type { EventByType } from '../events/event.ts';

/** Body octets a second below which a client is slower than any line (Postfix calls it smtpd_min_data_rate). */
export const SLOW_OCTETS_PER_S = 500;
/** A phase without an end after this time stands still, milliseconds. */
export const STILL_MS = 30_000;

/** Slower than any honest client: nothing for half a minute, or a body that trickles. */
export function isStill({ phase, octets, phaseMs }: EventByType<'session-progress'>): boolean {
  // While the server behind is waited for it is not the client that stands still.
  if (phase === 'awaiting' || phase === 'opening' || phaseMs < STILL_MS) return false;
  const isBody = phase === 'data' || phase === 'bdat' || phase === 'discarding';
  return !isBody || octets * 1000 < SLOW_OCTETS_PER_S * phaseMs;
}

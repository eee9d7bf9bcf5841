import type { MailEvent } from '../../../events/event.ts';
import type { Run } from './run-dialogue.ts';

/** Fields that tell the time or count what a closed connection still received: they may differ between two chunkings. */
const incomparable: ReadonlySet<string> = new Set(['at', 'sid', 'latencyUs', 'durationUs', 'phaseMs', 'octetsIn']);

const withoutTimes = (event: MailEvent): object =>
  Object.fromEntries(Object.entries(event).filter(([name]) => !incomparable.has(name)));

/** What must be the same however the octets arrive: replies, octets upstream, and events without their times. */
export const comparable = (run: Run): object => ({
  clientOctets: run.clientOctets,
  upstreamOctets: run.upstreamOctets,
  upstream: run.upstream,
  events: run.events.map(withoutTimes),
});

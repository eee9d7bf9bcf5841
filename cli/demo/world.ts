/** What exists in the world of the demo. Names and addresses are those reserved for documentation (RFC 2606, RFC 5737, RFC 3849). */

/** Domains of the mail server behind. Those of the second have a list of known addresses, the first is the server's own affair. */
export const DOMAINS: readonly string[] = ['example.com', 'example.net'];
/** Who exists at each of them. */
export const KNOWN_LOCAL_PARTS: readonly string[] = ['alice', 'bob', 'carol', 'postmaster'];
/** The domain with a list. */
export const LISTED_DOMAIN = 'example.net';
/** The one account of the server behind. It exists in the demo only. */
export const ACCOUNT = { user: 'demo', password: 'only-for-the-demo' } as const;
/** Name of the gate, and of its certificate. */
export const GATE_NAME = 'mx.example.com';

/** The address the actors reach, as their PROXY header says. */
export const GATE_ADDRESS = { 4: '198.51.100.1', 6: '2001:db8:1::1' } as const;

/** Where a client can connect: the listeners of the gate, or the server behind itself, as if there were no gate. */
export const doors = ['mx', 'submission', 'submissions', 'server behind'] as const;
export type Door = (typeof doors)[number];
/** The listener for the reader of the demo, which expects no PROXY header. */
export const READERS_LISTENER = 'try-it';

/** Limits and deadlines of the gate in the demo; everything else is as shipped. */
export const DEMO_LIMITS = {
  sessionsPerSourceMax: 20,
  connectionsPerMinuteMax: 60,
  errorsMax: 10,
  authAttemptsMax: 3,
  slowDelayMs: 300,
} as const;
export const DEMO_DATA_RATE = { dataRateOctetsMin: 500, dataRateGraceMs: 2000 } as const;
export const DEMO_DEADLINES = { commandMs: 8000, commandLineMs: 2000, dataMs: 8000 } as const;
export const DEMO_GREETING_HOLD_MS = 300;

/** Scenarios that are promoted from observing to acting in the midst of the story. */
export const PROMOTED: readonly string[] = ['recipient-harvest', 'relay-probe', 'auth-guessing', 'connection-flood'];

/** Ports of a gate in a container at which the actors are believed to be behind a balancer. */
export const STORY_PORTS = { mx: 10_025, submission: 10_587, submissions: 10_465 } as const;

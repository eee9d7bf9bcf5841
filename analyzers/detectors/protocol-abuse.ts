import { type AnomalyKind, anomalyKinds, type EventByType } from '../../events/event.ts';
import type { Scene, SourceDetector } from '../detector.ts';
import { DEFER, REFUSE, SLOW } from '../ladder.ts';
import type { Deed } from '../ledger.ts';

interface Meaning {
  readonly weight: number;
  readonly deed: Deed;
}

/** What no mail server ever sends, what only old ones do, and what may be either. Faults of the server behind are not here. */
const meanings: Partial<Readonly<Record<AnomalyKind, Meaning>>> = {
  'http-on-smtp': { weight: 9421, deed: 'foreign-protocol' },
  'tls-on-plaintext': { weight: 2358, deed: 'foreign-protocol' },
  'starttls-injection': { weight: 9421, deed: 'smuggling' },
  'xclient-from-client': { weight: 7066, deed: 'smuggling' },
  'proxy-untrusted': { weight: 4710, deed: 'smuggling' },
  'proxy-repeat': { weight: 4710, deed: 'smuggling' },
  'bdat-framing': { weight: 2358, deed: 'smuggling' },
  'data-after-quit': { weight: 1125, deed: 'broken-syntax' },
  'bare-cr': { weight: 1125, deed: 'smuggling' },
  'bare-lf': { weight: 1125, deed: 'smuggling' },
  nul: { weight: 1125, deed: 'broken-syntax' },
  'overlong-line': { weight: 2358, deed: 'broken-syntax' },
  'private-verb': { weight: 1125, deed: 'broken-syntax' },
  'sync-violation': { weight: 2048, deed: 'broken-syntax' },
  'sasl-overlong': { weight: 4710, deed: 'smuggling' },
};
/** It greets us with our own name: every mail server knows another. */
const OWN_NAME = 4710;
/** Names that known bots give, and that Windows gives to a machine nobody named. */
const botName = /^(?:ylmf-pc|user|win-[a-z0-9]{11}|localhost\.localdomain)$/i;
const BOT_NAME = 2048;
const MESSAGE = -1420;

/** Octets that are no SMTP, or SMTP that means to deceive. */
export const protocolAbuse: SourceDetector = {
  id: 'protocol-abuse',
  version: 1,
  shape: {
    slotCount: 32_768,
    halfLifeMs: 259_200_000,
    thresholds: [
      { score: 4506, rung: SLOW },
      { score: 7066, rung: DEFER },
      { score: 9216, rung: REFUSE },
    ],
  },
  reason: 'spoke no SMTP, or SMTP that means to deceive',
  description: {
    sees: 'Anomalies of the client, each kind once a session; our own name or the name of a bot in EHLO.',
    formula:
      'Half-life 72 h. +9.2 for HTTP and for commands behind STARTTLS, +6.9 for XCLIENT, +4.6 for a PROXY header from nobody in particular, for SASL data without end and for our own name in EHLO, +2.3 for TLS on a plain port, for broken BDAT and for lines without end, +2 for the name of a bot and for commands glued together, +1.1 for bare line ends, NUL and private verbs, -1.4 for an accepted message. Slow at 4.4, defer at 6.9, refuse at 9.',
    sources:
      'The tests of postscreen; names of bots from published rules. The weights are proposals, tuned by the evaluation.',
    evades: 'Correct SMTP.',
    lookalikes:
      'Old clients with bare line ends: little, and their mail counts for them. A client with TLS set up wrongly: slowed when it tries twice.',
  },
  see(event, scene) {
    if (event.type === 'anomaly') seeAnomaly(event, scene);
    else if (event.type === 'command') seeGreeting(event, scene);
    else if (event.type === 'mail' && event.outcome === 'accepted') scene.weigh(MESSAGE, 'mail-accepted');
  },
};

function seeAnomaly({ kind }: EventByType<'anomaly'>, scene: Scene): void {
  const meaning = meanings[kind];
  if (meaning === undefined) return;
  const { session } = scene;
  const bit = 1 << anomalyKinds.indexOf(kind);
  if (session !== undefined) {
    if ((session.anomalies & bit) !== 0) return;
    session.anomalies |= bit;
  }
  scene.weigh(meaning.weight, meaning.deed);
}

function seeGreeting({ verb, heloName, verdict, observed }: EventByType<'command'>, scene: Scene): void {
  if (heloName === undefined || (verb !== 'EHLO' && verb !== 'HELO')) return;
  const isOwn = verdict.rule === 'helo.own-name' || observed?.some(({ rule }) => rule === 'helo.own-name') === true;
  if (isOwn) scene.weigh(OWN_NAME, 'own-name');
  else if (botName.test(heloName) && scene.isFirstContact(heloName)) scene.weigh(BOT_NAME, 'bot-name');
}

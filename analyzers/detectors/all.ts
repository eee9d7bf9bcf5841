import type { SourceDetector } from '../detector.ts';
import { authGuessing } from './auth-guessing.ts';
import { commandFlood } from './command-flood.ts';
import { connectionFlood } from './connection-flood.ts';
import { earlyTalker } from './early-talker.ts';
import { heldSessionRelease } from './held-session-release.ts';
import { nullSenderAbuse } from './null-sender-abuse.ts';
import { protocolAbuse } from './protocol-abuse.ts';
import { recipientHarvest } from './recipient-harvest.ts';
import { relayProbe } from './relay-probe.ts';
import { slowSession } from './slow-session.ts';

/** The scenarios that are told by single sources, in the order in which each event is shown to them. */
export const sourceDetectors: readonly SourceDetector[] = [
  relayProbe,
  recipientHarvest,
  nullSenderAbuse,
  authGuessing,
  connectionFlood,
  slowSession,
  commandFlood,
  earlyTalker,
  protocolAbuse,
  heldSessionRelease,
];

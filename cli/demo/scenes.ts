import type { Actor } from './actor.ts';
import {
  harvest,
  harvestTwice,
  injectBehindStartTls,
  relayByRouting,
  relayThroughOpenRelay,
  relayToForeignDomains,
  relayWithForgedReversePath,
  smuggle,
  speakHttp,
  talkEarly,
} from './scenes/attacks.ts';
import { floodAtOnce, floodOverTime, sendBodySlowly, sendCommandSlowly } from './scenes/floods.ts';
import {
  authInClear,
  guessPasswords,
  sendChunks,
  sendEightBit,
  sendLarge,
  sendOverStartTls,
  sendPipelined,
  sendWithTypo,
  submitOverImplicitTls,
  submitOverStartTls,
  submitWithoutAuth,
} from './scenes/mail.ts';
import { floodOnAndOn, harvestPatiently, mistypeTwice, probeTwice, sprayPasswords } from './scenes/watched.ts';
import type { LineId } from './story.ts';
import { LISTED_DOMAIN } from './world.ts';

/** What the actor of each line of the story does. It judges nothing: what came of it stands in the log and at the server behind. */
export const scenes: Readonly<Record<LineId, (actor: Actor) => Promise<void>>> = {
  'alone.relay': relayThroughOpenRelay,
  'alone.smuggling': (actor) => smuggle(actor, '\n.\n'),
  'inbound.plain': sendPipelined,
  'inbound.starttls': sendOverStartTls,
  'inbound.eight-bit': sendEightBit,
  'inbound.large': sendLarge,
  'inbound.chunks': sendChunks,
  'inbound.typo': sendWithTypo,
  'submission.starttls': submitOverStartTls,
  'submission.implicit': submitOverImplicitTls,
  'submission.stranger': submitWithoutAuth,
  'relay.foreign': relayToForeignDomains,
  'relay.routing': relayByRouting,
  'relay.forged': relayWithForgedReversePath,
  'harvest.server': harvestTwice,
  'harvest.list': (actor) => harvest(actor, LISTED_DOMAIN),
  'passwords.guessed': guessPasswords,
  'passwords.in-clear': authInClear,
  'smuggling.lf': (actor) => smuggle(actor, '\n.\n'),
  'smuggling.lf-crlf': (actor) => smuggle(actor, '\n.\r\n'),
  'smuggling.cr': (actor) => smuggle(actor, '\r.\r'),
  'oddities.starttls-injection': injectBehindStartTls,
  'oddities.early-talker': talkEarly,
  'oddities.http': speakHttp,
  'slow.command': sendCommandSlowly,
  'slow.body': sendBodySlowly,
  'flood.at-once': floodAtOnce,
  'flood.meanwhile': sendPipelined,
  'flood.rate': floodOverTime,
  'watch.harvest': harvestPatiently,
  'watch.passwords': sprayPasswords,
  'watch.relay': probeTwice,
  'watch.flood': floodOnAndOn,
  'watch.typos': mistypeTwice,
};

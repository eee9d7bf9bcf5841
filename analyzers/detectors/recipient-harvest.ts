import type { EventByType } from '../../events/event.ts';
import type { Scene, SourceDetector } from '../detector.ts';
import { DEFER, SLOW } from '../ladder.ts';
import { recipientAnswer } from '../recipient-answer.ts';
import type { Standing } from '../scene.ts';

/** Log-likelihood ratios, 1024 a nat, of a first contact that failed and of one that went well. */
interface Profile {
  readonly fail: number;
  readonly success: number;
}

/**
 * Share of unknown recipients of an honest and of a harvesting source: 0.1 and 0.7 for strangers (ln 7 and ln 3), 0.2 and 0.8
 * with history (ln 4 both), 0.3 and 0.9 for providers (ln 3 and ln 7). Beyond the break-even share d/(u+d), 0.36, 0.5 and 0.64,
 * any source is flagged in the end, so the class decides and not the threshold alone.
 */
const profiles: Readonly<Record<Standing, Profile>> = {
  stranger: { fail: 1993, success: -1125 },
  'with-history': { fail: 1420, success: -1420 },
  provider: { fail: 1125, success: -1993 },
};

/** One edit away from an address that exists: about a quarter, since people mistype; so much that three a day do not go on for ever. */
const NEAR_MISS_SHARE = 0.27;
/** Somebody who has left: his friends do not know it yet. */
const FORMER_PART = 4;
/** A message that was accepted, to whomever: a server that writes to the same people all day is wrong now and then. A fifth. */
const MESSAGE = -205;

/** Directory harvest: guessing which addresses exist by the answers to RCPT, VRFY and EXPN. */
export const recipientHarvest: SourceDetector = {
  id: 'recipient-harvest',
  version: 3,
  shape: {
    slotCount: 65_536,
    halfLifeMs: 259_200_000,
    thresholds: [
      { score: 7066, rung: SLOW },
      { score: 9421, rung: DEFER },
    ],
  },
  reason: 'asked for many addresses that do not exist',
  description: {
    sees: 'The answers to forward-paths: an unknown one counts once a week for a source, a known one once a day. VRFY and EXPN count too. Mail with a null reverse-path is left to null-sender-abuse, and authenticated sessions to account-takeover.',
    formula:
      'Cumulative sum of log-likelihood ratios, half-life 72 h. A stranger: +1.95 for an unknown forward-path (0.1 against 0.7), -1.10 for a known one; with history +1.39 and -1.39; a provider +1.10 and -1.95. 0.27 of it for an address one edit from a known one, a quarter for one that was known within some months; VRFY and EXPN weigh as an unknown one; -0.2 for an accepted message. The sum stops at minus 0.46 for each forward-path accepted with a message, -4.6 for ten, and 0.69 lower each time that their number doubles, -9.2 at most. Slow at 6.9, defer at 9.2.',
    sources:
      'Threshold random walk (Jung, Paxson, Berger, Balakrishnan 2004) with its first-contact rule; thresholds by simulated run lengths: at 5 % unknown a stranger is slowed once in 110,000 first contacts and deferred once in 1.8 million.',
    evades:
      'Two known addresses for each guess, one guess a source (the campaign over many sources is seen by range-campaign and by the site), less than one guess a day.',
    lookalikes:
      'Newsletters with dead addresses (retries count once), forwarders, mailing lists, providers: by their share of unknown recipients and their class. A person who mistypes: a quarter.',
  },
  see(event, scene) {
    if (event.type === 'mail' && event.outcome === 'accepted' && !event.nullReversePath)
      scene.weigh(MESSAGE, 'mail-accepted');
    if (event.type !== 'command' || scene.session === undefined || scene.session.authenticated) return;
    if (event.verb === 'RCPT') seeRecipient(event, scene, scene.session.nullReversePath);
    else if (event.verb === 'VRFY' || event.verb === 'EXPN') seeQuery(scene);
  },
};

/** VRFY and EXPN: no honest client asks, and the event does not say for whom: each is as good as a guess. */
const seeQuery = (scene: Scene): void => scene.weigh(profiles[scene.source.standing].fail, 'address-query');

function seeRecipient(event: EventByType<'command'>, scene: Scene, isNull: boolean): void {
  const { forwardPath } = event;
  if (isNull || forwardPath === undefined) return;
  const answer = recipientAnswer(event);
  const { fail, success } = profiles[scene.source.standing];
  if (answer === 'known' && scene.isFirstToday(forwardPath)) scene.weigh(success, 'known-recipient');
  if (answer !== 'unknown' || !scene.isFirstContact(forwardPath)) return;
  if (event.nearMiss === true) scene.weigh(Math.trunc(fail * NEAR_MISS_SHARE), 'near-miss', forwardPath);
  else if (scene.isFormerRecipient(forwardPath))
    scene.weigh(Math.trunc(fail / FORMER_PART), 'former-recipient', forwardPath);
  else scene.weigh(fail, 'unknown-recipient', forwardPath);
}

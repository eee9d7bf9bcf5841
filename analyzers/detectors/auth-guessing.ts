import type { EventByType } from '../../events/event.ts';
import type { Scene, SourceDetector } from '../detector.ts';
import { REFUSE, SLOW } from '../ladder.ts';

/** First refused attempt of a source for an account (ln 9: 0.1 against 0.9), and the first accepted one. */
const ACCOUNT_REFUSED = 2250;
const ACCOUNT_ACCEPTED = -2250;
/** Another password for the same account. The same one again is a device that nobody told: nothing. */
const PASSWORD_CHANGED = 1178;
/** Without a fingerprint (CRAM-MD5 and others) it is not known whether it is another password. */
const PASSWORD_UNTOLD = 590;
/** An account that somebody has used from there: he mistypes, or has changed his password. A quarter. */
const FAMILIAR_PART = 4;

/** Password guessing by one source: many accounts, or many passwords for one. */
export const authGuessing: SourceDetector = {
  id: 'auth-guessing',
  version: 2,
  shape: {
    slotCount: 65_536,
    // Two passwords a day are not to go on for ever: at 24 h it would be 2.4.
    halfLifeMs: 108_000_000,
    thresholds: [
      { score: 4710, rung: SLOW },
      { score: 6861, rung: REFUSE },
    ],
  },
  reason: 'tried many accounts or passwords that were refused',
  description: {
    sees: 'AUTH refused by the server behind, or by the gate while passwords are guessed (`auth.guarded`), by account (a keyed hash) and by password (16 bits under a key of the day).',
    formula:
      'Cumulative sum, half-life 30 h: +2.2 for the first refusal of an account from this source, +1.15 for each further password (+0.58 where none can be told), nothing for the same one again, a quarter for an account that somebody has used from the network of the source, -2.2 for an account that is accepted, once a day. Slow at 4.6 (three accounts, or four passwords), refuse at 6.7 (four, or five). The sum stops at minus 0.46 for each account that was accepted before, -4.6 for ten, and 0.69 lower each time that their number doubles, -9.2 at most.',
    sources:
      'Log-likelihoods of 0.1 against 0.9; thresholds by simulation. fail2ban bans after five failures in ten minutes, whoever it is.',
    evades:
      'Two passwords or one account a day from one source; one attempt each from many sources is a campaign, seen for the site.',
    lookalikes:
      'A telephone with an old password (the same one: counts once), an office behind one address (some of its accounts are accepted, so it is slowed at most), the day on which all passwords change.',
  },
  see(event, scene) {
    if (event.type === 'auth-attempt') seeAttempt(event, scene);
  },
};

const isRefused = ({ outcome }: EventByType<'auth-attempt'>): boolean => outcome === 'refused';
/** The gate said 454 in place of the server behind, whose code is not there: whoever goes on with other passwords guesses. */
const isHeldOff = ({ outcome, code }: EventByType<'auth-attempt'>): boolean =>
  outcome === 'deferred' && code === undefined;

function seeAttempt(event: EventByType<'auth-attempt'>, scene: Scene): void {
  const { account, credentialFingerprint, outcome } = event;
  if (account === undefined) {
    if (isRefused(event)) scene.weigh(PASSWORD_UNTOLD, 'password-changed');
    return;
  }
  if (outcome === 'accepted') {
    if (scene.isFirstToday(account)) scene.weigh(ACCOUNT_ACCEPTED, 'account-accepted');
    return;
  }
  if (isHeldOff(event) ? credentialFingerprint === undefined : !isRefused(event)) return;
  const isNewAccount = isRefused(event) && scene.isFirstContact(account);
  const isNewPassword =
    credentialFingerprint === undefined || scene.isFirstContact(`${account} ${credentialFingerprint}`);
  const part = scene.isFamiliar(account) ? FAMILIAR_PART : 1;
  if (isNewAccount) scene.weigh(Math.trunc(ACCOUNT_REFUSED / part), 'account-refused', account);
  else if (credentialFingerprint === undefined)
    scene.weigh(Math.trunc(PASSWORD_UNTOLD / part), 'password-changed', account);
  else if (isNewPassword) scene.weigh(Math.trunc(PASSWORD_CHANGED / part), 'password-changed', account);
}

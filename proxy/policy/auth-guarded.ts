import { outsideRule } from './refusal.ts';
import type { SourceClass } from './rule.ts';

/** A decision stands behind the rule, and no decision touches never-listed networks; a trusted one needs no AUTH. */
const concerned: readonly SourceClass[] = ['stranger', 'with-history', 'provider'];

/** Found out by the session machine once an exchange shows its account. */
export const authGuarded = outsideRule({
  id: 'auth.guarded',
  stage: 'any',
  concerns: concerned,
  summary:
    'AUTH while a decision of `auth-guessing` is in force for the account or the site, from a network that never authenticated as that account within 30 days: it waits `limits.slowDelayMs` (not where the account got in from five new networks within a week: somebody on the move), and for ten minutes after a failure gets 454 without the server behind being asked. Networks where the account got in, as far as this gate has seen since it started, notice nothing.',
  answer: {
    action: 'defer',
    code: 454,
    enhanced: '4.7.0',
    reason: 'passwords are being guessed, try again in ten minutes',
  },
});

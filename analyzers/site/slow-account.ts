import { SLOW } from '../ladder.ts';
import { rolesOf } from '../scene.ts';
import type { SiteDecision } from './site-detector.ts';

/** How long what is decided about an account lasts, milliseconds. */
export const ACCOUNT_MS = 3_600_000;

/** An account is slowed down where users submit mail; it is never refused. */
export const slowAccount = (
  account: string,
  facts: Readonly<Record<string, number>>,
  reason: string,
): SiteDecision => ({
  scope: 'account',
  value: account,
  roles: [...rolesOf('submission')],
  action: 'slow',
  level: SLOW,
  lastsMs: ACCOUNT_MS,
  facts,
  reason,
});

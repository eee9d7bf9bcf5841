import type { Role } from '../events/event.ts';
import { baselines } from './defenders/baselines.ts';
import type { Defender } from './defenders/defender.ts';
import { postern } from './defenders/postern.ts';
import { Random } from './traffic/random.ts';
import { SessionScript } from './traffic/session-script.ts';
import { DAY_MS, DOMAIN } from './traffic/world.ts';

/** How long an attacker goes on. */
export const FRONTIER_DAYS = 14;
/** Most sessions of one run; at more than 7143 a day it is shorter than {@link FRONTIER_DAYS}, and everybody has reached what he reaches. */
export const SESSIONS_MAX = 100_000;
/** Fewest sessions a day that are tried: one in all, and most: ten a second. Who does not see ten a second does not look. */
export const PER_DAY_LEAST = 1 / FRONTIER_DAYS;
export const PER_DAY_MOST = 864_000;
/** A rate is found when it is known to a hundredth of itself. */
const PRECISION = 1.01;
/** Largest share of known recipients that is tried, in hundredths. */
export const HUNDREDTHS_MOST = 95;

const START_MS = 1_767_225_600_000;
const SOURCE = '203.0.113.77';
const FROM = 'offer@spam.example';

/** One kind of attack from one source: sessions at even distances, all of one kind. */
export interface AttackFamily {
  readonly title: string;
  readonly role: Role;
  /** Offences in a session. */
  readonly offences: number;
  /** No more offences a day than this are to go on without being slowed; undefined: none is set. */
  readonly goalPerDay: number | undefined;
  readonly play: (session: SessionScript, index: number) => SessionScript | undefined;
}

const idle = (session: SessionScript, verb: string, count: number): SessionScript => {
  session.hello();
  for (let index = 0; index < count; index += 1) session.idle(verb);
  return session;
};

const family = (title: string, more: Partial<AttackFamily>, play: AttackFamily['play']): AttackFamily => ({
  title,
  role: 'mx',
  offences: 1,
  goalPerDay: undefined,
  play,
  ...more,
});

/** What the gate answers to VRFY, whatever is asked (RFC 5321 section 3.5.3). */
const cannotVerify = { code: 252, enhanced: '2.1.5', text: 'Cannot verify, send mail to try', from: 'gate' } as const;

const harvest = { goalPerDay: 3 };
const passwords = { goalPerDay: 2, role: 'submission' } as const;

/** What one source can do to a server. No guess is made twice. */
export const attackFamilies: readonly AttackFamily[] = [
  family('harvest: unknown recipients', harvest, (session, index) =>
    session.hello().mail(FROM).recipient(`guess${index}@${DOMAIN}`, 'unknown'),
  ),
  family('harvest, one edit from known recipients', harvest, (session, index) =>
    session.hello().mail(FROM).recipient(`guess${index}@${DOMAIN}`, 'near-miss'),
  ),
  family('harvest with a null reverse-path', harvest, (session, index) =>
    session.hello().mail('').recipient(`guess${index}@${DOMAIN}`, 'unknown'),
  ),
  family('VRFY, answered 252', harvest, (session) => session.hello().idle('VRFY', cannotVerify)),
  family('passwords of one account', passwords, (session, index) =>
    session.hello().authenticate('admin', index & 0xffff, 'refused'),
  ),
  family('passwords of one account, CRAM-MD5', passwords, (session) =>
    session.hello().authenticate('admin', undefined, 'refused'),
  ),
  family('accounts, one password', passwords, (session, index) =>
    session.hello().authenticate(`user${index}`, 4711, 'refused'),
  ),
  family('relay probes', {}, (session, index) =>
    session.hello().mail(FROM).recipient(`probe@probe${index}.example`, 'foreign'),
  ),
  // EHLO and QUIT are two of them.
  family('commands, 20 a session', { offences: 20 }, (session) => idle(session, 'NOOP', 18)),
  family('commands, 19 a session', { offences: 19 }, (session) => idle(session, 'NOOP', 17)),
  family('connections without a command', {}, (session) => void session.close({ closedBy: 'client' })),
];

/** What an attacker does not want: that his commands wait, or that he is deferred or refused. */
export type Reaction = 'slowed' | 'stopped';

/**
 * Does a defender let a source go on? The source is all alone and has no history; a defender who has reacted once has reacted.
 *
 * @param perDay - Sessions a day.
 */
export function isUnhindered(
  { role, play }: Pick<AttackFamily, 'role' | 'play'>,
  perDay: number,
  defender: Defender,
  reaction: Reaction,
): boolean {
  const gapMs = DAY_MS / perDay;
  const count = Math.min(SESSIONS_MAX, Math.ceil(FRONTIER_DAYS * perDay));
  const random = new Random(1, 1);
  for (let index = 0; index < count; index += 1) {
    const session = new SessionScript({ ip: SOURCE, atMs: START_MS + Math.floor(index * gapMs), role }, random, 1);
    const left = play(session, index);
    for (const event of left === undefined ? session.events : left.quit()) {
      defender.see(event);
      const verdict = defender.verdict(SOURCE, role, event.at + 1);
      if (verdict !== 'pass' && (reaction === 'slowed' || verdict !== 'slow')) return false;
    }
  }
  return true;
}

/**
 * Sessions a day that nobody minds, by bisection.
 *
 * @returns 0: not even one in all; infinity: not even {@link PER_DAY_MOST} are minded.
 */
export function greatestPerDay(isUnhinderedAt: (perDay: number) => boolean): number {
  if (isUnhinderedAt(PER_DAY_MOST)) return Number.POSITIVE_INFINITY;
  if (!isUnhinderedAt(PER_DAY_LEAST)) return 0;
  let [passes, fails] = [PER_DAY_LEAST, PER_DAY_MOST];
  while (fails / passes > PRECISION) {
    const middle = Math.sqrt(passes * fails);
    if (isUnhinderedAt(middle)) passes = middle;
    else fails = middle;
  }
  return passes;
}

/**
 * Hundredths that are enough, the fewest; undefined: none up to {@link HUNDREDTHS_MOST} is. Not by bisection: who knows few recipients runs
 * out of those that he has not been credited for today, so that more of them can be worse.
 */
export function fewestHundredths(isEnough: (share: number) => boolean): number | undefined {
  for (let hundredths = 0; hundredths <= HUNDREDTHS_MOST; hundredths += 1)
    if (isEnough(hundredths / 100)) return hundredths;
  return undefined;
}

/** A harvester who mixes recipients that he knows among his guesses. */
export interface Mixture {
  /** Guesses a day, at even distances. */
  readonly guessesPerDay: number;
  /** Addresses that he knows, and takes by turns. */
  readonly knownCount: number;
  /** He sends them mail, which is accepted; otherwise he only asks. */
  readonly delivers: boolean;
}

/** What he does in a share of his sessions, evenly mixed, is honest. */
const mixedPlay =
  ({ knownCount, delivers }: Mixture, share: number): AttackFamily['play'] =>
  (session, index) => {
    const known = Math.floor((index + 1) * share);
    session.hello().mail(FROM);
    if (known === Math.floor(index * share)) return session.recipient(`guess${index}@${DOMAIN}`, 'unknown');
    session.recipient(`known${known % knownCount}@${DOMAIN}`, 'known');
    return delivers ? session.data() : session.idle('RSET');
  };

export const mixtures: readonly Mixture[] = [24, 240].flatMap((guessesPerDay) =>
  [30, 800].flatMap((knownCount) => [false, true].map((delivers) => ({ guessesPerDay, knownCount, delivers }))),
);

/** Who is asked for what, one column each. */
const columns: readonly { readonly title: string; readonly make: () => Defender; readonly reaction: Reaction }[] = [
  { title: 'Postern slows', make: postern, reaction: 'slowed' },
  { title: 'Postern stops', make: postern, reaction: 'stopped' },
  ...baselines.map((make) => ({ title: make().name, make, reaction: 'stopped' as const })),
];

/** Two tables: offences a day that nobody minds, and shares of known recipients that are enough not to be minded; in Markdown. */
export function frontierTables(): string {
  const rates = attackFamilies.map((each) => [
    each.title,
    each.goalPerDay === undefined ? '' : String(each.goalPerDay),
    ...columns.map(({ make, reaction }) =>
      rateText(greatestPerDay((perDay) => isUnhindered(each, perDay, make(), reaction)) * each.offences),
    ),
  ]);
  const shares = mixtures.map((mixture) => [
    `${mixture.guessesPerDay} guesses a day, ${mixture.knownCount} known, ${mixture.delivers ? 'mail to them' : 'asked for only'}`,
    ...columns.map(({ make, reaction }) =>
      shareText(
        fewestHundredths((share) => {
          const perDay = mixture.guessesPerDay / (1 - share);
          return isUnhindered({ role: 'mx', play: mixedPlay(mixture, share) }, perDay, make(), reaction);
        }),
      ),
    ),
  ]);
  const heads = columns.map(({ title }) => title);
  return `${markdown(['offences a day', 'goal', ...heads], rates)}\n${markdown(['known recipients among them', ...heads], shares)}`;
}

function rateText(perDay: number): string {
  if (perDay === Number.POSITIVE_INFINITY) return 'any';
  if (perDay === 0) return 'none';
  if (perDay >= 100) return Number(perDay.toPrecision(3)).toLocaleString('en');
  return perDay.toFixed(1);
}

const shareText = (hundredths: number | undefined): string => (hundredths === undefined ? '–' : `${hundredths} %`);

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');

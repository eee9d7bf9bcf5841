import type { Actor, TrafficScenario } from './actor.ts';
import { actorOf, type Habit } from './play.ts';
import type { Random } from './random.ts';
import type { SessionScript } from './session-script.ts';
import { HOUR_MS, type World } from './world.ts';

/** Every attack begins some time after the one before, so that each is seen by itself: four hours in a week, 34 minutes in a day. */
const apartMs = ({ span }: World): number => Math.floor((span.endMs - span.attacksMs) / 42);
export const SPAM = 'offer@spam.example';

export const all = ['S', 'M', 'L'] as const;
export const large = ['M', 'L'] as const;

type OwnHabit = Omit<Habit, 'scenario' | 'ip' | 'fromMs'> & Partial<Pick<Habit, 'ip' | 'fromMs'>>;

export const attack = (
  number: number,
  title: string,
  sizes: TrafficScenario['sizes'],
  habits: (world: World) => readonly OwnHabit[],
): TrafficScenario => ({
  id: `A${number}`,
  title,
  isAttack: true,
  sizes,
  actors: (world): readonly Actor[] =>
    habits(world).map((habit) =>
      actorOf({
        scenario: `A${number}`,
        fromMs: (number - 1) * apartMs(world),
        ip: world.host(world.random),
        ...habit,
      }),
    ),
});

export const every = (ms: number) => (): number => ms;
export const about =
  (ms: number) =>
  (random: Random): number =>
    random.exponential(ms);

/** One guess in a session. */
export const guess =
  (world: World) =>
  (session: SessionScript, random: Random): SessionScript =>
    session.hello().mail(SPAM).recipient(world.guess(random), 'unknown');

export const login =
  (account: (random: Random, index: number) => string, password: (random: Random, index: number) => number) =>
  (session: SessionScript, random: Random, index: number): SessionScript =>
    session.hello().authenticate(account(random, index), password(random, index) & 0xffff, 'refused');

/** Names that guessers try. */
export const victims = [
  'admin',
  'test',
  'info',
  'sales',
  'support',
  'user1',
  'user2',
  'user3',
  'root',
  'scan',
  'office',
  'demo',
  'mail',
];

/** Servers that bounce: they attack nobody, and no attack comes from them. */
export const BOUNCING_FROM = 2 ** 20;

/** Source `index` of many, each in a network of its own; attacks share the first ones. */
export const spread =
  (count: number, from = 0) =>
  (_random: Random, index: number): string => {
    const number = from + (index % count);
    return `${91 + (number % 80)}.${(number >> 6) & 255}.${(number >> 14) & 255}.${1 + ((number * 7) % 250)}`;
  };

/** Bounces of forged mail to one domain of ours, so many an hour: its own domain, so that no other flood hides it. */
export const bouncesOf = (world: World, domain: string, perHour: number, hours: number): readonly OwnHabit[] => [
  {
    count: perHour * hours,
    gapMs: about(HOUR_MS / perHour),
    ip: spread(500, BOUNCING_FROM + 100_000 + perHour),
    play: (session, random) =>
      session
        .hello()
        .mail('')
        .recipient(world.guess(random).replace('@', `@${domain}.`), 'unknown'),
  },
];

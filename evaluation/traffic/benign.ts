import type { Actor, TrafficScenario } from './actor.ts';
import { actorOf, type Habit } from './play.ts';
import type { Random } from './random.ts';
import type { SessionScript } from './session-script.ts';
import { DAY_MS, DOMAIN, HOUR_MS, MINUTE_MS, SECOND_MS, siteSizes, type World } from './world.ts';

const all = ['S', 'M', 'L'] as const;
const large = ['M', 'L'] as const;

type OwnHabit = Omit<Habit, 'scenario' | 'ip'> & Partial<Pick<Habit, 'ip'>>;

const benign = (
  number: number,
  title: string,
  sizes: TrafficScenario['sizes'],
  habits: (world: World) => readonly OwnHabit[],
): TrafficScenario => ({
  id: `B${number}`,
  title,
  isAttack: false,
  sizes,
  actors: (world): readonly Actor[] => {
    const ip = world.host(world.random);
    return habits(world).map((habit, index) =>
      actorOf({
        scenario: `B${number}`,
        ip: sameHost.has(number) || index === 0 ? ip : world.host(world.random),
        messageCount: 1,
        ...habit,
      }),
    );
  },
});

/** Scenarios in which one host does different things at different times. */
const sameHost: ReadonlySet<number> = new Set([13, 15]);

const every = (ms: number) => (): number => ms;
const about =
  (ms: number) =>
  (random: Random): number =>
    random.exponential(ms);
/** Short gaps within a burst, long ones between (Weibull below some seconds, Pareto above). */
const bursty =
  (meanMs: number) =>
  (random: Random): number =>
    random.chance(0.5) ? random.weibull(Math.min(2000, meanMs / 4), 0.7) : random.pareto(meanMs * 0.7, 1.6);

/** One message to one recipient, wrong in a share of cases. */
const message =
  (world: World, wrong: number, from = 'someone@friend.example') =>
  (session: SessionScript, random: Random): SessionScript => {
    session.hello().mail(from);
    if (random.chance(wrong)) return session.recipient(world.wrong(random), 'unknown');
    return session.recipient(world.recipient(random), 'known').data(Math.floor(random.lognormal(8000, 1.5)));
  };

/** How a list is sent: recipients by number, of which some are dead for good. */
const list =
  (world: World, count: number, dead: number) =>
  (session: SessionScript, _random: Random, index: number): SessionScript => {
    const number = index % count;
    const isDead = (number * 7919) % 1000 < dead * 1000;
    session.hello().mail('news@list.example');
    if (isDead) return session.recipient(`left${number}@${DOMAIN}`, 'unknown');
    return session
      .recipient(world.recipients[number % world.recipients.length] ?? `postmaster@${DOMAIN}`, 'known')
      .data();
  };

const login =
  (account: string, password: number, isRight: boolean) =>
  (session: SessionScript): SessionScript => {
    session.hello().authenticate(account, password, isRight ? 'accepted' : 'refused');
    return isRight
      ? session.mail(`${account}@${DOMAIN}`).recipient('partner@elsewhere.example', 'known').data()
      : session;
  };

/** Users of one address: each comes with his account; some have an old password in some device. */
const users =
  (prefix: string, count: number, stale: number) =>
  (session: SessionScript, random: Random): SessionScript => {
    const number = random.below(count);
    const isStale = number < count * stale && random.chance(0.5);
    if (random.chance(0.01)) return login(`${prefix}${number}`, random.word() & 0xffff, false)(session);
    return login(`${prefix}${number}`, isStale ? 1 : 1000 + number, !isStale)(session);
  };

/** Everybody else: servers that send now and then, of very different size. */
const ordinary = (world: World): readonly Actor[] => {
  const { random, size } = world;
  const daily = siteSizes[size];
  const servers = { S: 34, M: 1500, L: 20_000 }[size];
  return Array.from({ length: servers }, (_, rank) => {
    // Zipf: the first servers send most of the mail.
    const perDay = (daily * 0.8) / (rank + 1) / Math.log(servers);
    return actorOf({
      scenario: 'background',
      ip: world.host(random),
      gapMs: bursty(DAY_MS / perDay),
      messageCount: 1,
      play: message(world, 0.02),
    });
  });
};

/** The noise of the Internet: somebody connects, and leaves. */
const noise = (world: World): Actor =>
  actorOf({
    scenario: 'background',
    ip: () => world.host(world.random),
    gapMs: about(DAY_MS / (siteSizes[world.size] * 0.1)),
    play: (session) => session,
  });

export const background: TrafficScenario = {
  id: 'background',
  title: 'ordinary servers and noise',
  isAttack: false,
  sizes: all,
  actors: (world) => [...ordinary(world), noise(world)],
};

/** The honest ones of the evaluation protocol. */
export const honest: readonly TrafficScenario[] = [
  benign(1, 'a mail server, 2 % unknown', all, (world) => [
    { gapMs: bursty(10 * MINUTE_MS), play: message(world, 0.02) },
  ]),
  benign(2, 'a mailing service, 5 % unknown', all, (world) => [
    {
      gapMs: about(world.size === 'S' ? 5 * MINUTE_MS : 4 * SECOND_MS),
      play: message(world, 0.05, 'bounce@service.example'),
    },
  ]),
  benign(3, 'a mailing service, 10 % unknown', all, (world) => [
    {
      gapMs: about(world.size === 'S' ? 5 * MINUTE_MS : 6 * SECOND_MS),
      play: message(world, 0.1, 'bounce@service.example'),
    },
  ]),
  benign(4, 'a weekly newsletter, 3 % dead', all, (world) => [
    {
      gapMs: (_random, atMs) => (Math.floor(atMs / 1000) % 3000 === 0 ? 3 * DAY_MS : 2 * SECOND_MS),
      count: 6000,
      play: list(world, Math.min(3000, world.recipients.length), 0.03),
    },
  ]),
  benign(5, 'dirty lists, 15 % and 25 % dead', all, (world) => [
    {
      fromMs: 8 * DAY_MS,
      count: Math.min(500, world.recipients.length),
      gapMs: every(3 * SECOND_MS),
      play: list(world, 500, 0.15),
    },
    {
      fromMs: 9 * DAY_MS,
      count: Math.min(500, world.recipients.length),
      gapMs: every(3 * SECOND_MS),
      play: list(world, 500, 0.25),
    },
  ]),
  benign(6, 'hosts of large providers, 4 % unknown', all, (world) => [
    {
      ip: (random) => world.providerHost(random),
      gapMs: about(world.size === 'S' ? 10 * MINUTE_MS : 6 * SECOND_MS),
      play: message(world, 0.04),
    },
  ]),
  benign(7, 'a list server with VERP, 1 % dead', all, (world) => [
    { gapMs: bursty(5 * MINUTE_MS), play: list(world, 200, 0.01) },
  ]),
  benign(8, 'a forwarder with three dead addresses', all, (world) => [
    {
      gapMs: every(5 * MINUTE_MS),
      play: (session, random, index) =>
        index % 3 === 0
          ? session
              .hello()
              .mail('srs0=x@forwarder.example')
              .recipient(`dead${index % 9}@${DOMAIN}`, 'unknown')
          : message(world, 0)(session, random),
    },
  ]),
  benign(9, 'an office of 60 behind one address, 3 % with an old password', all, () => [
    { role: 'submission', gapMs: about(2 * MINUTE_MS), play: users('office', 60, 0.03) },
  ]),
  benign(10, '500 users behind one address of a carrier', large, () => [
    { role: 'submission', gapMs: about(20 * SECOND_MS), play: users('carrier', 500, 0.03) },
  ]),
  benign(11, 'a telephone with an old password, every two minutes', all, () => [
    {
      role: 'submission',
      fromMs: 8 * DAY_MS,
      count: 720,
      messageCount: 0,
      gapMs: every(2 * MINUTE_MS),
      play: login('traveller', 1, false),
    },
  ]),
  benign(12, 'a printer that mails to one foreign address', all, (world) => [
    {
      gapMs: about(HOUR_MS),
      messageCount: 0,
      play: (session, random) =>
        random.chance(0.5)
          ? session.hello().mail(`printer@${DOMAIN}`).recipient('boss@private.example', 'foreign')
          : message(world, 0)(session, random),
    },
  ]),
  benign(13, 'the day on which all passwords change', all, () => [
    { role: 'submission', gapMs: about(3 * MINUTE_MS), forMs: 8 * DAY_MS, play: users('firm', 40, 0) },
    {
      role: 'submission',
      fromMs: 8 * DAY_MS,
      forMs: DAY_MS,
      gapMs: about(MINUTE_MS),
      play: (session, random) => {
        const number = random.below(40);
        const isOld = random.chance(0.4);
        return login(`firm${number}`, isOld ? 1000 + number : 2000 + number, !isOld)(session);
      },
    },
  ]),
  benign(14, 'monitoring that connects every minute', all, () => [
    { gapMs: every(MINUTE_MS), messageCount: 0, play: (session) => session },
  ]),
  benign(15, 'a backup MX that empties its queue after six hours', all, (world) => [
    { gapMs: about(HOUR_MS), forMs: 9 * DAY_MS, play: message(world, 0.02) },
    {
      fromMs: 9 * DAY_MS + 6 * HOUR_MS,
      count: world.size === 'S' ? 100 : 2000,
      gapMs: every(300),
      play: message(world, 0.03),
    },
  ]),
  benign(16, 'half of the addresses are gone one morning', all, (world) => [
    {
      gapMs: bursty(20 * MINUTE_MS),
      play: (session, random) => {
        const isOld = random.chance(0.5);
        if (!isOld) return message(world, 0)(session, random);
        const forwardPath = `old${random.below(60)}@${DOMAIN}`;
        session.hello().mail('a@partner.example');
        const isGone = session.atMs > world.span.startMs + 8 * DAY_MS;
        return isGone ? session.recipient(forwardPath, 'unknown') : session.recipient(forwardPath, 'known').data();
      },
    },
  ]),
  benign(17, 'bounces after a mailing of ours', all, (world) => [
    {
      fromMs: 10 * DAY_MS,
      count: world.size === 'S' ? 60 : 800,
      gapMs: about(5 * SECOND_MS),
      ip: (random) => `${60 + random.below(20)}.${random.below(200)}.10.25`,
      play: (session) =>
        session
          .hello()
          .mail('')
          .recipient(world.recipients[0] ?? '', 'known')
          .data(),
    },
  ]),
  benign(18, 'answers of calendars and receipts', all, (world) => [
    {
      gapMs: about(20 * MINUTE_MS),
      play: (session, random) => session.hello().mail('').recipient(world.recipient(random), 'known').data(),
    },
  ]),
  benign(19, 'servers that verify our addresses by callouts', all, (world) => [
    {
      gapMs: about(2 * MINUTE_MS),
      messageCount: 0,
      play: (session, random) => {
        session.hello().mail('');
        return (
          random.chance(0.03)
            ? session.recipient(world.guess(random), 'unknown')
            : session.recipient(world.recipient(random), 'known')
        ).idle('RSET');
      },
    },
  ]),
  benign(20, 'a ship at 2 KB a second', all, (world) => [
    {
      gapMs: about(2 * HOUR_MS),
      play: (session, random) => {
        session.hello().mail('captain@ship.example').recipient(world.recipient(random), 'known');
        for (let part = 1; part <= 8; part += 1)
          session.wait(30_000).progress('data', part * 60_000, part * 30_000, 0.1);
        return session.data(500_000);
      },
    },
  ]),
  benign(21, 'large attachments', all, (world) => [
    {
      gapMs: about(HOUR_MS),
      play: (session, random) => {
        session.hello().mail('a@studio.example').recipient(world.recipient(random), 'known');
        for (let part = 1; part <= 4; part += 1)
          session.wait(30_000).progress('data', part * 6_000_000, part * 30_000, 0.1);
        return session.data(25_000_000);
      },
    },
  ]),
  benign(22, 'Monday at nine: six times the mail', all, (world) => [
    {
      fromMs: 7 * DAY_MS + 9 * HOUR_MS,
      forMs: HOUR_MS,
      ip: (random) => `${60 + random.below(25)}.${random.below(250)}.77.25`,
      gapMs: about(DAY_MS / siteSizes[world.size] / 6),
      play: message(world, 0.03),
    },
  ]),
  benign(23, 'senders on their first day', all, (world) =>
    Array.from({ length: world.size === 'S' ? 5 : 60 }, (_, index) => ({
      fromMs: 7 * DAY_MS + index * 2 * HOUR_MS,
      count: 30,
      gapMs: about(10 * MINUTE_MS),
      play: message(world, 0.05),
    })),
  ),
  benign(24, 'a ticket system in bursts', all, (world) => [
    { gapMs: (random) => (random.chance(0.05) ? 2 * HOUR_MS : 500), play: message(world, 0.02) },
  ]),
  benign(25, 'a server whose gate has a wrong clock', all, (world) => [
    {
      gapMs: bursty(10 * MINUTE_MS),
      play: (session, random) => message(world, 0.02)(random.chance(0.1) ? session.wait(-30_000) : session, random),
    },
  ]),
  benign(26, 'a user whose address changes all day', all, () => [
    {
      role: 'submission',
      ip: (random) => `${176 + random.below(8)}.${random.below(250)}.${random.below(250)}.${1 + random.below(250)}`,
      gapMs: about(30 * MINUTE_MS),
      play: (session, random) =>
        random.chance(0.05)
          ? login('mobile', random.word() & 0xffff, false)(session)
          : login('mobile', 7, true)(session),
    },
  ]),
  benign(27, 'a scanner of the site itself, on the never-list', all, () => [
    {
      ip: '198.18.0.10',
      fromMs: 8 * DAY_MS,
      count: 200,
      messageCount: 0,
      gapMs: every(SECOND_MS),
      play: (session, _random, index) =>
        index % 3 === 0
          ? session.anomaly('http-on-smtp')
          : session.hello().mail('').recipient(`x${index}@foreign.example`, 'foreign'),
    },
  ]),
];

/** Honest ones that came later than the attacks, see `all.ts`. */
export const honestLast: readonly TrafficScenario[] = [
  benign(28, 'forty servers that still send mail for a domain that moved', all, (world) =>
    Array.from({ length: 40 }, (_, rank): readonly OwnHabit[] => {
      const ip = world.host(world.random);
      const forMovedDomain: OwnHabit = {
        ip,
        fromMs: 7 * DAY_MS,
        gapMs: bursty((2 + rank) * HOUR_MS),
        messageCount: 0,
        play: (session, random) =>
          session
            .hello()
            .mail('someone@friend.example')
            .recipient(`user${random.zipf(12)}@moved.example`, 'foreign'),
      };
      const forUs: OwnHabit = { ip, gapMs: bursty((8 + rank) * HOUR_MS), play: message(world, 0.02) };
      return rank % 2 === 0 ? [forMovedDomain, forUs] : [forMovedDomain];
    }).flat(),
  ),
];

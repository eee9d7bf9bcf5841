import type { TrafficScenario } from './actor.ts';
import {
  about,
  all,
  attack,
  BOUNCING_FROM,
  bouncesOf,
  every,
  guess,
  large,
  login,
  SPAM,
  spread,
  victims,
} from './attack.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './world.ts';

/** The attacks of the evaluation protocol, one each. */
export const attacks: readonly TrafficScenario[] = [
  attack(1, 'dictionary, one guess a second, one connection', all, (world) => [
    {
      count: 1,
      gapMs: every(SECOND_MS),
      play: (session, random) => {
        session.hello().mail(SPAM);
        for (let index = 0; index < 200; index += 1) session.wait(960).recipient(world.guess(random), 'unknown');
        return session;
      },
    },
  ]),
  attack(2, 'dictionary, one guess a minute', all, (world) => [
    { count: 120, gapMs: every(MINUTE_MS), play: guess(world) },
  ]),
  attack(3, 'dictionary, four guesses in ten minutes', all, (world) => [
    { count: 60, gapMs: every(2.5 * MINUTE_MS), play: guess(world) },
  ]),
  attack(4, 'dictionary, one guess an hour', all, (world) => [
    { count: 60, gapMs: every(HOUR_MS), play: guess(world) },
  ]),
  attack(5, 'dictionary, three guesses a day', all, (world) => [{ gapMs: every(8 * HOUR_MS), play: guess(world) }]),
  attack(6, 'dictionary, half of it known', all, (world) => [
    {
      count: 200,
      gapMs: every(MINUTE_MS),
      play: (session, random, index) =>
        session
          .hello()
          .mail(SPAM)
          .recipient(
            index % 2 === 0 ? world.guess(random) : world.recipient(random),
            index % 2 === 0 ? 'unknown' : 'known',
          ),
    },
  ]),
  attack(7, 'harvest by many sources, one guess each', large, (world) => [
    { count: 5000, gapMs: about(2 * SECOND_MS), ip: spread(5000), play: guess(world) },
  ]),
  attack(8, 'VRFY and EXPN', all, () => [
    {
      count: 20,
      gapMs: every(10 * SECOND_MS),
      play: (session) => session.hello().idle('VRFY').idle('EXPN').idle('VRFY'),
    },
  ]),
  attack(9, 'harvest in the dress of callouts', all, (world) => [
    {
      count: 300,
      gapMs: every(SECOND_MS),
      play: (session, random) => session.hello().mail('').recipient(world.guess(random), 'unknown'),
    },
  ]),
  attack(10, 'passwords of one account, one a second', all, () => [
    {
      role: 'submission',
      count: 200,
      gapMs: every(SECOND_MS),
      play: login(
        () => 'admin',
        (_random, index) => index,
      ),
    },
  ]),
  attack(11, 'passwords of one account, one in five minutes', all, () => [
    {
      role: 'submission',
      count: 60,
      gapMs: every(5 * MINUTE_MS),
      play: login(
        () => 'admin',
        (_random, index) => index,
      ),
    },
  ]),
  attack(12, 'one password for all accounts, one source', all, () => [
    {
      role: 'submission',
      count: 100,
      gapMs: every(20 * SECOND_MS),
      play: login(
        (_random, index) => `user${index}`,
        () => 4711,
      ),
    },
  ]),
  attack(13, 'one password for all accounts, 2000 sources with one try each', all, () => [
    {
      role: 'submission',
      count: 2000,
      gapMs: about(MINUTE_MS),
      ip: spread(2000),
      play: login(
        (_random, index) => `user${index}`,
        () => 815,
      ),
    },
  ]),
  attack(14, '139 attempts by 139 sources on 13 accounts, 1.1 an hour', all, () => [
    {
      role: 'submission',
      fromMs: 0,
      count: 139,
      gapMs: about(HOUR_MS / 1.1),
      ip: spread(139),
      play: login(
        (random) => random.pick(victims),
        (random) => random.word(),
      ),
    },
  ]),
  attack(15, 'stolen pairs of account and password', all, () => [
    {
      role: 'submission',
      count: 400,
      gapMs: about(30 * SECOND_MS),
      ip: spread(100),
      play: login(
        (_random, index) => `stolen${index}`,
        (random) => random.word(),
      ),
    },
  ]),
  attack(16, 'a relay probe with one shot', all, () => [
    {
      count: 2,
      gapMs: every(MINUTE_MS),
      play: (session, _random, index) =>
        session.hello().mail(SPAM).recipient(`probe${index}@probe${index}.example`, 'foreign'),
    },
  ]),
  attack(17, 'relay tricks', all, () => [
    {
      count: 5,
      gapMs: every(10 * SECOND_MS),
      play: (session, _random, index) =>
        session.hello().mail(SPAM).recipient(`probe${index}%relay.example@example.com`, 'routing'),
    },
  ]),
  attack(18, 'relay probes from one /24 by turns', all, (world) => {
    const network = world.network();
    return [
      {
        count: 60,
        gapMs: every(10 * MINUTE_MS),
        ip: (_random, index) => `${network}.${1 + index}`,
        play: (session) => session.hello().mail(SPAM).recipient('probe@relay.example', 'foreign'),
      },
    ];
  }),
  attack(19, 'bounces of forged mail, 100,000 in six hours from 8000 servers', large, (world) => [
    {
      count: world.size === 'L' ? 100_000 : 20_000,
      gapMs: about(world.size === 'L' ? 216 : 1080),
      ip: spread(8000, BOUNCING_FROM),
      play: (session, random) => session.hello().mail('').recipient(world.guess(random), 'unknown'),
    },
  ]),
  attack(20, 'bounces of forged mail, 200 a day', all, (world) => [
    {
      gapMs: about(DAY_MS / 200),
      ip: spread(500, BOUNCING_FROM),
      play: (session, random) => session.hello().mail('').recipient(world.guess(random), 'unknown'),
    },
  ]),
  attack(21, 'one mail to a thousand wrong addresses', all, (world) => [
    {
      count: 5,
      gapMs: every(MINUTE_MS),
      play: (session, random) => {
        session.hello().mail('victim@elsewhere.example');
        for (let index = 0; index < 100; index += 1) session.recipient(world.guess(random), 'unknown');
        return session;
      },
    },
  ]),
  attack(22, 'sessions held and let go together', large, (world) => [
    {
      count: 1000,
      gapMs: every(10),
      ip: spread(300),
      play: (session, random, index) => {
        session.hello().mail('list@coord.example').recipient(world.recipient(random), 'known');
        for (let part = 1; part <= 5; part += 1) session.wait(30_000 - 40).progress('command', 0, part * 30_000, 0.5);
        return session.wait(10_000 - index * 10).data();
      },
    },
  ]),
  attack(23, 'connections, 500 a second, one source', large, () => [
    { count: 15_000, gapMs: every(2), play: (session) => void session.close({ closedBy: 'client' }) },
  ]),
  attack(24, 'connections of 20,000 sources', large, () => [
    {
      count: 20_000,
      gapMs: every(15),
      ip: spread(20_000),
      play: (session) => void session.close({ closedBy: 'client' }),
    },
  ]),
  attack(25, 'slots held by sources that do nothing', all, () => [
    {
      count: 200,
      gapMs: every(200),
      ip: spread(60),
      play: (session) => {
        session.hello();
        for (let part = 1; part <= 9; part += 1) session.wait(30_000).progress('command', 0, part * 30_000, 0.7);
        return void session.close({ closedBy: 'gate', rule: 'deadline.command' });
      },
    },
  ]),
  attack(26, 'bodies at 50 octets a second', all, (world) => [
    {
      count: 20,
      gapMs: every(20 * SECOND_MS),
      play: (session, random) => {
        session.hello().mail(SPAM).recipient(world.recipient(random), 'known');
        for (let part = 1; part <= 10; part += 1)
          session.wait(30_000).progress('data', part * 1500, part * 30_000, 0.2);
        return void session.close({ closedBy: 'gate', rule: 'deadline.data-rate' });
      },
    },
  ]),
  attack(27, 'commands without end', all, () => [
    {
      count: 10,
      gapMs: every(30 * SECOND_MS),
      play: (session) => {
        session.hello();
        for (let index = 0; index < 98; index += 1) session.idle('NOOP');
        return session;
      },
    },
  ]),
  attack(28, 'a rented /24, 250 sources with four mails each', all, (world) => {
    const network = world.network();
    return [
      {
        count: 1000,
        gapMs: about(30 * SECOND_MS),
        ip: (_random, index) => `${network}.${1 + (index % 250)}`,
        play: (session, random) => {
          session.hello().mail(SPAM);
          for (let index = 0; index < 3; index += 1) session.recipient(world.guess(random), 'unknown');
          return session;
        },
      },
    ];
  }),
  attack(29, 'an IPv6 /48, one /64 after the other', all, (world) => [
    {
      count: 500,
      gapMs: about(20 * SECOND_MS),
      ip: (_random, index) => `2a0e:97c0:5a1:${(index + 1).toString(16)}::25`,
      play: (session, random) =>
        session.hello().mail(SPAM).recipient(world.guess(random), 'unknown').recipient(world.guess(random), 'unknown'),
    },
  ]),
  attack(30, 'bots that do not wait for the greeting', all, () => [
    {
      count: 100,
      gapMs: about(MINUTE_MS),
      ip: spread(20),
      play: (session) => void session.anomaly('early-talker').close({ closedBy: 'gate', rule: 'greet.early-talker' }),
    },
  ]),
  attack(31, 'scanners that speak HTTP and TLS', all, () => [
    {
      count: 40,
      gapMs: about(MINUTE_MS),
      ip: spread(10),
      play: (session, _random, index) =>
        void session.anomaly(index % 2 === 0 ? 'http-on-smtp' : 'tls-on-plaintext').close({ closedBy: 'gate' }),
    },
  ]),
  attack(32, 'a prober of thresholds: four guesses in 9.5 minutes, then a rest', all, (world) => [
    {
      count: 120,
      gapMs: (_random, atMs) => (Math.floor(atMs / 1000) % 4 === 0 ? 12 * MINUTE_MS : 2.4 * MINUTE_MS),
      play: guess(world),
    },
  ]),
  attack(33, 'a harvester that sends good mail first', all, (world) => [
    {
      count: 400,
      gapMs: every(2 * MINUTE_MS),
      play: (session, random, index) =>
        index < 60
          ? session.hello().mail(SPAM).recipient(world.recipient(random), 'known').data()
          : session.hello().mail(SPAM).recipient(world.guess(random), 'unknown'),
    },
  ]),
  attack(34, 'a flood of sources with one guess each, to flush the tables', large, (world) => [
    {
      count: world.size === 'L' ? 500_000 : 60_000,
      gapMs: every(world.size === 'L' ? 4 : 30),
      ip: (_random, index) => `${101 + (index >> 18)}.${(index >> 10) & 255}.${(index >> 2) & 255}.${1 + (index & 3)}`,
      play: guess(world),
    },
  ]),
];

/** Attacks that came after the honest ones, see `all.ts`. */
export const attacksLast: readonly TrafficScenario[] = [
  attack(35, 'bounces of forged mail, 60 an hour: ten times what is usual', all, (world) =>
    bouncesOf(world, 'ten', 60, 6),
  ),
  attack(36, 'bounces of forged mail, 360 an hour: sixty times what is usual', all, (world) =>
    bouncesOf(world, 'sixty', 360, 2),
  ),
];

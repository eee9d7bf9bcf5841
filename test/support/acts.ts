import type { MailEvent } from '../../events/event.ts';
import { unreachable } from '../../lib/assert.ts';
import { Sessions, START_MS } from './watch.ts';

/** One thing that a source may do in a session. */
export const deeds = [
  'guess',
  'mail',
  'relay',
  'trick',
  'login',
  'wrong',
  'bounce',
  'early',
  'http',
  'noop',
  'drop',
] as const;
export type DeedName = (typeof deeds)[number];

export interface Act {
  readonly ip: string;
  readonly deed: DeedName;
  readonly afterMs: number;
}

/** The sessions of acts; no two acts are after the same recipient, account or password. */
export function sessionsOf(all: Iterable<Act>): readonly (readonly MailEvent[])[] {
  const sessions = new Sessions(3);
  let atMs = START_MS;
  return Array.from(all, ({ ip, deed, afterMs }, index) => {
    atMs += afterMs;
    const role = deed === 'login' || deed === 'wrong' ? 'submission' : 'mx';
    const session = sessions.open({ ip, atMs, role }).hello();
    switch (deed) {
      case 'guess':
        return session.mail('a@x.example').recipient(`g${index}@example.com`, 'unknown').quit();
      case 'mail':
        return session.mail('a@x.example').recipient(`k${index}@example.com`, 'known').data().quit();
      case 'relay':
        return session.mail('a@x.example').recipient(`a@f${index}.example`, 'foreign').quit();
      case 'trick':
        return session.mail('a@x.example').recipient(`a%f${index}.example@example.com`, 'routing').quit();
      case 'login':
        return session.authenticate(`user${index}`, index, 'accepted').quit();
      case 'wrong':
        return session.authenticate(`user${index}`, index, 'refused').quit();
      case 'bounce':
        return session.mail('').recipient(`b${index}@example.com`, 'unknown').quit();
      case 'early':
        return session.anomaly('early-talker').quit();
      case 'http':
        return session.anomaly('http-on-smtp').quit();
      case 'noop':
        for (let count = 0; count < 25; count += 1) session.idle('NOOP');
        return session.quit();
      case 'drop':
        return session.close({ closedBy: 'gate', rule: 'deadline.command' });
      default:
        return unreachable(deed);
    }
  });
}

/** Sessions of different acts overlap in time: events in their order. */
export const eventsOf = (all: Iterable<Act>): readonly MailEvent[] =>
  sessionsOf(all)
    .flat()
    .sort((a, b) => a.at - b.at);

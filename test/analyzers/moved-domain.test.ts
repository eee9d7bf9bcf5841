import { describe, expect, test } from 'vitest';
import { forgottenDomain } from '../../analyzers/site/forgotten-domain.ts';
import { rangeCampaign } from '../../analyzers/site/range-campaign.ts';
import type { SiteDetector } from '../../analyzers/site/site-detector.ts';
import { relayCampaign } from '../../analyzers/site/site-rate.ts';
import { SiteWatch } from '../../analyzers/site-watch.ts';
import { honestLast } from '../../evaluation/traffic/benign.ts';
import { undefended } from '../../evaluation/traffic/traffic.ts';
import { World } from '../../evaluation/traffic/world.ts';
import type { MailEvent } from '../../events/event.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, Sessions, START_MS, watched } from '../support/watch.ts';

const begin = (detector: SiteDetector): SiteWatch => new SiteWatch({ site: 'site', configHash: 'hash' }, [detector]);

describe('what an honest server for a domain that moved suffers', () => {
  const letters = (count: number, everyMs: number, domain = 'moved.example', atMs = START_MS): MailEvent[] =>
    new Sessions(atMs).each(count, everyMs, { atMs }, (session, index) =>
      session
        .hello()
        .mail('a@friend.example')
        .recipient(`user${index % 5}@${domain}`, 'foreign')
        .quit(),
    );
  const actions = (events: readonly MailEvent[]): string[] =>
    watched(events).decisions.map(({ scenario, action }) => `${scenario} ${action}`);
  const delivery = (): readonly MailEvent[] =>
    new Sessions(9)
      .open({ atMs: START_MS - DAY_MS })
      .hello()
      .mail('a@friend.example')
      .recipient('k@example.com', 'known')
      .data()
      .quit();

  test('mail every day slows it once; a letter now and then each time, and it is never stopped', () => {
    expect(actions(letters(120, DAY_MS))).toEqual(['relay-probe slow']);
    expect(new Set(actions(letters(30, 8 * DAY_MS)))).toEqual(new Set(['relay-probe slow']));
  });

  test('nothing, when mail of it was accepted here; a second foreign domain defers that one, and refuses a stranger', () => {
    expect(actions([...delivery(), ...letters(20, DAY_MS)])).toEqual([]);
    const second = letters(1, 0, 'other.example', START_MS + HOUR_MS);
    expect(actions([...delivery(), ...letters(1, 0), ...second])).toEqual(['relay-probe defer']);
    expect(actions([...letters(1, 0), ...second])).toEqual(['relay-probe slow', 'relay-probe refuse']);
  });

  const decided = (events: readonly MailEvent[], detector: SiteDetector): readonly string[] => {
    const watch = begin(detector);
    return watched(events).evidence.flatMap((piece) =>
      watch.see(piece).decisions.map(({ scenario, action, scope }) => `${scenario} ${action} ${scope}`),
    );
  };
  const together = (count: number, everyMs: number, ip: (index: number) => string): MailEvent[] =>
    Array.from({ length: count }, (_, index) =>
      new Sessions(index + 1)
        .open({ ip: ip(index), atMs: START_MS + index * everyMs })
        .hello()
        .mail('someone@friend.example')
        .recipient(`user${index}@moved.example`, 'foreign')
        .quit(),
    ).flat();

  test('twenty strangers within an hour are slowed as a campaign, one every half hour are not', () => {
    expect(
      decided(
        together(20, 3 * MINUTE_MS, (index) => `198.51.${index}.7`),
        relayCampaign,
      ),
    ).toContain('relay-probe stress site');
    expect(
      decided(
        together(40, HOUR_MS / 2, (index) => `198.51.${index}.7`),
        relayCampaign,
      ),
    ).toEqual([]);
  });

  test('four strangers of one /24 have it deferred', () => {
    expect(
      decided(
        together(4, HOUR_MS, (index) => `198.51.100.${index}`),
        rangeCampaign,
      ),
    ).toEqual(['range-campaign defer range']);
  });
});

test('forty servers of real traffic that write to a domain that moved: it is told within two days, once', () => {
  const scenarios = honestLast.filter(({ id }) => id === 'B28');
  const span = { startMs: START_MS, attacksMs: START_MS + 7 * DAY_MS, endMs: START_MS + 14 * DAY_MS };
  const { evidence, decisions } = watched(undefended(new World(11, 'S', span), scenarios, 11));
  expect(new Set(decisions.map(({ action }) => action))).toEqual(new Set(['slow']));
  const watch = begin(forgottenDomain);
  const alerts = evidence.flatMap((piece) => watch.see(piece).alerts);
  expect(alerts.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual(['forgotten-domain moved.example']);
  expect(alerts[0]?.atMs).toBeLessThan(START_MS + 9 * DAY_MS);
});

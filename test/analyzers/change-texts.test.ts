import { expect, test } from 'vitest';
import { siteDetectors } from '../../analyzers/site/all.ts';
import { SiteWatch } from '../../analyzers/site-watch.ts';
import { SourceWatch } from '../../analyzers/source-watch.ts';
import { evidence, failure, identity, seen } from '../support/evidence.ts';
import { Sessions, watched, watchSettings } from '../support/watch.ts';

const renamed = (text: string): string => (text === 'anna' ? 'forgotten-x' : text);
/** Failures for an account from one network after the other. */
const guesses = (account: string, from: number, count: number) =>
  evidence(count, 60_000, (index) => failure(account, `198.51.${from + index}.7`), 1_767_225_600_000 + from * 60_000);

test('a watch whose texts were changed goes on as one that never knew another name', () => {
  const before = new SiteWatch(identity, siteDetectors);
  expect(seen(guesses('anna', 0, 3), before).decisions).toEqual([]);
  const changed = new SiteWatch(identity, siteDetectors);
  expect(changed.decode(before.encode(renamed))).toBe(true);
  expect(new TextDecoder().decode(changed.encode())).not.toContain('anna');
  const always = new SiteWatch(identity, siteDetectors);
  seen(guesses('forgotten-x', 0, 3), always);
  expect(changed.encode()).toEqual(always.encode());
  const decided = seen(guesses('forgotten-x', 3, 3), changed).decisions;
  expect(decided.filter(({ scope }) => scope === 'account')).toMatchObject([{ value: 'forgotten-x' }]);
  expect(seen(guesses('forgotten-x', 3, 3), always).decisions).toEqual(decided);
});

test('sessions that are open keep what they are, under the other name', () => {
  const events = new Sessions(4)
    .open({ ip: '198.51.100.7', role: 'submission' })
    .authenticate('anna', 1, 'accepted')
    .quit();
  const watch = new SourceWatch(watchSettings());
  watched(events.slice(0, 2), watch);
  const text = (octets: Uint8Array): string => new TextDecoder('latin1').decode(octets);
  expect(text(watch.encode())).toContain('"account":"anna"');
  const changed = new SourceWatch(watchSettings());
  expect(changed.decode(watch.encode(renamed))).toBe(true);
  expect(text(changed.encode())).toContain('"account":"forgotten-x"');
  expect(changed.encode((same) => same)).toEqual(changed.encode());
});

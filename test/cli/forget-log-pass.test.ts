import { expect, test } from 'vitest';
import { forgetInStream, REREAD_MAX } from '../../cli/forget/log-pass.ts';
import { Progress } from '../../cli/io/progress.ts';
import { encodeEvent } from '../../events/codec.ts';
import { Forgetter } from '../../events/forgetter.ts';
import type { EventLog } from '../../log/event-log.ts';
import { openMemoryLog } from '../../log/io/memory-log.ts';
import type { RewriteOutcome, Rewriter, Rewriting } from '../../log/rewriting.ts';
import { aCommand } from '../support/events.ts';
import { aForgetting } from '../support/forgetting.ts';

/** A log with three records of which two name her, and what it answers to rewritings. */
async function logThat(answers: (rewriting: Rewriting) => readonly RewriteOutcome[]) {
  const log = openMemoryLog({ partitionCount: 1 });
  for (const heloName of ['anna@example.com', 'berta@example.com', 'ANNA@example.com'])
    await log.append([{ stream: 'postern.events', key: 'k', payload: encodeEvent(aCommand({ heloName })) }]);
  const rewritings: Rewriting[] = [];
  const rewriter: Rewriter = {
    rewrite: async (rewriting) => {
      rewritings.push(rewriting);
      return answers(rewriting);
    },
    scrub: async () => 0,
  };
  const whole: EventLog & Rewriter = Object.assign(log, rewriter);
  const forget = (isDryRun = false) =>
    forgetInStream(
      { log: whole, forgetter: new Forgetter(aForgetting()), isDryRun, progress: new Progress('test') },
      'postern.events',
    );
  return { forget, rewritings };
}

const all =
  (outcome: RewriteOutcome) =>
  ({ records }: Rewriting): readonly RewriteOutcome[] =>
    records.map(() => outcome);

test('records that name the person are changed, and no other', async () => {
  const { forget, rewritings } = await logThat(all('rewritten'));
  expect(await forget()).toEqual({ named: 2, gone: 0, unsettled: 0 });
  expect(rewritings).toHaveLength(1);
  expect(rewritings[0]?.records.map(({ offset }) => offset)).toEqual([0, 2]);
  for (const { before, after } of rewritings[0]?.records ?? []) {
    expect(before).toMatch(/anna/i);
    expect(after).toBe(new Forgetter(aForgetting()).line(before));
  }
});

test('in a dry run they are counted', async () => {
  const { forget, rewritings } = await logThat(all('rewritten'));
  expect(await forget(true)).toEqual({ named: 2, gone: 0, unsettled: 0 });
  expect(rewritings).toEqual([]);
});

test('what left the log is told', async () => {
  const { forget } = await logThat(({ records }) => records.map(({ offset }) => (offset === 0 ? 'gone' : 'rewritten')));
  expect(await forget()).toEqual({ named: 2, gone: 1, unsettled: 0 });
});

test('what was something else is read again, some times, and then told', async () => {
  let asked = 0;
  const once = await logThat((rewriting) => {
    asked += 1;
    return asked === 1 ? all('other')(rewriting) : all('rewritten')(rewriting);
  });
  expect(await once.forget()).toEqual({ named: 2, gone: 0, unsettled: 0 });
  const always = await logThat(all('other'));
  expect(await always.forget()).toEqual({ named: 2, gone: 0, unsettled: 2 });
  expect(always.rewritings).toHaveLength(REREAD_MAX + 1);
});

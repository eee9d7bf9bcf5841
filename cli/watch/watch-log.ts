import { Runner } from '../../analyzers/io/runner.ts';
import type { RunnerListener, RunnerOptions, RunnerStats } from '../../analyzers/io/runner-options.ts';
import { Forgetter } from '../../events/forgetter.ts';
import { err, ok } from '../../lib/result.ts';
import type { Places } from '../config/places.ts';
import { ForgetRequests } from '../forget/requests.ts';
import { type DoForget, TakeUp } from '../forget/take-up.ts';
import type { OperatorLog } from '../io/logger.ts';
import { tellReady } from '../io/supervised.ts';
import type { Watching } from './watch-settings.ts';

/** What analyzers have around them, whichever log they watch. */
export interface Around {
  readonly places: Places;
  readonly watching: Watching;
  readonly listener: RunnerListener;
  readonly logger: OperatorLog;
  readonly signal: AbortSignal;
}

/** Watches a log, or a share of it, until `signal` aborts. @returns What was done; undefined where it had aborted before. */
export async function watch(
  what: Pick<RunnerOptions, 'log' | 'snapshots' | 'snapshotEveryMs' | 'share' | 'isSure'>,
  { watching: { settings, siteDetectors, stateHash }, places, listener, logger }: Around,
  signal: AbortSignal,
): Promise<RunnerStats | undefined> {
  const runner = new Runner({ ...what, settings, siteDetectors, stateHash, listener });
  signal.addEventListener('abort', () => runner.stop());
  if (signal.aborted) return undefined;
  const takeUp = new TakeUp(new ForgetRequests(places.forget, 'analyze'), forgetIn(runner), logger);
  let takingUp = Promise.resolve();
  await runner.run(async () => {
    // Before what the state says of somebody goes into the log once more.
    await takeUp.once(signal);
    takingUp = takeUp.run(signal);
    logger.info({ scenarios: settings.detectors.length + siteDetectors.length }, 'the analyzers watch');
    tellReady();
  });
  await takingUp;
  return runner.stats;
}

/** The state of the detectors names accounts, as events do; all else in it are keyed hashes that age out. */
const forgetIn =
  (runner: Runner): DoForget =>
  async ({ forgetting }) => {
    const forgetter = new Forgetter(forgetting);
    const isKept = await runner.changeTexts((text) => forgetter.account(text));
    return isKept ? ok({}) : err('the state of the detectors cannot be kept');
  };

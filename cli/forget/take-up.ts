import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../lib/message-of.ts';
import type { Result } from '../../lib/result.ts';
import type { OperatorLog } from '../io/logger.ts';
import type { ForgetAnswer, ForgetRequest, ForgetRequests } from './requests.ts';

/** How often a part looks for requests, milliseconds. */
export const LOOK_EVERY_MS = 1000;
/** Delay before a request that could not be done is tried again, milliseconds. */
export const TRY_AGAIN_MS = 30_000;

/** Does what a request says. @returns Records by place, or one line that says why it is not done yet. */
export type DoForget = (
  request: ForgetRequest,
  onStep: (done: number, total: number) => void,
) => Promise<Result<ForgetAnswer['records'], string>>;

/** Does the requests that there are, each until it is done. */
export class TakeUp {
  private readonly requests: ForgetRequests;
  private readonly doForget: DoForget;
  private readonly logger: OperatorLog;
  /** Told once. */
  private readonly told = new Set<string>();

  constructor(requests: ForgetRequests, doForget: DoForget, logger: OperatorLog) {
    this.requests = requests;
    this.doForget = doForget;
    this.logger = logger;
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isDone = await this.once(signal);
      await delay(isDone ? LOOK_EVERY_MS : TRY_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** What there is now. @returns False where something could not be done. */
  async once(signal: AbortSignal): Promise<boolean> {
    let isDone = true;
    for (const id of this.requests.pending()) {
      if (signal.aborted) return isDone;
      const request = this.requests.read(id);
      if (request === undefined)
        this.tell(id, 'a request to forget somebody cannot be read by this release; it stays', {});
      else if (!(await this.one(id, request, signal))) isDone = false;
    }
    return isDone;
  }

  private async one(id: string, request: ForgetRequest, signal: AbortSignal): Promise<boolean> {
    try {
      const step = (done: number, total: number): void =>
        this.requests.tell(id, { done, total, isComplete: false, records: {} });
      const ended = await this.doForget(request, step);
      if (ended.ok) {
        this.requests.tell(id, { done: 1, total: 1, isComplete: true, records: ended.value });
        const what = request.isDryRun ? 'what names somebody was counted' : 'somebody was forgotten';
        this.logger.info({ id, records: ended.value }, what);
        return true;
      }
      if (!signal.aborted)
        this.tell(id, 'somebody could not be forgotten yet; it is tried again', { reason: ended.error });
    } catch (error) {
      this.tell(id, 'somebody could not be forgotten yet; it is tried again', { reason: messageOf(error) });
    }
    return false;
  }

  private tell(id: string, what: string, details: object): void {
    if (this.told.has(id)) return;
    this.told.add(id);
    this.logger.error({ id, ...details }, what);
  }
}

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { forgettingSchema } from '../../events/forgetting.ts';
import { jsonOf } from '../../lib/json.ts';
import { writeWholeNow } from '../io/atomic-file.ts';

/** Parts that keep something of their own, which nobody else may open. */
export type ForgettingPart = 'store' | 'analyze';

const request = z.object({
  /** Only counted, nothing is changed. */
  isDryRun: z.boolean(),
  forgetting: forgettingSchema,
});
/** Who is to be forgotten by a part. It names him: it is gone as soon as that is done. */
export type ForgetRequest = z.infer<typeof request>;

const answer = z.object({
  /** Steps that are done, and all of them. */
  done: z.int().nonnegative(),
  total: z.int().nonnegative(),
  isComplete: z.boolean(),
  /** Records that named the person, by place; once it is complete. */
  records: z.record(z.string(), z.int().nonnegative()),
});
/** How far a part is. It names nobody. */
export type ForgetAnswer = z.infer<typeof answer>;

/**
 * Requests to one part, as files for this user alone. One stays until the part has done it, over restarts and kills, so it may be done
 * more than once. Names begin with a time, so they are in order.
 */
export class ForgetRequests {
  private readonly folder: string;
  private readonly part: ForgettingPart;

  constructor(folder: string, part: ForgettingPart) {
    this.folder = folder;
    this.part = part;
  }

  /** Leaves a request. Throws where it cannot be written. @param id - Its time in milliseconds since 1970-01-01 UTC, and something by chance. */
  leave(id: string, wanted: ForgetRequest): void {
    writeWholeNow(this.requestFile(id), `${JSON.stringify(wanted)}\n`);
  }

  /** Ids of what is to be done, the oldest first. */
  pending(): readonly string[] {
    return this.idsOf(this.requestEnd);
  }

  /** Undefined for one that is gone, or that this release cannot read. */
  read(id: string): ForgetRequest | undefined {
    return request.safeParse(jsonIn(this.requestFile(id))).data;
  }

  /** Tells how far it is; a request that is complete is gone behind it. */
  tell(id: string, told: ForgetAnswer): void {
    writeWholeNow(this.answerFile(id), `${JSON.stringify(told)}\n`, false);
    if (told.isComplete) this.remove(id);
  }

  /** What was told last; undefined before. */
  answer(id: string): ForgetAnswer | undefined {
    return answer.safeParse(jsonIn(this.answerFile(id))).data;
  }

  remove(id: string): void {
    rmSync(this.requestFile(id), { force: true });
  }

  /** Whoever asked knows it, or is gone. */
  removeAnswer(id: string): void {
    rmSync(this.answerFile(id), { force: true });
  }

  /** Removes answers to requests from before a time, milliseconds since 1970-01-01 UTC: nobody waits for them any more. */
  sweep(beforeMs: number): void {
    for (const id of this.idsOf(this.answerEnd)) if (!(Number.parseInt(id, 10) >= beforeMs)) this.removeAnswer(id);
  }

  private requestFile(id: string): string {
    return join(this.folder, `${id}${this.requestEnd}`);
  }

  private answerFile(id: string): string {
    return join(this.folder, `${id}${this.answerEnd}`);
  }

  private get requestEnd(): string {
    return `.${this.part}.json`;
  }

  private get answerEnd(): string {
    return `.${this.part}-answer.json`;
  }

  private idsOf(end: string): readonly string[] {
    try {
      return readdirSync(this.folder)
        .filter((name) => name.endsWith(end))
        .map((name) => name.slice(0, -end.length))
        .sort();
    } catch {
      // Nobody was ever to be forgotten.
      return [];
    }
  }
}

function jsonIn(file: string): unknown {
  try {
    return jsonOf(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

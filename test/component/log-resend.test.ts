import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupRecords, type Placement } from '../../log/batch.ts';
import { openSqliteLog, type SqliteLog } from '../../log/io/sqlite-log.ts';
import { BATCHES_IN_FLIGHT_MAX } from '../../log/wire.ts';
import { readAll } from '../support/log-reading.ts';

/** What may happen to the batches of two producers. `back`: how many batches before the newest one is sent again. */
type Step =
  | { readonly kind: 'send'; readonly producer: string; readonly size: number }
  | { readonly kind: 'resend'; readonly producer: string; readonly back: number }
  | { readonly kind: 'together'; readonly producer: string; readonly size: number }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'next-file' };

const anyProducer = fc.constantFrom('aa', 'bb');
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      producer: anyProducer,
      size: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('resend' as const),
      producer: anyProducer,
      back: fc.nat({ max: BATCHES_IN_FLIGHT_MAX - 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('together' as const), producer: anyProducer, size: fc.constant(2) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'next-file' } as const) },
);

class Model {
  readonly directory = mkdtempSync(join(tmpdir(), 'postern-'));
  /** Every batch of each producer, as it was first sent, and where the log said it is. */
  readonly sent: Record<string, { readonly numbers: number[]; readonly placement: Placement }[]> = { aa: [], bb: [] };
  log: SqliteLog | undefined;
  next = 0;
  /** Numbers that a trim has taken with their file. */
  gone = 0;

  async open(): Promise<SqliteLog> {
    if (this.log !== undefined) return this.log;
    const opened = await openSqliteLog({
      directory: this.directory,
      site: 'site',
      gate: 'log',
      partitionCount: 3,
      durable: 'os',
    });
    if (!opened.ok) throw new Error(JSON.stringify(opened.error));
    this.log = opened.value;
    return this.log;
  }

  async close(): Promise<void> {
    await this.log?.[Symbol.asyncDispose]();
    this.log = undefined;
  }

  async submit(producer: string, batchId: number, numbers: readonly number[]): Promise<Placement> {
    const log = await this.open();
    const records = numbers.map((n) => ({ stream: 'postern.events' as const, key: `k${n % 5}`, payload: String(n) }));
    const outcome = await log.submit({ batch: groupRecords(records, 3).batch, producer: { id: producer, batchId } });
    if (!outcome.ok) throw new Error(outcome.error);
    return outcome.value;
  }

  async step(step: Step): Promise<void> {
    if (step.kind === 'reopen') return this.close();
    if (step.kind === 'next-file') {
      const log = await this.open();
      this.gone += await log.trim(Number.MAX_SAFE_INTEGER);
      return;
    }
    const sent = this.sent[step.producer] ?? [];
    if (step.kind === 'resend') {
      const index = sent.length - 1 - step.back;
      const batch = sent[index];
      if (batch !== undefined) expect(await this.submit(step.producer, index, batch.numbers)).toEqual(batch.placement);
      return;
    }
    const numbers = Array.from({ length: step.size }, (_, n) => this.next + n);
    this.next += step.size;
    await this.open();
    const copies = Array.from({ length: step.kind === 'together' ? 2 : 1 }, () =>
      this.submit(step.producer, sent.length, numbers),
    );
    const [placement, twin] = await Promise.all(copies);
    if (placement === undefined) throw new Error('there is at least one copy');
    if (twin !== undefined) expect(twin).toEqual(placement);
    sent.push({ numbers, placement });
  }
}

test('a batch sent again is never appended again, whatever happens in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 40 }), async (steps) => {
      const model = new Model();
      try {
        for (const step of steps) await model.step(step);
        const payloads = (await readAll(await model.open())).flat().map(Number);
        expect(payloads.toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: model.next - model.gone }, (_, n) => n + model.gone),
        );
      } finally {
        await model.close();
        rmSync(model.directory, { recursive: true, force: true });
      }
    }),
    { numRuns: 60 },
  );
});

import { encodeEvent } from '../../../events/codec.ts';
import { uuidV7 } from '../../../lib/uuid-v7.ts';
import { rowsOf } from '../../../store/batch.ts';
import { aCommand } from '../events.ts';
import { openTestStore } from '../store.ts';

/** Fills a store of a test: `node store-fill.ts <store directory> <batches> <events of a batch>`. Every event names the person of a test. */
const [directory = '', batches = '', events = ''] = process.argv.slice(2);
const database = await openTestStore(directory, 'postern');
for (let number = 0; number < Number(batches); number += 1) {
  const first = number * Number(events);
  const records = Array.from({ length: Number(events) }, (_, index) => ({
    offset: first + index,
    payload: encodeEvent({
      ...aCommand({
        forwardPath: 'anna@example.com',
        reply: { code: 550, text: `<anna@example.com> unknown ${first + index}`, from: 'upstream' },
      }),
      sid: uuidV7(1_750_000_000_000 + first + index, new Uint8Array(10)),
    }),
  }));
  const batch = { stream: 'postern.events', partition: 0, epoch: 'e', first, next: first + Number(events) } as const;
  const inserted = await database.insert('events', rowsOf(batch, records), `b${number}`);
  if (!inserted.ok) throw new Error(inserted.error.message);
}
await database[Symbol.asyncDispose]();
process.stdout.write('filled\n');

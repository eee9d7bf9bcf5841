import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { jsonOf } from '../../lib/json.ts';
import type { MirrorFile } from '../../log/io/shipper.ts';
import { PARTITION_COUNT_MAX } from '../../log/partition.ts';
import { writeWholeNow } from './atomic-file.ts';

const schema = z.array(z.int().nonnegative()).max(PARTITION_COUNT_MAX);

/** A file with the next offset of each partition. Where it cannot be read everything is read once more, which does no harm. */
export const mirrorFile = (path: string): MirrorFile => ({
  load: () => {
    try {
      return schema.safeParse(jsonOf(readFileSync(path, 'utf8'))).data ?? [];
    } catch {
      return [];
    }
  },
  save: (nextOffsets) => writeWholeNow(path, `${JSON.stringify(nextOffsets)}\n`, false),
});

import { randomFillSync } from 'node:crypto';
import { UUID_RANDOM_OCTETS, uuidV7 } from '../../lib/uuid-v7.ts';

/** Session ids made from one draw of randomness. */
const IDS_PER_DRAW = 512;

/** Makes session ids; asks the system for randomness once for many of them. */
export class SessionIds {
  private readonly random = new Uint8Array(IDS_PER_DRAW * UUID_RANDOM_OCTETS);
  private used = this.random.length;

  next(wallMs: number): string {
    if (this.used >= this.random.length) {
      randomFillSync(this.random);
      this.used = 0;
    }
    const start = this.used;
    this.used += UUID_RANDOM_OCTETS;
    return uuidV7(wallMs, this.random.subarray(start, this.used));
  }
}

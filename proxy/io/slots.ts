import { openToStrangers } from '../limits.ts';

/** A number of things of which only so many may exist at once. */
export class Slots {
  used = 0;
  /** A reload may lower it below `used`: then nothing is taken until enough was given back. */
  max: number;
  /** What of them is kept from strangers, 0 to below 1. */
  reservedShare: number;

  constructor(max: number, reservedShare = 0) {
    this.max = max;
    this.reservedShare = reservedShare;
  }

  /** Share in use of what is open to strangers, 0 to 1. */
  get usedShare(): number {
    return Math.min(1, this.used / Math.max(1, openToStrangers(this.max, this.reservedShare)));
  }

  /** Takes one; false when all are in use, or all that strangers may have. */
  take(isStranger = false): boolean {
    if (this.used >= (isStranger ? openToStrangers(this.max, this.reservedShare) : this.max)) return false;
    this.used += 1;
    return true;
  }

  give(): void {
    this.used -= 1;
  }
}

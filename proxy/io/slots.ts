/** A number of things of which only so many may exist at once. */
export class Slots {
  used = 0;
  /** A reload may lower it below `used`: then nothing is taken until enough was given back. */
  max: number;

  constructor(max: number) {
    this.max = max;
  }

  /** Takes one; false when all are in use. */
  take(): boolean {
    if (this.used >= this.max) return false;
    this.used += 1;
    return true;
  }

  give(): void {
    this.used -= 1;
  }
}

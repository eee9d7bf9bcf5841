/** How long something may fail before it is told, milliseconds: brokers change their leaders in less. */
export const TROUBLE_MS = 3000;
/** Different faults that are told until all is well again. */
export const FAULTS_TOLD_MAX = 16;

export interface KafkaListener {
  /** Something has failed for a while, and is tried on. Each fault is told once until all is well again. */
  away(fault: string): void;
  /** All is well again. */
  back(): void;
}

/**
 * What does not work at the brokers. One broker may be away while others answer, and one topic be refused while others are not, so each
 * thing that is asked for again and again counts by itself.
 */
export class KafkaTroubles {
  private readonly listener: KafkaListener | undefined;
  /** Since when each thing has failed, milliseconds of some clock. */
  private readonly failing = new Map<string, number>();
  private readonly told = new Set<string>();

  constructor(listener: KafkaListener | undefined) {
    this.listener = listener;
  }

  /** Nothing fails now. */
  get isWell(): boolean {
    return this.failing.size === 0;
  }

  /** `what` failed, and will be tried again. `askedAtMs`: when it was asked for; both times of one clock that only goes forward. */
  failed(what: string, fault: string, askedAtMs: number, nowMs: number): void {
    const sinceMs = this.failing.get(what) ?? askedAtMs;
    this.failing.set(what, sinceMs);
    if (nowMs - sinceMs < TROUBLE_MS || this.told.has(fault) || this.told.size >= FAULTS_TOLD_MAX) return;
    this.told.add(fault);
    this.listener?.away(fault);
  }

  worked(what: string): void {
    this.failing.delete(what);
    if (this.failing.size > 0 || this.told.size === 0) return;
    this.told.clear();
    this.listener?.back();
  }

  /** Nobody tries it again: whoever asked for it has been told. */
  forget(what: string): void {
    this.failing.delete(what);
  }
}

import { EVENT_VERSION, type EventByType, type VerdictAction } from '../../events/event.ts';
import type { SessionSettings } from '../settings.ts';
import type { Clock, TimerHandle, Wakeable } from './clock.ts';

/** How long refused connections are counted before they are recorded, milliseconds. */
export const REFUSALS_WINDOW_MS = 10_000;
/** Sources and rules counted apart in one window; what comes beyond them is counted together. */
export const REFUSALS_KEYS_MAX = 4096;
/** Stands for the address where sources are counted together. */
export const MANY_SOURCES = '*';

type Refusals = EventByType<'refusals'>;

/** Connections refused before they became sessions: counted, so that a flood of them does not flood the log. */
export class RefusalCounter implements Wakeable {
  private readonly clock: Clock;
  private readonly record: (event: Refusals) => void;
  private readonly counts = new Map<string, { event: Omit<Refusals, 'at' | 'count' | 'windowMs'>; count: number }>();
  /** Connections refused since the gate was opened. */
  total = 0;
  private openedMs = 0;
  private timer: TimerHandle | undefined;

  constructor(clock: Clock, record: (event: Refusals) => void) {
    this.clock = clock;
    this.record = record;
  }

  /** `ip`: canonical address of the client. */
  count(settings: SessionSettings, ip: string, rule: string, action: VerdictAction): void {
    this.total += 1;
    if (this.timer === undefined) {
      this.openedMs = this.clock.wallMs();
      this.timer = this.clock.setTimer(REFUSALS_WINDOW_MS, this);
    }
    const { name } = settings.listener;
    const known = this.counts.get(`${name} ${ip} ${rule}`);
    if (known !== undefined) known.count += 1;
    else this.begin(settings, this.counts.size < REFUSALS_KEYS_MAX ? ip : MANY_SOURCES, rule, action);
  }

  private begin(settings: SessionSettings, ip: string, rule: string, action: VerdictAction): void {
    const { site, gate } = settings;
    const { name, role } = settings.listener;
    const key = `${name} ${ip} ${rule}`;
    const known = this.counts.get(key);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    const event = { v: EVENT_VERSION, type: 'refusals', site, gate, listener: name, role, ip, rule, action } as const;
    this.counts.set(key, { event, count: 1 });
  }

  wake(): void {
    this.timer = undefined;
    this.flush();
  }

  /** Records what was counted so far. */
  flush(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
    const at = this.clock.wallMs();
    for (const { event, count } of this.counts.values()) {
      this.record({ ...event, at, count, windowMs: Math.max(0, at - this.openedMs) });
    }
    this.counts.clear();
  }
}

import type { SessionSettings } from './settings.ts';

/** Share of the connections allowed at once from which on a gate is under stress by itself. */
export const STRESS_SLOTS_MIN = 0.8;

/** What strangers get under stress, where the configuration is not stricter. */
export const stressLimits = { errorsMax: 2, authAttemptsMax: 1 } as const;
/** Milliseconds; servers that mean well are much faster. */
export const stressDeadlines = {
  commandMs: 60_000,
  commandLineMs: 15_000,
  saslLineMs: 30_000,
  dataMs: 60_000,
} as const;

/** The settings of a session of a stranger under stress: one mistake more ends it, and it may not linger. */
export function stressed(settings: SessionSettings): SessionSettings {
  return {
    ...settings,
    limits: { ...settings.limits, ...atMost(settings.limits, stressLimits) },
    deadlines: { ...settings.deadlines, ...atMost(settings.deadlines, stressDeadlines) },
  };
}

function atMost<Key extends string>(
  values: Readonly<Record<NoInfer<Key>, number>>,
  bounds: Readonly<Record<Key, number>>,
): Record<Key, number> {
  const keys = Object.keys(bounds) as Key[];
  return Object.fromEntries(keys.map((key) => [key, Math.min(values[key], bounds[key])])) as Record<Key, number>;
}

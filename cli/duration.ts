const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Longest time that is understood, milliseconds: ten years. */
const DURATION_MS_MAX = 315_360_000_000;

/** Reads a time as people write it, `90s`, `15m`, `4h`, `7d`, `2w`; undefined for what is none. In milliseconds. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,6})([smhdw])$/.exec(text);
  const ms = Number(match?.[1]) * (unitsMs[match?.[2] ?? ''] ?? Number.NaN);
  return ms > 0 && ms <= DURATION_MS_MAX ? ms : undefined;
}

/** A time for people, in its two largest units: `3 h 59 min`. */
export function formatDuration(ms: number): string {
  const parts: readonly (readonly [number, string])[] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  const first = parts.findIndex(([unit]) => ms >= unit);
  if (first === -1) return '0 s';
  let rest = ms;
  const shown: string[] = [];
  for (const [unit, name] of parts.slice(first, first + 2)) {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    if (count > 0) shown.push(`${count} ${name}`);
  }
  return shown.join(' ');
}

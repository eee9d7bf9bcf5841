import { attacks } from './attacks.ts';
import { blocklist } from './blocklist.ts';
import { gateHealth } from './gate-health.ts';
import { overview } from './overview.ts';
import type { Dashboard } from './panel.ts';
import { sessions } from './sessions.ts';

/** All dashboards, in the order in which somebody looks at them. */
export const dashboards: readonly Dashboard[] = [overview, attacks, blocklist, sessions, gateHealth];

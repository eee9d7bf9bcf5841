import type { Page } from '../io/http-server.ts';
import type { GateProcess } from './gate-process.ts';
import { notReadyBecause } from './readiness.ts';

const plain = (status: number, body: string): Page => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

/** What the gate answers over HTTP: metrics, that it lives, and whether clients should be sent here. */
export const pagesOf = (gate: GateProcess): ReadonlyMap<string, () => Promise<Page>> =>
  new Map([
    [
      '/metrics',
      async () => {
        const { registry } = gate.metrics;
        return { status: 200, type: registry.contentType, body: await registry.metrics() };
      },
    ],
    ['/healthz', async () => plain(200, 'ok')],
    [
      '/readyz',
      async () => {
        const reason = notReadyBecause({
          draining: gate.draining,
          recorder: gate.recorder,
          whenFull: gate.config.log.whenFull,
        });
        return reason === undefined ? plain(200, 'ready') : plain(503, reason);
      },
    ],
  ]);

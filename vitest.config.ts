import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const setupFiles = ['test/support/repeatable.ts'];
/** Files at once, at least: most of them wait for processes and clocks, not for a processor. */
const WORKERS_MIN = 3;

/**
 * unit: pure code, no network. contract: one suite a port, run against each adapter.
 * kafka: real Apache Kafka. clickhouse: a real server of ClickHouse.
 * component: our processes and sockets on loopback. integration: real peers (Postfix, swaks, …), which `.ci/run` installs.
 */
export default defineConfig({
  test: {
    maxWorkers: Math.max(WORKERS_MIN, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
          include: ['test/**/*.test.ts'],
          exclude: ['test/{contracts,component,integration,kafka,clickhouse}/**'],
          // Properties take seconds where other work runs.
          testTimeout: 30_000,
        },
      },
      { test: { name: 'contract', setupFiles, include: ['test/contracts/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { name: 'component', setupFiles, include: ['test/component/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'kafka',
          include: ['test/kafka/**/*.test.ts'],
          testTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'clickhouse',
          include: ['test/clickhouse/**/*.test.ts'],
          testTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
    coverage: {
      include: ['lib/**', 'events/**', 'log/*.ts', 'blocklist/*.ts', 'proxy/**/*.ts', 'analyzers/**/*.ts'],
      exclude: ['**/io/**'],
    },
  },
});

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Besides the terminal, each run reports here for tools/test-summary.ts. */
const reportFile = '.cache/test-report.json';
/** What the native API was seen to answer in this run; read by the last tests of it. */
const contractSeen = join(tmpdir(), `anamnesis-contract-${process.pid}-${Math.floor(performance.timeOrigin)}`);

export default defineConfig({
  test: {
    reporters: ['default', ['json', { outputFile: reportFile }]],
    // Nothing leaks from one test into the next, and a focused test left behind fails the run.
    restoreMocks: true,
    unstubEnvs: true,
    allowOnly: false,
    // Vite sets BASE_URL=/ for web pages; the servers that tests start would take it for theirs.
    env: { BASE_URL: '', CONTRACT_SEEN: contractSeen },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.db.test.ts', 'test/**/*.last.test.ts', 'test/**/*.browser.test.ts'],
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'db',
          include: ['test/**/*.db.test.ts'],
          globalSetup: ['test/support/cluster.ts'],
          setupFiles: ['test/support/contract-watch.ts'],
          pool: 'forks',
          // Two files at a time: each keeps a process of ours and backends of PostgreSQL busy.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          // In Chromium, where there is one; elsewhere they are skipped, and it is said.
          name: 'browser',
          include: ['test/browser/*.browser.test.ts'],
          globalSetup: ['test/browser/setup.ts'],
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          // What only the whole run can tell.
          name: 'last',
          include: ['test/**/*.last.test.ts'],
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});

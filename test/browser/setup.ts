import type { TestProject } from 'vitest/node';
import { setup as startClusters } from '../support/cluster.ts';
import { findChromium } from './chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Chromium's executable; undefined where there is none, and then these tests are skipped. */
    chromium: string | undefined;
  }
}

/** Clusters for the servers that the browser visits; where there is no browser, nothing but a word of it. */
export function setup(project: TestProject): Promise<() => Promise<void>> | undefined {
  const chromium = findChromium();
  project.provide('chromium', chromium);
  if (chromium !== undefined) return startClusters(project);
  process.stderr.write('Tests in a browser do not run: Chromium was not found. Install it, or name it by CHROMIUM_PATH.\n');
  return undefined;
}

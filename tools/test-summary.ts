import { existsSync, readFileSync } from 'node:fs';

/** The part of Vitest's JSON report (Jest's format) that is counted. */
export type TestReport = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[];
};

/**
 * Sums a test run up as `N passed, N failed`, with `, N skipped` when there are any.
 *
 * A file that failed outside its tests (an import, a hook) counts as one failure, and so does a run that ended with an
 * error but reports none, or that ran nothing: an unhandled rejection, a global setup that threw, a report never written.
 *
 * @param report  undefined when there is none
 * @param status  exit status of the run
 * @returns       the line, and the exit status that goes with it
 */
export function summarise(report: TestReport | undefined, status: number): { line: string; status: number } {
  const passed = report?.numPassedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const brokenFiles = report?.testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some(isFailed)).length ?? 0;
  const known = (report?.numFailedTests ?? 0) + brokenFiles;
  const failed = known === 0 && (status !== 0 || passed === 0) ? 1 : known;
  return {
    line: `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
    status: failed > 0 ? status || 1 : 0,
  };
}

function isFailed(test: { readonly status: string }): boolean {
  return test.status === 'failed';
}

if (import.meta.main) {
  const file = new URL('../.cache/test-report.json', import.meta.url);
  const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TestReport) : undefined;
  const summary = summarise(report, Number(process.argv[2] ?? 0));
  process.stdout.write(`${summary.line}\n`);
  process.exitCode = summary.status;
}

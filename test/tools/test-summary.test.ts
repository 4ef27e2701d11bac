import { expect, test } from 'vitest';
import { summarise, type TestReport } from '../../tools/test-summary.ts';

type File = readonly [status: string, ...tests: string[]];

function report(...files: readonly File[]): TestReport {
  const tests = files.flatMap(([, ...statuses]) => statuses);
  const count = (wanted: string) => tests.filter((status) => status === wanted).length;
  return {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('skipped'),
    numTodoTests: count('todo'),
    testResults: files.map(([status, ...statuses]) => ({ status, assertionResults: statuses.map((one) => ({ status: one })) })),
  };
}

test.each([
  ['all passed', report(['passed', 'passed', 'passed'], ['passed', 'passed']), 0, '3 passed, 0 failed', 0],
  ['some skipped, some to do', report(['passed', 'passed', 'skipped', 'todo']), 0, '1 passed, 0 failed, 2 skipped', 0],
  ['one failed', report(['failed', 'passed', 'failed'], ['passed', 'passed']), 1, '2 passed, 1 failed', 1],
  ['a file could not be imported', report(['failed'], ['passed', 'passed']), 1, '1 passed, 1 failed', 1],
  ['a hook failed after the tests', report(['failed', 'passed']), 1, '1 passed, 1 failed', 1],
  ['an error outside all files', report(['passed', 'passed']), 1, '1 passed, 1 failed', 1],
  ['a global setup failed', report(), 1, '0 passed, 1 failed', 1],
  ['nothing was run', report(), 0, '0 passed, 1 failed', 1],
  ['a report of failures beside a status of success', report(['failed', 'failed', 'failed']), 0, '0 passed, 2 failed', 1],
  ['the run was ended by a signal', undefined, 137, '0 passed, 1 failed', 137],
  ['no report', undefined, 0, '0 passed, 1 failed', 1],
])('%s', (_, found, status, line, exit) => {
  expect(summarise(found, status)).toEqual({ line, status: exit });
});

import { describe, expect, test } from 'vitest';
import { entryIndex, outcomeText } from '../../../src/cli/load/answers.ts';
import { delayMs } from '../../../src/cli/load/client.ts';
import { addFailures, addPosted, startTally, summary } from '../../../src/cli/load/tally.ts';

describe('outcomeText', () => {
  test('tells each error with its place, and leaves warnings out beside errors', () => {
    const outcome = {
      resourceType: 'OperationOutcome',
      issue: [
        { severity: 'warning', code: 'processing', details: { text: 'odd' } },
        { severity: 'error', code: 'required', details: { text: 'is missing' }, expression: ['Bundle.entry[3].resource.status'] },
        { severity: 'fatal', code: 'invalid', diagnostics: 'is broken' },
      ],
    };
    expect(outcomeText(outcome)).toBe('Bundle.entry[3].resource.status: is missing; is broken');
  });

  test.each([
    undefined,
    null,
    'text',
    [],
    {},
    { resourceType: 'Patient' },
    { resourceType: 'OperationOutcome' },
    { resourceType: 'OperationOutcome', issue: 'none' },
  ])('tells nothing of %j', (answer) => {
    expect(outcomeText(answer)).toBeUndefined();
  });

  test('tells five issues and how many more there are', () => {
    const issue = Array.from({ length: 8 }, (_, i) => ({ severity: 'error', code: 'required', details: { text: `no ${i}` } }));
    expect(outcomeText({ resourceType: 'OperationOutcome', issue })).toBe('no 0; no 1; no 2; no 3; no 4; and 3 more');
  });

  test('names the code of an issue without text', () => {
    expect(outcomeText({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'conflict', details: { text: 7 } }] })).toBe(
      'conflict',
    );
  });

  test('and entryIndex finds the entry in it', () => {
    expect(entryIndex('Bundle.entry[12].resource.status: is missing')).toBe(12);
    expect(entryIndex('is missing')).toBeUndefined();
  });
});

describe('delayMs', () => {
  const now = Date.UTC(2026, 0, 1);

  test('takes what the server asks for: seconds, or a date', () => {
    expect(delayMs(1, '7', now)).toBe(7000);
    expect(delayMs(1, 'Thu, 01 Jan 2026 00:00:03 GMT', now)).toBe(3000);
    expect(delayMs(1, 'Thu, 01 Jan 2025 00:00:00 GMT', now)).toBe(0);
  });

  test('waits half a minute at most, whatever is asked for', () => {
    expect(delayMs(1, '86400', now)).toBe(30_000);
  });

  test.each([null, undefined, 'soon', ''])('doubles its own delay when the server says %j', (header) => {
    for (const [attempt, base] of [
      [1, 200],
      [2, 400],
      [4, 1600],
    ] as const) {
      const delay = delayMs(attempt, header, now);
      expect(delay).toBeGreaterThanOrEqual(base * 0.75);
      expect(delay).toBeLessThanOrEqual(base * 1.25);
    }
  });
});

describe('the summary', () => {
  test('counts entries by status and tells the rate of those carried out', () => {
    const tally = startTally(1000);
    addPosted(tally, { statuses: [201, 201, 200, 422], failures: [{ source: 'a.json', entry: 3, status: 422, text: 'is missing' }] });
    expect(summary(tally, new Map([[503, 2]]), 3000)).toBe(
      '1 Bundles, 4 entries in 2.0 s: 2 resources/s\n  200 OK: 1\n  201 Created: 2\n  422 Unprocessable Entity: 1\nasked again after 503 (2)\n1 failure:\n  a.json entry 3: 422 is missing\n',
    );
  });

  test('tells fifty failures and how many more there are', () => {
    const tally = startTally(0);
    for (let i = 0; i < 30; i++)
      addFailures(
        tally,
        [0, 1].map((entry) => ({ source: `line ${i}`, entry, status: undefined, text: 'gone' })),
      );
    const lines = summary(tally, new Map(), 1000).trimEnd().split('\n');
    expect(lines[1]).toBe('60 failures:');
    expect(lines).toHaveLength(53);
    expect(lines.at(-1)).toBe('  and 10 more');
  });
});

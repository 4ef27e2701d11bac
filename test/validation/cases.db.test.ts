import { beforeAll, describe, expect, test } from 'vitest';
import { openTestValidator, type TestValidator } from '../support/validation.ts';
import { caseFiles, faultsOf, listOf, profilesOf, textOf } from './case.ts';

const files = caseFiles();

test('every case has a title of its own in its file and says what it expects', () => {
  for (const { name, cases } of files) {
    const titles = cases.map(({ title }) => title);
    expect([name, titles.filter((title, at) => titles.indexOf(title) !== at)]).toEqual([name, []]);
    for (const { title, valid, error, warning, information, notice } of cases) {
      const says = [valid, error, warning, information, notice].some((each) => each !== undefined);
      expect([name, title, says && !(valid === true && listOf(error).length > 0)]).toEqual([name, title, true]);
    }
  }
  expect(files.reduce((sum, { cases }) => sum + cases.length, 0)).toBeGreaterThan(600);
});

test('no case is pending', () => {
  expect(
    files.flatMap(({ name, cases }) => cases.filter(({ pending }) => pending).map(({ title, pending }) => [name, title, pending])),
  ).toEqual([]);
});

describe.each(files)('$name, $spec', (file) => {
  let validator: TestValidator;
  beforeAll(async () => {
    validator = await openTestValidator(file.definitions);
  });

  test.each(file.cases.map((asked) => ({ title: asked.title, asked })))('$title', async ({ asked }) => {
    const issues = await validator.validate(textOf(file, asked), { profiles: profilesOf(file, asked) });
    const faults = faultsOf(asked, issues);
    if (asked.pending === undefined) expect(faults).toEqual([]);
    else expect(faults, 'it is mended: it needn’t be pending any more').not.toEqual([]);
  });
});

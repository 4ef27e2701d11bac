import { describe, expect, test } from 'vitest';
import { parseSearch } from '../../../src/search/parse.ts';
import { makeFinds } from '../finds.ts';
import { limits, smallRegistry } from '../small-registry.ts';

const finds = makeFinds({ fullText: true });
const note = {
  resourceType: 'Observation',
  text: {
    status: 'generated',
    div: '<div xmlns="http://www.w3.org/1999/xhtml"><!-- hidden --><p title="tooltip">Chest <b>pa</b>in, since&nbsp;Monday</p><p>R&amp;D &#233;tude &lt;b&gt;</p>fin<br/>is</div>',
  },
  code: { text: 'Angina Pectoris' },
  component: [{ valueString: 'left arm' }, { valueString: 'numb' }],
  photo: { data: 'QUFBQQ' },
};

/** @see https://hl7.org/fhir/R4/search.html#content */
describe('with SEARCH_FULL_TEXT on', () => {
  test.each([
    ['_text=chest', true],
    ['_text=Chest Monday', true],
    ['_text=pain', true],
    ['_text=étude', true],
    ['_text=ETUDE', true],
    ['_text=b', true],
    ['_text=che', false],
    ['_text=chest tuesday', false],
    ['_text=angina', false],
    ['_text=generated', false],
    ['_text=tooltip', false],
    ['_text=xmlns', false],
    ['_text=finis', false],
    ['_text=fin is', true],
    ['_text="chest pain"', true],
    ['_text="pain chest"', false],
    ['_text="chest" pain', true],
    ['_text="chest pain" monday', true],
    ['_text="chest pain" tuesday', false],
    ['_text="pain chest",monday', true],
    ['_text=tuesday,monday', true],
    ['_content=angina', true],
    ['_content=chest angina', true],
    ['_content="angina pectoris"', true],
    ['_content="left numb"', false],
    ['_content="arm numb"', false],
    ['_content=left numb', true],
    ['_content=QUFBQQ', false],
    ['_content=observation', false],
    ['_content=generated', false],
  ])('%s: %s', (query, expected) => {
    expect(finds(query, note)).toBe(expected);
  });

  test.each(['_text= ', '_content="---"'])('%j is refused', (query) => {
    expect(() => finds(query, note)).toThrow(/no word/);
  });

  test('a narrative of brackets alone takes no time', () => {
    const odd = { resourceType: 'Observation', text: { div: '<'.repeat(200_000) + '&'.repeat(200_000) } };
    const before = performance.now();
    expect(finds('_text=a', odd)).toBe(false);
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

test.each(['_text', '_content'])('with it off, as it is, %s is refused by the name of the setting', (param) => {
  expect(() => makeFinds()(`${param}=chest`, note)).toThrow(/SEARCH_FULL_TEXT/);
});

test('with it off lenient handling leaves it out and says so', () => {
  const { query, warnings } = parseSearch('Observation', [['_text', 'chest']], smallRegistry(), limits, true);
  expect(query.clauses).toEqual([]);
  expect(warnings.map(({ id, severity }) => [id, severity])).toEqual([['search-full-text-off', 'warning']]);
});

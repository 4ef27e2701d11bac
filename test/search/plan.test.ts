import { describe, expect, test } from 'vitest';
import { makeTokenKey, token } from '../../src/encryption/token.ts';
import { FhirError } from '../../src/fhir/error.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { bucketStatement, countStatement, pageStatement, type Plan, planSearch } from '../../src/search/plan.ts';
import { noRows, type RowFilter } from '../../src/storage/filter.ts';
import { limits, smallRegistry } from './small-registry.ts';

const registry = smallRegistry();
const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
const context = { key, base: 'http://x/fhir', now: Date.UTC(2024, 0, 1) };

function plan(type: string, query: string, filter: RowFilter = 'all'): Plan {
  const { query: parsed } = parseSearch(type, [...new URLSearchParams(query)], registry, limits, false);
  return planSearch(parsed, filter, registry, context);
}

const flat = (text: string): string => text.replace(/\s+/g, ' ');
const page = (of: Plan): string => flat(pageStatement(of, undefined, 11).text);

describe('the caller’s filter', () => {
  const bound: RowFilter = { anyOf: [[[7n]]] };

  test.each<[string, (of: Plan) => { text: string }]>([
    ['a page', (of) => pageStatement(of, undefined, 10)],
    ['a later page', (of) => pageStatement(of, { value: null, rid: 5 }, 10)],
    ['a page of buckets', (of) => bucketStatement(of, undefined, 10, 20)],
    ['the total', (of) => countStatement(of)],
  ])('binds %s', (_, statement) => {
    const of = (filter: RowFilter): string => statement(plan('Patient', 'gender=male&_sort=family', filter)).text;
    expect(of('all')).toContain('and true');
    expect(of(bound)).toMatch(/and \(r\.tokens && \$\d+::int8\[\]\)/);
    expect(of(noRows)).toContain('and false');
  });

  test('binds both phases of a sorted page', () => {
    const { text } = pageStatement(plan('Observation', '_sort=date', noRows), undefined, 10);
    expect(text.match(/and false/g)).toHaveLength(2);
  });
});

describe('conditions', () => {
  test('values joined by AND become one containment, alternatives one overlap', () => {
    expect(page(plan('Observation', 'status=final&code=a&code=b'))).toContain('r.tokens @> $1::int8[] and true');
    expect(page(plan('Observation', 'status=final,amended'))).toContain('r.tokens && $1::int8[] and true');
  });

  test('nothing of a value stands in the text of a statement', () => {
    const text = page(plan('Patient', "family=O'Brien;--&birthdate=1970&identifier=a|b%27&_id=x'y"));
    expect(text).not.toMatch(/brien|1970|x'y/i);
  });

  test('an id is found by its key and proved by itself', () => {
    const { values, text } = pageStatement(plan('Patient', '_id=a,b'), undefined, 10);
    expect(text).toContain('r.ref_key = any($1::int8[]) and r.id = any($2::text[])');
    expect(values[1]).toEqual(['a', 'b']);
  });

  test('a deleted row never matches', () => {
    expect(page(plan('Patient', ''))).toContain('not r.deleted');
    expect(countStatement(plan('Patient', '')).text).toContain('not r.deleted');
  });
});

describe('a search for one patient', () => {
  const patient = token(key, 'ref', 'Patient', '1');

  test.each([
    ['Observation', 'patient=1', true],
    ['Observation', 'patient=Patient/1', true],
    ['Observation', 'subject=Patient/1', true],
    ['Observation', 'subject:Patient=1', true],
    ['Observation', 'subject=1', false],
    ['Observation', 'subject=Device/1', false],
    ['Observation', 'patient=1,2', false],
    ['Observation', 'patient:missing=true', false],
    ['Observation', 'performer=Patient/1', false],
    ['Observation', 'patient:identifier=1', false],
    // An account may be several patients': its column is empty then.
    ['Account', 'patient=1', false],
    ['Account', 'subject=Patient/1', false],
    ['Patient', 'link=Patient/1', false],
  ])('%s?%s rides the patient column: %s', (type, query, rides) => {
    expect(plan(type, query).patient).toBe(rides ? patient : undefined);
  });

  test('is fenced, so that no plan walks the posting list of a frequent code', () => {
    expect(page(plan('Observation', 'patient=1&code=x'))).toContain('offset 0) r');
  });
});

describe('a contains of fewer than three letters', () => {
  test.each([
    'family:contains=ab',
    'family:contains=a',
    'family:contains=ab&gender:not=male',
    'family:contains=ab&active:missing=false',
    'family:contains=abc,ab',
  ])('is refused alone: %s', (query) => {
    expect(() => plan('Patient', query)).toThrow(FhirError);
  });

  test.each(['family:contains=ab&gender=male', 'family:contains=ab&birthdate=1970', 'family:contains=ab&_id=1'])(
    'is taken beside %s',
    (query) => {
      expect(plan('Patient', query).rechecks).toHaveLength(1);
    },
  );
});

describe('order', () => {
  test('without _sort is by row, and a position continues after its row', () => {
    expect(page(plan('Patient', ''))).toMatch(/order by r\.rid limit \$1::int$/);
    expect(flat(pageStatement(plan('Patient', ''), { value: null, rid: 41 }, 10).text)).toContain('and r.rid > $1::int8 order by r.rid');
  });

  test.each([
    ['_sort=_lastUpdated', 'order by r.last_updated asc, r.rid asc'],
    ['_sort=-_lastUpdated', 'order by r.last_updated desc, r.rid desc'],
    ['_sort=_id', 'order by r.id asc, r.rid asc'],
    ['_sort=date', 'order by r.clinical_at asc, r.rid asc'],
    ['_sort=-date', 'order by r.clinical_at desc, r.rid desc'],
    ['_sort=value-quantity', 'order by s.value asc, r.rid asc'],
  ])('%s: %s', (query, order) => {
    expect(page(plan('Observation', query))).toContain(order);
  });

  test('rows without a value come after those with one, in a phase of their own', () => {
    const sorted = plan('Observation', '_sort=-date');
    expect(page(sorted)).toMatch(/r\.clinical_at is not null .* union all .* r\.clinical_at is null order by r\.rid/);
    const later = flat(pageStatement(sorted, { value: null, rid: 9 }, 10).text);
    expect(later).not.toContain('union all');
    expect(later).toContain('r.clinical_at is null and r.rid >');
  });

  test('a bucket page ends with a whole bucket and is bounded', () => {
    const { text, values } = bucketStatement(plan('Patient', '_sort=family'), { value: '5', included: false }, 11, 2012);
    expect(flat(text)).toMatch(
      /s\.value > \$\d+::int8 order by s\.value asc fetch first \(\$\d+::int\) rows with ties\) b limit \$\d+::int$/,
    );
    expect(values.at(-1)).toBe(2012);
    expect(bucketStatement(plan('Patient', '_sort=-family'), { value: '5', included: true }, 11, 2012).text).toMatch(/s\.value <= \$/);
  });
});

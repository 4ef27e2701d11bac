import { describe, expect, test } from 'vitest';
import { makeTokenKey } from '../../src/encryption/token.ts';
import { FhirError } from '../../src/fhir/error.ts';
import { makeExtractor } from '../../src/search/extract.ts';
import { type FilterNode, parseFilterSyntax } from '../../src/search/filter-syntax.ts';
import { matcherOf } from '../../src/search/match-unstored.ts';
import { parseSearch } from '../../src/search/parse.ts';
import type { Criterion } from '../../src/search/query.ts';
import { limits, smallRegistry } from './small-registry.ts';

const registry = smallRegistry();

/** A filter with all its parentheses: `(a eq "x" or not b eq y)`. */
function written(node: FilterNode): string {
  switch (node.kind) {
    case 'test': {
      const path = node.path.map(({ name, filter }) => (filter === undefined ? name : `${name}[${written(filter)}]`)).join('.');
      return `${path} ${node.operator} ${node.value}`;
    }
    case 'not':
      return `not ${written(node.of)}`;
    default:
      return `(${node.of.map(written).join(` ${node.kind} `)})`;
  }
}

const read = (text: string): string => written(parseFilterSyntax(text, { testsMax: 10, nestingMax: 5 }));

describe('the grammar', () => {
  test.each([
    ['name co "pet"', 'name co pet'],
    ['  name  co   pet ', 'name co pet'],
    ['code eq http://loinc.org|1234-5', 'code eq http://loinc.org|1234-5'],
    ['given eq "peter" and birthdate ge 2014-10-10', '(given eq peter and birthdate ge 2014-10-10)'],
    // From left to right: neither binds closer.
    ['a eq 1 or b eq 2 and c eq 3', '((a eq 1 or b eq 2) and c eq 3)'],
    ['a eq 1 and b eq 2 and c eq 3', '(a eq 1 and b eq 2 and c eq 3)'],
    ['a eq 1 or (b eq 2 and c eq 3)', '(a eq 1 or (b eq 2 and c eq 3))'],
    ['(a eq 1)and(b eq 2)', '(a eq 1 and b eq 2)'],
    ['not (a eq 1)', 'not a eq 1'],
    ['not(a eq 1 or b eq 2) and c eq 3', '(not (a eq 1 or b eq 2) and c eq 3)'],
    ['subject.name co "pet"', 'subject.name co pet'],
    ['subject:Patient.name co "pet"', 'subject:Patient.name co pet'],
    ['_has:Observation:patient:code eq x', '_has:Observation:patient:code eq x'],
    ['related[type eq has-component].target re Observation/4', 'related[type eq has-component].target re Observation/4'],
    ['a[b eq 1 and c eq 2].d[e eq 3].f pr true', 'a[(b eq 1 and c eq 2)].d[e eq 3].f pr true'],
    ['name eq "a) and (b] \\"c\\" \\u00e9"', 'name eq a) and (b] "c" é'],
    ['name eq and', 'name eq and'],
    ['android eq 1 and or-der eq 2', '(android eq 1 and or-der eq 2)'],
  ])('%s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test.each([
    ['', 'at its end'],
    ['name', 'at its end'],
    ['name co', 'at its end'],
    ['name "x"', 'at character 6'],
    ['name co "x', 'at character 9'],
    ['name co "x\\q"', 'at character 9'],
    ['(name co x', 'at its end'],
    ['name co x)', 'at character 10'],
    ['name co x and', 'at its end'],
    ['name co x gender eq y', 'at character 11'],
    ['a[b eq 1.c eq 2', 'at character 12'],
    ['a..b eq 1', 'at character 3'],
    ['1a eq 1', 'at character 1'],
    ['not name eq x', 'at character 5'],
  ])('refuses %s and tells the place', (text, place) => {
    expect(() => read(text)).toThrow(FhirError);
    expect(() => read(text)).toThrow(place);
  });

  test('is bounded', () => {
    const of = (count: number) => Array.from({ length: count }, () => 'a eq 1').join(' and ');
    expect(read(of(10))).toContain('and');
    expect(() => read(of(11))).toThrow('more than 10 comparisons');
    expect(() => read(`${'('.repeat(7)}a eq 1${')'.repeat(7)}`)).toThrow('more than 5 deep');
    expect(() => read('('.repeat(100_000))).toThrow('more than 5 deep');
  });
});

function criterion(type: string, filter: string): Criterion | undefined {
  const { query } = parseSearch(type, [['_filter', filter]], registry, limits, false);
  const [clause] = query.clauses;
  return clause === undefined ? query.criteria[0] : { kind: 'clause', clause };
}

function clauses(of: Criterion | undefined): unknown {
  switch (of?.kind) {
    case 'clause':
      return [of.clause.param.code, of.clause.modifier, ...of.clause.values];
    case 'chain':
      return Object.fromEntries(of.to.map((step) => [step.type, clauses(step.criterion)]));
    case 'has':
      return { [of.by.type]: clauses(of.by.criterion) };
    case 'not':
      return { not: clauses(of.of) };
    default:
      return { [of?.kind ?? 'none']: of?.of.map(clauses) };
  }
}

describe('asked of a resource in hand', () => {
  const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
  const base = 'http://127.0.0.1:8080/fhir/R4';
  const context = { key, base, now: Date.UTC(2024, 0, 1) };
  const extract = makeExtractor({ registry, key, base });
  const matches = (filter: string, content: object): boolean => {
    const { query } = parseSearch('Patient', [['_filter', filter]], registry, limits, false);
    const resource = { resourceType: 'Patient', ...content };
    return matcherOf(query, context)({ id: 'x', resource, extracted: extract(resource, 'Patient', 'x') });
  };
  const named = { name: [{ family: 'Petersen' }, { family: 'Smith' }], gender: 'male', birthDate: '1970-06' };

  test.each<[string, boolean]>([
    ['family eq petersen', true],
    ['family eq peters', false],
    ['family sw peters', true],
    ['family co ters', true],
    ['family ew sen', true],
    ['family ew ters', false],
    ['family ne petersen', true],
    ['not (family eq petersen)', false],
    ['family eq jones or family co ters', true],
    ['not (family co ters or gender eq female)', false],
    ['not (family co tersx or gender eq female)', true],
    ['gender ne female', true],
    ['gender ne male', false],
    ['active ne true', false],
    ['birthdate po 1970-06-15', true],
    ['birthdate po 1970', true],
    ['birthdate po 1971', false],
    ['_id eq x', true],
    ['_id pr true', true],
    ['_id pr false', false],
    ['active pr false and gender pr true', true],
  ])('%s: %s', (filter, expected) => {
    expect(matches(filter, named)).toBe(expected);
  });

  test.each([
    'link.family eq x',
    'not (link.family eq x)',
    '_has:Observation:patient:code eq x or gender eq male',
    'link[family co x] pr false',
  ])('is refused where others have a say: %s', (filter) => {
    expect(() => matches(filter, named)).toThrow(FhirError);
  });
});

describe('a comparison', () => {
  test.each<[string, string, unknown]>([
    [
      'Observation',
      'value-quantity gt 5.4|http://unitsofmeasure.org|mg',
      ['value-quantity', undefined, 'gt5.4|http://unitsofmeasure.org|mg'],
    ],
    ['Observation', 'date sa 2014', ['date', undefined, 'sa2014']],
    ['Observation', 'date po 2014', ['date', 'overlaps', '2014']],
    ['Patient', 'family eq "a,b|c"', ['family', 'is', 'a\\,b\\|c']],
    ['Patient', 'family ne x', ['family', 'is-not', 'x']],
    ['Patient', 'family co x', ['family', 'contains', 'x']],
    ['Patient', 'family sw x', ['family', undefined, 'x']],
    ['Patient', 'family ew x', ['family', 'ends-with', 'x']],
    ['Patient', 'family pr true', ['family', 'missing', 'false']],
    ['Patient', 'family pr false', ['family', 'missing', 'true']],
    ['Patient', '_id pr true', ['_id', 'missing', 'false']],
    ['Patient', '_lastUpdated ge 2020', ['_lastUpdated', undefined, 'ge2020']],
    ['Patient', 'identifier eq urn:a|b,c', ['identifier', undefined, 'urn:a|b\\,c']],
    ['Patient', 'identifier eq "urn:a|b c"', ['identifier', undefined, 'urn:a|b c']],
    ['Patient', 'gender ne male', ['gender', 'is-not', 'male']],
    ['Patient', 'link re Patient/1', ['link', undefined, 'Patient/1']],
    ['Observation', 'code-value-quantity eq a|b$gt5', ['code-value-quantity', undefined, 'a|b$gt5']],
    ['Observation', 'patient.family co "pet"', { Patient: ['family', 'contains', 'pet'] }],
    ['Observation', 'not (patient.family sw x)', { not: { Patient: ['family', undefined, 'x'] } }],
    [
      'Observation',
      'patient[gender eq male].family sw x',
      {
        Patient: {
          and: [
            ['gender', undefined, 'male'],
            ['family', undefined, 'x'],
          ],
        },
      },
    ],
    ['Observation', 'patient[gender eq male] pr true', { Patient: ['gender', undefined, 'male'] }],
    ['Observation', 'patient[gender eq male] pr false', { not: { Patient: ['gender', undefined, 'male'] } }],
    ['Patient', '_has:Observation:patient:code eq x', { Observation: ['code', undefined, 'x'] }],
  ])('%s: %s', (type, filter, expected) => {
    expect(clauses(criterion(type, filter))).toEqual(expected);
  });

  test.each([
    ['Patient', 'famly eq x', 'search-unknown-parameter'],
    ['Patient', 'family gt x', 'search-unknown-operator'],
    ['Patient', 'gender co x', 'search-unknown-operator'],
    ['Patient', 'gender xx x', 'search-unknown-operator'],
    ['Patient', '_id ne 1', 'search-unknown-operator'],
    ['Patient', 'birthdate co 2014', 'search-unknown-operator'],
    ['Patient', 'family:exact eq x', 'search-invalid-filter'],
    ['Patient', 'family pr maybe', 'search-invalid-filter'],
    ['Patient', 'family eq ""', 'search-invalid-filter'],
    ['Observation', 'patient[gender eq male] eq x', 'search-invalid-filter'],
    ['Observation', 'patient[famly eq x].family eq x', 'search-unknown-parameter'],
    ['Observation', 'code[system eq x].family eq x', 'search-invalid-chain'],
  ])('%s: %s is refused', (type, filter, id) => {
    let refused: unknown;
    try {
      criterion(type, filter);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(FhirError);
    expect((refused as FhirError).issues[0]?.id).toBe(id);
  });

  test('the comparisons of its own can’t be asked for by name', () => {
    for (const name of ['family:is', 'family:is-not', 'family:ends-with', 'birthdate:overlaps']) {
      expect(() => parseSearch('Patient', [[name, 'x']], registry, limits, false)).toThrow(FhirError);
    }
  });
});

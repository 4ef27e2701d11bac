import { describe, expect, test } from 'vitest';
import { FhirError } from '../../src/fhir/error.ts';
import { type ParsedSearch, parseSearch } from '../../src/search/parse.ts';
import { limits, smallRegistry } from './small-registry.ts';

const registry = smallRegistry();

function parse(text: string, { type = 'Patient', lenient = false } = {}): ParsedSearch {
  return parseSearch(type, [...new URLSearchParams(text)], registry, limits, lenient);
}

function refusal(text: string, options?: { type?: string; lenient?: boolean }): { id: string | undefined; text: string } {
  try {
    parse(text, options);
  } catch (error) {
    if (error instanceof FhirError) return { id: error.issues[0]?.id, text: error.issues[0]?.text ?? '' };
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe('a clause', () => {
  test('has a parameter and its alternatives, escapes kept', () => {
    const [clause] = parse('family=a,b\\,c').query.clauses;
    expect(clause?.param.code).toBe('family');
    expect(clause?.values).toEqual(['a', 'b\\,c']);
    expect(clause).not.toHaveProperty('modifier');
  });

  test('keeps its modifier', () => {
    expect(parse('family:exact=Öz').query.clauses[0]).toMatchObject({ modifier: 'exact', values: ['Öz'] });
  });

  test('is one of several when its parameter is repeated', () => {
    expect(parse('family=a&family=b').query.clauses.map(({ values }) => values)).toEqual([['a'], ['b']]);
  });

  test.each(['family=', 'family=,', 'family:exact=', 'family=,,', 'active:missing='])('without a value is none: %s', (text) => {
    expect(parse(text).query.clauses).toEqual([]);
  });

  test('loses its empty alternatives, which would match everything', () => {
    expect(parse('family=a,,b,').query.clauses[0]?.values).toEqual(['a', 'b']);
  });
});

describe('what is refused', () => {
  test.each([
    ['famly=x', 'search-unknown-parameter'],
    ['_lastupdated=2024', 'search-unknown-parameter'],
    ['family:above=x', 'search-unknown-modifier'],
    ['family:Exact=x', 'search-unknown-modifier'],
    ['_id:text=1', 'search-unknown-modifier'],
    ['_lastUpdated:not=2020', 'search-unknown-modifier'],
    ['gender:exact=x', 'search-unknown-modifier'],
    ['link:Observation=x', 'search-unknown-modifier'],
    ['link.famly=x', 'search-unknown-parameter'],
    ['active:missing=yes', 'search-invalid-missing'],
    ['active:missing=true,false', 'search-invalid-missing'],
    ['_count=-1', 'search-invalid-value'],
    ['_count=ten', 'search-invalid-value'],
    ['_total=some', 'search-invalid-value'],
    ['_summary=most', 'search-invalid-value'],
    ['_sort=famly', 'search-unknown-parameter'],
    ['_include=Observtion:patient', 'search-unknown-include'],
    ['_include=Patient:family', 'search-unknown-include'],
    ['_include=Patient:nothing', 'search-unknown-include'],
    ['_include=Patient:link:Nobody', 'search-unknown-include'],
    ['_include:recurse=Patient:link', 'search-unknown-modifier'],
    [`family=${Array.from({ length: 21 }, () => 'a').join(',')}`, 'search-too-many-values'],
    [Array.from({ length: 11 }, () => 'family=a').join('&'), 'search-too-many-parameters'],
  ])('%s', (text, id) => {
    expect(refusal(text).id).toBe(id);
  });

  test('an unknown parameter is answered with the nearest known one', () => {
    expect(refusal('famly=x').text).toContain('Did you mean "family"?');
  });

  test('an unknown modifier is answered with the nearest known one', () => {
    expect(refusal('family:exat=x').text).toContain('Did you mean "family:exact"?');
    expect(refusal('link:Pateint=x').text).toContain('Did you mean "link:Patient"?');
    expect(refusal('patient.family:exat=x', { type: 'Observation' }).text).toMatch(
      /^"patient.family:exat" has .* Did you mean "family:exact"/,
    );
    expect(refusal('patient:Device=1', { type: 'Observation' }).text).toContain('"patient" never points to Device; it points to Patient.');
  });

  test('a value never stands in the answer', () => {
    expect(refusal('Smithsonian=Mustermann').text).not.toContain('Mustermann');
    expect(refusal('family:above=Mustermann').text).not.toContain('Mustermann');
  });
});

describe('lenient handling', () => {
  test.each(['famly=x', 'link.famly=x'])('leaves %s out, warns, and says what was understood', (text) => {
    const { query, warnings } = parse(`gender=male&${text}`, { lenient: true });
    expect(query.clauses.map(({ param }) => param.code)).toEqual(['gender']);
    expect(query.understood).toEqual([['gender', 'male']]);
    expect(warnings).toMatchObject([{ severity: 'warning' }]);
  });

  test.each(['family:above=x', 'link:Observation=x', 'active:missing=yes', '_count=x'])('never leaves out %s', (text) => {
    expect(() => parse(text, { lenient: true })).toThrow(FhirError);
  });
});

describe('how to answer', () => {
  test('has defaults', () => {
    expect(parse('').query).toMatchObject({ count: 50, total: 'none', summary: 'false', sort: [], includes: [], elements: [] });
  });

  test('cuts _count down to the largest page', () => {
    expect(parse('_count=100000').query.count).toBe(100);
    expect(parse('_count=0').query.count).toBe(0);
  });

  test('reads _sort', () => {
    const [key] = parse('_sort=-birthdate').query.sort;
    expect(key).toMatchObject({ descending: true });
    expect(key?.param.code).toBe('birthdate');
  });

  test.each([
    ['_include=Observation:patient', { type: 'Observation', code: 'patient', target: undefined }],
    ['_include=Observation:subject:Patient', { type: 'Observation', code: 'subject', target: 'Patient' }],
    ['_include=Observation:*', { type: 'Observation', code: undefined, target: undefined }],
    ['_include=*', { type: undefined, code: undefined, target: undefined }],
    ['_include=Observation:*:Patient', { type: 'Observation', code: undefined, target: 'Patient' }],
  ])('reads %s', (text, expected) => {
    const [include] = parse(text, { type: 'Observation' }).query.includes;
    expect({ type: include?.type, code: include?.param?.code, target: include?.target }).toEqual(expected);
  });

  test('reads _revinclude apart from _include', () => {
    const { includes, revincludes } = parse('_revinclude=Observation:patient').query;
    expect(includes).toEqual([]);
    expect(revincludes).toMatchObject([{ type: 'Observation' }]);
  });

  test('does not count the page among what was understood, so that a cursor is bound to the query without it', () => {
    const { query } = parse('family=a&_page=xyz');
    expect(query.page).toBe('xyz');
    expect(query.understood).toEqual([['family', 'a']]);
  });
});

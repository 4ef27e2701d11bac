import { describe, expect, test } from 'vitest';
import { makeTokenKey, token } from '../../src/encryption/token.ts';
import { containsParts, insideKey } from '../../src/search/contained.ts';
import { planContained } from '../../src/search/contained-plan.ts';
import { makeExtractor } from '../../src/search/extract.ts';
import { tokensOf } from '../../src/search/holds.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { limits, smallRegistry } from './small-registry.ts';

const registry = smallRegistry();
const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
const base = 'http://x/fhir';
const extract = makeExtractor({ registry, key, base });
const context = { key, base, now: Date.UTC(2024, 0, 1) };

const patient = {
  resourceType: 'Patient',
  id: 'in',
  gender: 'male',
  birthDate: '1970-05-06',
  name: [{ family: 'Inside', given: ['Ida'] }],
  link: [{ other: { reference: 'Patient/other' }, type: 'seealso' }],
};
const outer = { resourceType: 'Observation', id: 'o', status: 'final', code: { coding: [{ code: 'x' }] } };
const holder = {
  ...outer,
  contained: [patient, { resourceType: 'Observation', id: 'inner', status: 'amended', valueQuantity: { value: 3 } }],
};

function planOf(type: string, text: string) {
  const { query } = parseSearch(type, [...new URLSearchParams(text)], registry, limits, false);
  return planContained(query, { type: 'Observation', filter: 'all' }, () => Promise.resolve([]), context, { registry, standard: registry });
}

describe('what a resource contains', () => {
  test('leaves tokens of its own, and nothing that the container is found by', () => {
    const alone = extract(outer, 'Observation', 'o');
    const { tokens, facts, owners, patient: column } = extract(holder, 'Observation', 'o');
    const found = tokensOf(tokens);
    for (const each of tokensOf(alone.tokens)) expect(found).toContain(each);
    expect(facts).toEqual(alone.facts);
    expect(column).toBeNull();
    // Whom it names owns the key, as ever.
    expect([...owners.values()]).toEqual(['other']);
    const more = [...found].filter((each) => !tokensOf(alone.tokens).has(each));
    const inside = tokensOf(extract(patient, 'Patient', 'in').tokens);
    expect(more.filter((each) => inside.has(each))).toEqual([token(key, 'o', 'other')]);
    expect(more).toContain(token(key, ...containsParts('Patient')));
    expect(more).toContain(token(key, ...containsParts('Observation')));
    expect(more).toContain(token(insideKey(key), 'p', 'Patient.gender'));
  });

  test('costs rows that contain nothing nothing', () => {
    expect(extract({ ...outer, contained: [] }, 'Observation', 'o').tokens).toEqual(extract(outer, 'Observation', 'o').tokens);
  });

  test('without an id or with a type that is none it is left out', () => {
    const contained = [
      { resourceType: 'Patient' },
      { resourceType: 'Nothing', id: 'a' },
      null,
      'x',
      { id: 'b' },
      { resourceType: 'Patient', id: 'a b' },
    ];
    expect(extract({ ...outer, contained }, 'Observation', 'o').tokens).toEqual(extract(outer, 'Observation', 'o').tokens);
  });
});

describe('the rows that may contain what is asked for', () => {
  const contains = token(key, ...containsParts('Patient'));
  const inside = (...parts: string[]): bigint => token(insideKey(key), ...parts);

  test('hold the tokens of all clauses that tokens tell', () => {
    const { type, condition } = planOf('Patient', 'gender=male&family=ins');
    expect(type).toBe('Observation');
    expect(condition).toMatchObject({ kind: 'all-tokens' });
    const tokens = condition.kind === 'all-tokens' ? condition.tokens : [];
    expect(tokens[0]).toBe(contains);
    const found = tokensOf(extract(holder, 'Observation', 'o').tokens);
    expect(tokens).toHaveLength(3);
    for (const each of tokens) expect(found).toContain(each);
  });

  test.each([
    'gender:not=male',
    'gender:missing=true',
    '_id=in',
    'link.gender=male',
    '_has:Observation:patient:code=x',
    '_filter=not (gender eq male)',
  ])('are all that contain the type for %s', (text) => {
    expect(planOf('Patient', text).condition).toEqual({ kind: 'all-tokens', tokens: [contains] });
  });

  test('hold a token of each alternative, or of none', () => {
    const present = inside('p', 'Patient.gender');
    expect(planOf('Patient', 'gender:missing=false').condition).toEqual({ kind: 'all-tokens', tokens: [contains, present] });
    expect(planOf('Patient', '_filter=gender eq male or birthdate eq 1970').condition).toMatchObject({ kind: 'and' });
    expect(planOf('Patient', '_filter=gender eq male or _id eq in').condition).toEqual({ kind: 'all-tokens', tokens: [contains] });
  });
});

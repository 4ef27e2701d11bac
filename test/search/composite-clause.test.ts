import { describe, expect, test } from 'vitest';
import { makeTokenKey, token } from '../../src/encryption/token.ts';
import { planClauses } from '../../src/search/clauses.ts';
import type { Condition } from '../../src/search/condition.ts';
import { makeExtractor } from '../../src/search/extract.ts';
import { matcherOf } from '../../src/search/match-unstored.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { pairToken } from '../../src/search/types/composite.ts';
import { limits, smallRegistry } from './small-registry.ts';

const registry = smallRegistry();
const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
const context = { key, base: 'http://x/fhir', now: Date.UTC(2024, 0, 1) };
const extract = makeExtractor({ registry, key, base: context.base });

const parse = (query: string) => parseSearch('Observation', [...new URLSearchParams(query)], registry, limits, false).query;
const plan = (query: string) => planClauses(parse(query), context)[0] ?? { condition: { kind: 'or', of: [] } as Condition };

const code = (value: string) => ({ coding: [{ system: 'urn:c', code: value }] });
const concept = {
  component: [
    { code: code('a'), valueCodeableConcept: code('x') },
    { code: code('b'), valueCodeableConcept: code('y') },
  ],
};

function matches(query: string, resource: Readonly<Record<string, unknown>>): boolean {
  return matcherOf(parse(query), context)({ id: 'o', resource, extracted: extract(resource, 'Observation', 'o') });
}

describe('what is asked of a row', () => {
  test('two codes in full are one token', () => {
    const path = 'Observation.component(Observation.component.code,Observation.component.value.ofType(CodeableConcept))';
    expect(plan('component-code-value-concept=urn:c|a$urn:c|x')).toEqual({
      condition: { kind: 'all-tokens', tokens: [token(key, 'x', path, 'sc', 'urn:c', 'a', 'sc', 'urn:c', 'x')] },
    });
  });

  test('a code in full and a quantity are one range of facts, of all kinds of items together', () => {
    const { condition, recheck } = plan('combo-code-value-quantity=urn:c|a$gt5');
    expect(condition).toMatchObject({
      kind: 'fact',
      pairs: [pairToken(['sc', 'urn:c', 'a'], { key })],
      bounds: [{ column: 'hi', operator: '>' }],
    });
    expect(condition).toHaveProperty('params.length', 2);
    expect(recheck).toBeUndefined();
  });

  test('of the resource as a whole, what says less than a pair is both clauses and nothing to compare again', () => {
    for (const query of ['code-value-quantity=a$5', 'code-value-string=urn:c|a$word']) {
      expect(plan(query).condition.kind).toMatch(/^(?:and|all-tokens)$/);
      expect(plan(query).recheck).toBeUndefined();
    }
  });

  test('of an item, what says less than a pair is compared again', () => {
    expect(plan('component-code-value-concept=a$urn:c|x').recheck).toBeDefined();
    expect(plan('component-code-value-concept=urn:c|$urn:c|x').recheck).toBeDefined();
    expect(plan('component-code-value-concept=urn:c|a$x').recheck).toBeDefined();
  });
});

describe('a resource in hand', () => {
  test.each([
    ['urn:c|a$urn:c|x', true],
    ['urn:c|a$urn:c|y', false],
    ['a$x', true],
    ['a$y', false],
    ['urn:c|$urn:c|y', true],
    ['a$y,b$y', true],
    ['a$y,b$x', false],
  ])('component-code-value-concept=%s: %s', (value, expected) => {
    expect(matches(`component-code-value-concept=${encodeURIComponent(value)}`, { resourceType: 'Observation', ...concept })).toBe(
      expected,
    );
  });

  test('has the composite if one item has all of it', () => {
    const split = { component: [{ code: code('a') }, { valueCodeableConcept: code('x') }] };
    expect(matches('component-code-value-concept:missing=false', { resourceType: 'Observation', ...concept })).toBe(true);
    expect(matches('component-code-value-concept:missing=false', { resourceType: 'Observation', ...split })).toBe(false);
    expect(matches('component-code-value-concept:missing=true', { resourceType: 'Observation', ...split })).toBe(true);
  });
});

test('values that are split otherwise than the parameter says are refused', () => {
  for (const value of ['a', 'a$1$2', '$1', 'a$']) {
    expect(() => plan(`code-value-quantity=${encodeURIComponent(value)}`)).toThrow('2 parts');
  }
});

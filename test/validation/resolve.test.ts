import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/fhir/json.ts';
import { resolveWithin } from '../../src/validation/resolve.ts';

const inner: JsonObject = { resourceType: 'Organization', id: 'o' };
const observation: JsonObject = { resourceType: 'Observation', id: 'x', contained: [inner] };
const ours: JsonObject = { resourceType: 'Patient', id: 'p' };
const theirs: JsonObject = { resourceType: 'Patient', id: 'p' };
const nameless: JsonObject = { resourceType: 'Device', id: 'd' };
const stray: JsonObject = { resourceType: 'Observation', id: 'y' };

const bundle: JsonObject = {
  resourceType: 'Bundle',
  entry: [
    { fullUrl: 'http://a.example/fhir/Observation/x', resource: observation },
    { fullUrl: 'http://a.example/fhir/Patient/p', resource: ours },
    { fullUrl: 'http://b.example/fhir/Patient/p', resource: theirs },
    { fullUrl: 'urn:uuid:7f9b1e5e-5c0c-4b5e-9a55-2f7b7b1d3c11', resource: nameless },
    { fullUrl: 'urn:uuid:0a3c5d1e-1f2e-4d7c-8f11-9b2f6c0e7a22', resource: stray },
  ],
};

const from = (resources: JsonObject[], contained = false) => {
  const entries = new Map();
  return (reference: string) => resolveWithin({ resources, contained, entries }, reference);
};

describe('a reference within a resource', () => {
  test('# and an id is a contained resource, from outside and from a contained one', () => {
    expect(from([observation])('#o')).toBe(inner);
    expect(from([observation, inner], true)('#o')).toBe(inner);
    expect(from([observation])('#z')).toBeUndefined();
  });

  test('# alone is the resource that contains', () => {
    expect(from([observation, inner], true)('#')).toBe(observation);
  });

  test('an entry has contained resources of its own', () => {
    expect(from([bundle, ours])('#o')).toBeUndefined();
    expect(from([bundle, observation])('#o')).toBe(inner);
  });
});

describe('a reference within a Bundle', () => {
  const resolve = from([bundle, observation]);

  test('is taken from the base of the entry it stands in', () => {
    expect(resolve('Patient/p')).toBe(ours);
    expect(from([bundle, theirs])('Patient/p')).toBe(theirs);
  });

  test('names a fullUrl if it is absolute, whatever version it asks for', () => {
    expect(resolve('http://b.example/fhir/Patient/p')).toBe(theirs);
    expect(resolve('http://b.example/fhir/Patient/p/_history/2')).toBe(theirs);
    expect(resolve('urn:uuid:7f9b1e5e-5c0c-4b5e-9a55-2f7b7b1d3c11')).toBe(nameless);
    expect(resolve('http://c.example/fhir/Patient/p')).toBeUndefined();
  });

  test('finds the only resource of its type and id where its entry has no base', () => {
    expect(from([bundle, stray])('Device/d')).toBe(nameless);
    expect(from([bundle, stray])('Patient/p')).toBeUndefined();
  });

  test('reaches it from a contained resource too', () => {
    expect(from([bundle, observation, inner], true)('Patient/p')).toBe(ours);
  });
});

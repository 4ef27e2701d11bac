import { expect, test } from 'vitest';
import { brandsOf } from '../../src/http/oauth/brands.ts';

const base = 'https://fhir.example.org/fhir/R4';
const system = 'urn:ietf:rfc:3986';
const own = {
  resourceType: 'Organization',
  id: 'own',
  identifier: [{ system, value: 'https://example.org' }],
  endpoint: [{ reference: 'Endpoint/e' }],
};
const site = {
  resourceType: 'Organization',
  id: 'site',
  partOf: { reference: 'Organization/own' },
  endpoint: [{ reference: 'Endpoint/e' }],
};
const endpoint = { resourceType: 'Endpoint', id: 'e', address: base };
const bundleOf = (...resources: readonly unknown[]) => ({
  resourceType: 'Bundle',
  type: 'collection',
  timestamp: '2026-01-31T10:15:00Z',
  entry: resources.map((resource) => ({ resource })),
});

test('the brand with the Endpoint at our base is ours, however it refers to that', () => {
  const { identifier, text } = brandsOf(bundleOf(own, site, endpoint), base);
  expect(identifier).toEqual({ system, value: 'https://example.org' });
  expect(JSON.parse(text)).toEqual(bundleOf(own, site, endpoint));
  const absolute = { ...own, endpoint: [{ reference: 'https://example.org/brands/Endpoint/e' }] };
  expect(brandsOf(bundleOf(absolute, { ...endpoint, address: `${base}/` }), base).identifier).toEqual(identifier);
});

test('the tag tells what is said, and not when', () => {
  const { etag } = brandsOf(bundleOf(own, endpoint), base);
  expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
  expect(brandsOf({ ...bundleOf(own, endpoint), timestamp: '2027-01-01T00:00:00Z' }, base).etag).toBe(etag);
  expect(brandsOf(bundleOf(own, site, endpoint), base).etag).not.toBe(etag);
});

test.each<[string, unknown]>([
  ['no Bundle', []],
  ['null', null],
  ['a searchset', { ...bundleOf(own, endpoint), type: 'searchset' }],
  ['without a time', { ...bundleOf(own, endpoint), timestamp: undefined }],
  ['with a Patient', bundleOf(own, endpoint, { resourceType: 'Patient' })],
  ['with an empty entry', bundleOf(own, endpoint, undefined)],
  ['without an Endpoint', bundleOf(own)],
  ['of another server', bundleOf(own, { ...endpoint, address: 'https://other.example.org/fhir' })],
  ['without an identifier', bundleOf({ ...own, identifier: [] }, endpoint)],
  [
    'with two brands of this server',
    bundleOf(own, { ...own, id: 'two', identifier: [{ system, value: 'https://two.example.org' }] }, endpoint),
  ],
  ['with the identifier twice', bundleOf(own, { ...site, identifier: own.identifier }, endpoint)],
])('a file is refused: %s', (_name, bundle) => {
  expect(() => brandsOf(bundle, base)).toThrow(/^(?:it |one Organization |more than one )/);
});

import { makeTokenKey } from '../../src/encryption/token.ts';
import { makeExtractor } from '../../src/search/extract.ts';
import { matcherOf } from '../../src/search/match-unstored.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { limits, smallRegistry } from './small-registry.ts';

type Resource = { readonly resourceType: string } & Readonly<Record<string, unknown>>;

/** Makes the question whether a resource is found by a search, by what extraction leaves and planning asks. The query stands undecoded. */
export function makeFinds(settings: { readonly fullText?: boolean } = {}): (query: string, resource: Resource) => boolean {
  const registry = smallRegistry();
  const bounds = { ...limits, searchFullText: settings.fullText === true };
  const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
  const base = 'http://127.0.0.1:8080/fhir/R4';
  const extract = makeExtractor({ registry, key, base, ...settings });
  return (query, resource) => {
    const type = resource.resourceType;
    const pairs = query.split('&').map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
    const parsed = parseSearch(type, pairs, registry, bounds, false);
    const matches = matcherOf(parsed.query, { key, base, now: Date.UTC(2024, 0, 1) });
    return matches({ id: 'x', resource, extracted: extract(resource, type, 'x') });
  };
}

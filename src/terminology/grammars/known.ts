import type { Grammar } from '../system.ts';
import { languageGrammar } from './languages.ts';
import { countryGrammar, currencyGrammar, subdivisionGrammar, timeZoneGrammar } from './lists.ts';
import { mediaTypeGrammar } from './media-types.ts';
import { unitGrammar } from './units.ts';

/** Other urls of the same code systems: those of THO, by which newer packages name them. */
const aliases: Readonly<Record<string, string>> = {
  'urn:iso:std:iso:3166:-1': 'urn:iso:std:iso:3166',
  'urn:oid:2.16.840.1.113883.6.8': 'http://unitsofmeasure.org',
  'urn:oid:2.16.840.1.113883.6.121': 'urn:ietf:bcp:47',
  'urn:oid:1.0.3166.1': 'urn:iso:std:iso:3166',
  'http://www.iana.org/time-zones': 'https://www.iana.org/time-zones',
};

const countries = countryGrammar();
const grammars: ReadonlyMap<string, Grammar> = new Map(
  [
    unitGrammar(),
    languageGrammar(),
    mediaTypeGrammar(),
    countries,
    subdivisionGrammar(countries),
    currencyGrammar(),
    timeZoneGrammar(),
  ].map((grammar) => [grammar.url, grammar]),
);

/** The code systems that are told by libraries and grammars; reading their tables waits for the first code. */
export function grammarOf(url: string): Grammar | undefined {
  return grammars.get(url) ?? grammars.get(aliases[url] ?? '');
}

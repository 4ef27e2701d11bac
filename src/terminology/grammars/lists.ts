import { createRequire } from 'node:module';
import type { Concept } from '../code-system.ts';
import { type Grammar, plainConcept } from '../system.ts';

const require = createRequire(import.meta.url);

/** A code system whose list is read when it is first asked. */
function listed(url: string, name: string, read: () => Iterable<Concept>): Grammar {
  let known: ReadonlyMap<string, Concept> | undefined;
  const all = (): ReadonlyMap<string, Concept> => (known ??= new Map(Array.from(read(), (concept) => [concept.code, concept])));
  return { url, name, version: undefined, find: (code) => all().get(code), list: () => all().values() };
}

/** ISO 3166-1 in its three forms: `AT`, `AUT`, `040`. */
export function countryGrammar(): Grammar {
  return listed('urn:iso:std:iso:3166', 'ISO 3166-1 Codes for countries', () => {
    const { countries } = require('i18n-iso-countries/langs/en.json') as {
      countries: Readonly<Record<string, string | readonly string[]>>;
    };
    const codes = require('i18n-iso-countries/codes.json') as readonly (readonly [string, string, string])[];
    return codes.flatMap(([two, three, digits]) => {
      const name = countries[two];
      const display = typeof name === 'string' ? name : name?.[0];
      return [two, three, digits].map((code) => plainConcept(code, display));
    });
  });
}

/** ISO 3166-2, by its form: a country that there is, and what it calls its subdivision. There is no free list of them. */
export function subdivisionGrammar(countries: Grammar): Grammar {
  return {
    url: 'urn:iso:std:iso:3166:-2',
    name: 'ISO 3166-2 Codes for subdivisions of countries',
    version: undefined,
    find(code) {
      const [, country] = /^([A-Z]{2})-[A-Z0-9]{1,3}$/.exec(code) ?? [];
      return country !== undefined && countries.find(country) !== undefined ? plainConcept(code) : undefined;
    },
  };
}

/** No longer in force, or never by ISO, but in data from before and in R4's own expansion of its value set. */
const earlierCurrencies: Readonly<Record<string, string>> = {
  BGN: 'Bulgarian Lev',
  CUC: 'Peso Convertible',
  GGP: 'Guernsey pound',
  HRK: 'Kuna',
  IMP: 'Isle of Man pound',
  JEP: 'Jersey pound',
  SLL: 'Leone',
  TVD: 'Tuvalu dollar',
  VEF: 'Bolívar',
  ZWL: 'Zimbabwe Dollar',
};

/** ISO 4217, among them those for metals, funds and testing: `EUR`, `XAU`, `XXX`. */
export function currencyGrammar(): Grammar {
  type Currency = { readonly code: string; readonly currency: string };
  return listed('urn:iso:std:iso:4217', 'ISO 4217 Codes for currencies', () => {
    const current = (require('currency-codes/data') as readonly Currency[]).map(({ code, currency }) => plainConcept(code, currency));
    const known = new Set(current.map(({ code }) => code));
    const earlier = Object.entries(earlierCurrencies).filter(([code]) => !known.has(code));
    return [...current, ...earlier.map(([code, name]) => ({ ...plainConcept(code, name), inactive: true }))];
  });
}

/** Names like `Europe/Vienna`, as this Node.js knows them, with the older names that are still links in the database. */
export function timeZoneGrammar(): Grammar {
  const listedZones = listed('https://www.iana.org/time-zones', 'IANA Time zones', () =>
    ['UTC', ...Intl.supportedValuesOf('timeZone')].map((code) => plainConcept(code, code)),
  );
  return {
    ...listedZones,
    find: (code) => listedZones.find(code) ?? (isZone(code) ? plainConcept(code, code) : undefined),
  };
}

/** The runtime takes any case and offsets too; the database's names have capitals. */
function isZone(code: string): boolean {
  if (code.length > 64 || !/^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*)*$/.test(code)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: code }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

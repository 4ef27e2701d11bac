import { createRequire } from 'node:module';
import { LRUCache } from 'lru-cache';
import type { Concept } from '../code-system.ts';
import { type Grammar, plainConcept } from '../system.ts';
import { dimensionsOf, ucumSystem } from '../units.ts';

/** Codes come from clients, so what is kept of them is bounded. */
const cacheMax = 2_000;
/** Longer codes than this are no units. */
const lengthMax = 100;

/**
 * UCUM's units, case sensitive: by our own reader, and what that doesn't read (scales that don't begin at nothing, mistakes)
 * by the library, which is loaded for the first of them.
 */
export function unitGrammar(): Grammar {
  const known = new LRUCache<string, { readonly concept: Concept | undefined }>({ max: cacheMax });
  return {
    url: ucumSystem,
    name: 'Unified Code for Units of Measure (UCUM)',
    version: undefined,
    find(code) {
      if (code.length > lengthMax) return undefined;
      let found = known.get(code);
      if (found === undefined) {
        found = { concept: isUnit(code) ? plainConcept(code) : undefined };
        known.set(code, found);
      }
      return found.concept;
    },
    property: (code, property) => (property === 'canonical' || property === 'dimensions' ? dimensionsOf(code) : undefined),
  };
}

type Library = { readonly UcumLhcUtils: { getInstance(): Checks } };
type Checks = { validateUnitString(code: string): { readonly status: string; readonly ucumCode: string | null } };

let library: Checks | undefined;

function isUnit(written: string): boolean {
  // The grammar has no spaces in annotations; R4's own list of common units does.
  const code = written.replaceAll(/\{[^{}]*\}/g, (annotation) => annotation.replaceAll(' ', '_'));
  if (!/^[\x21-\x7e]+$/.test(code)) return false;
  if (dimensionsOf(code) !== undefined) return true;
  library ??= (createRequire(import.meta.url)('@lhncbc/ucum-lhc') as Library).UcumLhcUtils.getInstance();
  const { status, ucumCode } = library.validateUnitString(code);
  // It takes some names and slips for what they are meant to be, and says so by another code.
  return status === 'valid' && ucumCode === code;
}

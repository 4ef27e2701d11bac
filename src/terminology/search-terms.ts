import { LRUCache } from 'lru-cache';
import type { Definitions } from '../definitions/load.ts';
import { codesFrom, type CodeSystem, readCodeSystem } from './code-system.ts';
import { type Coding, expandValueSet, type Sources, type Untold } from './expand.ts';

/** What codes mean: which are in a value set, and which are kinds of which. */
export type SearchTerms = {
  /** @param valueSet  canonical url, with or without `|version` */
  readonly expandCodes: (valueSet: string) => Promise<readonly Coding[] | Untold>;
  /** The code itself and all that are a kind of it. */
  readonly descendants: (system: string, code: string) => Promise<readonly string[] | Untold>;
  /** The code itself and all that it is a kind of. */
  readonly ancestors: (system: string, code: string) => Promise<readonly string[] | Untold>;
};

export function searchTerms(sources: Sources): SearchTerms {
  return {
    expandCodes: (valueSet) => expandValueSet(valueSet, sources),
    descendants: (system, code) => relatives(sources, system, code, 'children'),
    ancestors: (system, code) => relatives(sources, system, code, 'parents'),
  };
}

async function relatives(sources: Sources, url: string, code: string, way: 'children' | 'parents'): Promise<readonly string[] | Untold> {
  const system = await sources.codeSystem(url);
  if (system === undefined) return { untold: `The code system ${url} is not known here.` };
  if (!system.subsumes) return { untold: `The hierarchy of the code system ${url} does not tell which codes are kinds of which.` };
  if (!system.concepts.has(code)) return { untold: `The code system ${url} has no code ${code}.` };
  return codesFrom(system, code, way);
}

/** R4's own code systems and value sets, read when they are first asked for; some of them stay in memory. */
export function definedSources(definitions: Pick<Definitions, 'resource'>): Sources {
  const codeSystems = new LRUCache<string, { readonly system: CodeSystem | undefined }>({ max: 32 });
  const valueSets = new LRUCache<string, { readonly resource: object | undefined }>({ max: 64 });
  const find = async (type: 'CodeSystem' | 'ValueSet', canonical: string): Promise<object | undefined> => {
    // An id alone would find a definition too; here only urls name one.
    const found = /^[a-z]+:/i.test(canonical) ? await definitions.resource(type, canonical) : undefined;
    return typeof found === 'object' && found !== null ? found : undefined;
  };
  return {
    async codeSystem(canonical) {
      let known = codeSystems.get(canonical);
      if (known === undefined) {
        const resource = await find('CodeSystem', canonical);
        known = { system: resource === undefined ? undefined : readCodeSystem(resource) };
        codeSystems.set(canonical, known);
      }
      return known.system;
    },
    async valueSet(canonical) {
      let known = valueSets.get(canonical);
      if (known === undefined) {
        known = { resource: await find('ValueSet', canonical) };
        valueSets.set(canonical, known);
      }
      return known.resource;
    },
  };
}

/** Asks one source after the other: what R4 defines, nothing stored stands in for. */
export function firstOf(...sources: readonly Sources[]): Sources {
  const first = async <T>(ask: (source: Sources) => Promise<T | undefined>): Promise<T | undefined> => {
    for (const source of sources) {
      const found = await ask(source);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    codeSystem: (canonical) => first((source) => source.codeSystem(canonical)),
    valueSet: (canonical) => first((source) => source.valueSet(canonical)),
  };
}

import { LRUCache } from 'lru-cache';
import { atMost } from '../fhir/at-most.ts';
import type { Conformance } from '../fhir/conformance.ts';
import type { CodeTables, Selection, TableConcept, TableSystem } from '../storage/terminology.ts';
import { type Concept, isNode, readCodeSystem } from './code-system.ts';
import { grammarOf } from './grammars/known.ts';
import { withEarlier } from './earlier-codes.ts';
import { implicitValueSet } from './implicit.ts';
import type { System } from './system.ts';
import { readValueSet, type ValueSet } from './value-set.ts';

/** What a look into memory found missing. */
export type Need =
  | { readonly kind: 'value-set'; readonly canonical: string }
  | { readonly kind: 'system'; readonly canonical: string }
  | { readonly kind: 'concept'; readonly table: TableSystem; readonly code: string }
  | { readonly kind: 'descendants'; readonly key: string; readonly table: TableSystem; readonly code: string; readonly limit: number }
  | {
      readonly kind: 'selection';
      readonly key: string;
      readonly table: TableSystem;
      readonly selection: Selection;
      readonly limit: number;
    };

/** By a name of their own, so that each is loaded once. */
export type Needs = Map<string, Need>;

/**
 * Code systems and value sets as they are used, compiled; those used least recently make room for others. What isn't in memory goes
 * into `needs`: `load` it, then ask again. A change of any of them forgets all, as they are composed of each other.
 */
export type Stock = {
  readonly valueSet: (canonical: string, needs: Needs) => ValueSet | 'absent' | undefined;
  readonly system: (url: string, version: string | undefined, needs: Needs) => System | undefined;
  /** Of a code system in tables. */
  readonly concept: (table: TableSystem, code: string, needs: Needs) => Concept | 'none' | undefined;
  readonly selected: (table: TableSystem, selection: Selection, limit: number, needs: Needs) => readonly Concept[] | undefined;
  /** A code and all that are a kind of it, no more than `limit`. */
  readonly descendants: (table: TableSystem, code: string, limit: number, needs: Needs) => readonly string[] | undefined;
  readonly load: (needs: Needs) => Promise<void>;
  /** Called when all was forgotten. */
  readonly onForget: (listener: () => void) => void;
};

/** Each round loads what the one before found missing: a value set, those it imports, their code systems, concepts. */
const roundsMax = 24;

/** Looks, loads what was missing, and looks again until nothing is. */
export async function settled<T>(stock: Stock, look: (needs: Needs) => T): Promise<T> {
  for (let round = 0; ; round++) {
    const needs: Needs = new Map();
    const found = look(needs);
    if (needs.size === 0 || round === roundsMax) return found;
    await stock.load(needs);
  }
}

/** The version of the code systems that R4 itself defines. */
const fhirVersion = '4.0.1';

/** What of tables is kept: concepts one by one, and some lists. */
const conceptsMax = 20_000;
const listedMax = 50_000;
/** No code of a table is longer. */
const codeMax = 500;

export function makeStock({
  conformance,
  tables,
  memoryBytes,
}: {
  conformance: Conformance;
  tables: CodeTables | undefined;
  memoryBytes: number;
}): Stock {
  // One that is larger than all there is for them stands alone.
  const weightOf = (weight: number): number => Math.min(weight, memoryBytes);
  const valueSets = new LRUCache<string, ValueSet | 'absent'>({
    maxSize: memoryBytes,
    sizeCalculation: (set, canonical) => weightOf(2 * canonical.length + (set === 'absent' ? 200 : set.weight)),
  });
  const systems = new LRUCache<string, System>({
    maxSize: memoryBytes,
    sizeCalculation: (system, canonical) => weightOf(4 * canonical.length + (system.kind === 'memory' ? system.system.weight : 500)),
  });
  const concepts = new LRUCache<string, Concept | 'none'>(atMost(conceptsMax));
  const lists = new LRUCache<string, readonly Concept[]>({
    maxSize: listedMax,
    sizeCalculation: (list) => Math.min(list.length + 1, listedMax),
  });
  const descendants = new LRUCache<string, readonly string[]>({
    maxSize: listedMax,
    sizeCalculation: (list) => Math.min(list.length + 1, listedMax),
  });
  const listeners: (() => void)[] = [];
  let generation = 0;
  conformance.onChange(() => {
    generation++;
    for (const cache of [valueSets, systems, concepts, lists, descendants]) cache.clear();
    for (const listener of listeners) listener();
  });

  async function loadSystem(canonical: string): Promise<System> {
    const [url = '', version] = canonical.split('|');
    const grammar = grammarOf(url);
    if (grammar !== undefined) return { kind: 'grammar', grammar };
    const table = (await tables?.system(url, version)) ?? (version === undefined ? undefined : await tables?.system(url, undefined));
    if (table !== undefined) return { kind: 'table', table, otherVersion: version !== undefined && table.version !== version };
    const exact = await conformance.find('CodeSystem', canonical);
    const resource = exact ?? (version === undefined ? undefined : await conformance.find('CodeSystem', url));
    if (!isNode(resource)) return { kind: 'absent', why: `The code system ${url} isn't loaded here.` };
    const { content } = resource;
    if (content === 'not-present' || content === 'supplement')
      return { kind: 'absent', why: `Of the code system ${url} only its description is here, not its codes.` };
    const system = readCodeSystem(resource);
    const earlier = version === undefined ? await earlierOf(url) : undefined;
    const isNewer = earlier !== undefined && 'version' in earlier && earlier.version !== system.version;
    return { kind: 'memory', system: isNewer ? withEarlier(system, readCodeSystem(earlier)) : system, otherVersion: exact === undefined };
  }

  /** R4's own copy of a code system that has been published anew since. */
  async function earlierOf(url: string): Promise<object | undefined> {
    return url.startsWith('http://terminology.hl7.org/') ? conformance.find('CodeSystem', `${url}|${fhirVersion}`) : undefined;
  }

  async function loadValueSet(canonical: string): Promise<ValueSet | 'absent'> {
    const found = (await conformance.find('ValueSet', canonical)) ?? implicitValueSet(canonical);
    return found === undefined ? 'absent' : readValueSet(found);
  }

  async function loadOne(need: Need): Promise<void> {
    const at = generation;
    // What was read before a change must not outlast it.
    const keep = (store: () => void): void => {
      if (at === generation) store();
    };
    if (need.kind === 'value-set') {
      const found = await loadValueSet(need.canonical);
      keep(() => valueSets.set(need.canonical, found));
    } else if (need.kind === 'system') {
      const found = await loadSystem(need.canonical);
      keep(() => systems.set(need.canonical, found));
    } else if (need.kind === 'descendants') {
      const found = (await tables?.descendants(need.table, need.code, need.limit)) ?? [];
      keep(() => descendants.set(need.key, found));
    } else if (need.kind === 'selection') {
      const found = (await tables?.select(need.table, need.selection, need.limit)) ?? [];
      keep(() => lists.set(need.key, found.map(conceptOf(need.table))));
    }
  }

  async function loadConcepts(table: TableSystem, codes: readonly string[]): Promise<void> {
    const at = generation;
    const found = new Map((await tables?.concepts(table, codes))?.map((concept) => [concept.code, conceptOf(table)(concept)]));
    if (at === generation) for (const code of codes) concepts.set(`${table.id} ${code}`, found.get(code) ?? 'none');
  }

  return {
    valueSet(canonical, needs) {
      const found = valueSets.get(canonical);
      if (found === undefined) needs.set(`value-set ${canonical}`, { kind: 'value-set', canonical });
      return found;
    },
    system(url, version, needs) {
      const canonical = version === undefined ? url : `${url}|${version}`;
      const found = systems.get(canonical);
      if (found === undefined) needs.set(`system ${canonical}`, { kind: 'system', canonical });
      return found;
    },
    concept(table, code, needs) {
      if (code.length > codeMax) return 'none';
      const found = concepts.get(`${table.id} ${code}`);
      if (found === undefined) needs.set(`concept ${table.id} ${code}`, { kind: 'concept', table, code });
      return found;
    },
    selected(table, selection, limit, needs) {
      const key = `selection ${table.id} ${limit} ${selection.text} ${JSON.stringify(selection.values)}`;
      const found = lists.get(key);
      if (found === undefined) needs.set(key, { kind: 'selection', key, table, selection, limit });
      return found;
    },
    descendants(table, code, limit, needs) {
      const key = `descendants ${table.id} ${limit} ${code}`;
      const found = descendants.get(key);
      if (found === undefined) needs.set(key, { kind: 'descendants', key, table, code, limit });
      return found;
    },
    async load(needs) {
      const all = [...needs.values()];
      const single = all.filter((need) => need.kind === 'concept');
      const byTable = Map.groupBy(single, ({ table }) => table.id);
      await Promise.all([
        ...all.filter((need) => need.kind !== 'concept').map(loadOne),
        ...[...byTable.values()].map((some) =>
          loadConcepts(
            some[0]?.table as TableSystem,
            some.map(({ code }) => code),
          ),
        ),
      ]);
    },
    onForget: (listener) => listeners.push(listener),
  };
}

function conceptOf({ properties: declared }: TableSystem): (concept: TableConcept) => Concept {
  return ({ active, ancestors, properties, designations, ...concept }) => ({
    ...concept,
    inactive: !active,
    ancestors: new Set(ancestors),
    designations: designations.map(({ language, use, value }) => ({
      value,
      ...(language === undefined ? {} : { language }),
      ...(use === undefined ? {} : { use: { code: use } }),
    })),
    properties: Object.entries(properties).flatMap(([code, values]) => {
      const element = elementOf(declared[code]?.type ?? 'string');
      return values.map((value) => ({ code, value, element, raw: rawOf(element, value) }));
    }),
  });
}

const elementOf = (type: string): string => `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;

function rawOf(element: string, value: string): unknown {
  if (element === 'valueBoolean') return value === 'true';
  return element === 'valueInteger' || element === 'valueDecimal' ? Number(value) : value;
}

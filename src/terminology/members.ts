import type { TableSystem } from '../storage/terminology.ts';
import type { Concept } from './code-system.ts';
import { hierarchyOf, type Look, memberOf, passes, unanswered } from './membership.ts';
import { selectionOf } from './table-filters.ts';
import type { System } from './system.ts';
import type { Filter, Listed, Part, ValueSet } from './value-set.ts';
import { testOf } from './filters.ts';

/** A code of a value set, as it is enumerated. */
export type Entry = {
  readonly system: string;
  /** The code system's version, where one was asked for or is known. */
  readonly version: string | undefined;
  readonly code: string;
  readonly concept: Concept | undefined;
  readonly listed: Listed | undefined;
};

/** Ends an enumeration: something of it isn't here, or can't be listed. */
export class NotEnumerable extends Error {
  readonly tooMany: boolean;
  constructor(message: string, tooMany = false) {
    super(message);
    this.tooMany = tooMany;
  }
}

export type Enumerating = Look & {
  /** How many codes are asked for at most of a code system in tables. */
  readonly limit: number;
  /** A text that is looked for: tables needn't give what doesn't have these words. */
  readonly words?: readonly string[];
  readonly activeOnly?: boolean;
  /** What is beyond the limit is left out, and that is noted here; without it, it ends the enumeration. */
  readonly cut?: { happened: boolean };
  /** The version of a code system to take, where another than the value set's may be asked for. */
  readonly versionOf?: (url: string, version: string | undefined) => string | undefined;
};

const depthMax = 16;
/** Of so many kinds of a code a page is found by looking up. */
const broadMin = 10_000;
/** All that is left out has to be known. */
const excludedMax = 50_000;

/**
 * The codes of a value set, in the order that its parts give them, each once. It stops short when something has to be loaded: then
 * `needs` isn't empty, and what came is to be thrown away.
 *
 * @throws NotEnumerable
 */
export function* membersOf(canonical: string, look: Enumerating, within: readonly string[] = []): Generator<Entry> {
  if (within.includes(canonical)) throw new NotEnumerable(`The value set ${canonical} is composed of itself.`);
  if (within.length === depthMax) throw new NotEnumerable(`The value set ${within[0]} is composed of others more than ${depthMax} deep.`);
  const set = look.stock.valueSet(canonical, look.needs);
  if (set === undefined) return;
  if (set === 'absent') throw new NotEnumerable(`The value set ${canonical} is not known here.`);
  yield* membersOfSet(set, canonical, look, within);
}

export function* membersOfSet(set: ValueSet, canonical: string, look: Enumerating, within: readonly string[] = []): Generator<Entry> {
  if (set.open !== undefined) throw new NotEnumerable(`The codes of the value set ${canonical} are not known here: ${set.open}.`);
  const inner = [...within, canonical];
  const excluded = new Set<string>();
  const { cut: _, words: __, activeOnly: ___, ...all } = look;
  for (const part of set.exclude)
    for (const entry of membersOfPart(part, { ...all, limit: excludedMax }, inner)) excluded.add(keyOf(entry));
  const seen = new Set<string>();
  for (const part of set.include) {
    for (const entry of membersOfPart(part, look, inner)) {
      const key = keyOf(entry);
      if (seen.has(key) || excluded.has(key) || (set.activeOnly && entry.concept?.inactive === true)) continue;
      seen.add(key);
      yield entry;
    }
  }
}

export const keyOf = ({ system, code }: Pick<Entry, 'system' | 'code'>): string => `${system}|${code}`;

function* membersOfPart(part: Part, look: Enumerating, within: readonly string[]): Generator<Entry> {
  const [first, ...others] = part.valueSets;
  if (part.system === undefined && first === undefined) return;
  const own = part.system === undefined ? membersOf(first ?? '', look, within) : membersOfSystem(part, part.system, look);
  const also = part.system === undefined ? others : part.valueSets;
  for (const entry of own) if (also.every((canonical) => isIn(canonical, entry, look, within))) yield entry;
}

function isIn(canonical: string, { system, code }: Entry, look: Look, within: readonly string[]): boolean {
  const member = memberOf(canonical, system, code, look, within);
  if (member.kind === 'untold') throw new NotEnumerable(member.why);
  return member.kind === 'in';
}

function* membersOfSystem(part: Part, url: string, look: Enumerating): Generator<Entry> {
  const version = look.versionOf === undefined ? part.version : look.versionOf(url, part.version);
  const system = look.stock.system(url, version, look.needs);
  if (system === undefined) return;
  const entry = (concept: Concept | undefined, code: string, listed?: Listed): Entry => ({
    system: url,
    version: version ?? versionOf(system),
    code,
    concept,
    listed,
  });
  if (part.listed !== undefined) {
    for (const [code, listed] of part.listed) yield entry(conceptOfList(system, code, look), code, listed);
    return;
  }
  const { filters } = part;
  for (const concept of conceptsOf(system, url, filters, look)) yield entry(concept, concept.code);
}

/** What a listed code is called is asked of tables too, all together. */
function conceptOfList(system: System, code: string, look: Look): Concept | undefined {
  switch (system.kind) {
    case 'memory':
      return system.system.concepts.get(code);
    case 'grammar':
      return system.grammar.find(code);
    case 'table': {
      const concept = look.stock.concept(system.table, code, look.needs);
      return concept === 'none' ? undefined : concept;
    }
    default:
      return undefined;
  }
}

function* conceptsOf(system: System, url: string, filters: readonly Filter[], look: Enumerating): Generator<Concept> {
  if (system.kind === 'table') {
    const { table } = system;
    // Words are looked up first, and few codes have them.
    const byPage = look.cut !== undefined && (look.words ?? []).length === 0;
    const broad = byPage ? broadOf(table, filters, look) : new Set<string>();
    if (broad === undefined) return;
    const selection = selectionOf(filters, { ...look, isBroad: (code) => broad.has(code) });
    if ('unanswered' in selection) throw new NotEnumerable(unanswered(url, selection.unanswered));
    const found = look.stock.selected(system.table, selection, look.limit + 1, look.needs) ?? [];
    if (found.length > look.limit) {
      if (look.cut === undefined) throw new NotEnumerable(`More than ${look.limit} codes of ${url} are in it.`, true);
      look.cut.happened = true;
    }
    yield* found;
    return;
  }
  const all =
    system.kind === 'memory' && system.system.complete ? inOrder(system) : system.kind === 'grammar' ? system.grammar.list?.() : undefined;
  if (all === undefined)
    throw new NotEnumerable(
      system.kind === 'grammar'
        ? `It draws on ${url}, whose codes can't be listed: they are made by rules.`
        : `It draws on ${url}, whose codes this server does not have.`,
    );
  const plain = filters.filter(({ op }) => op !== 'generalizes');
  const tests = plain.map((filter) => {
    const test = testOf(filter);
    if (test === undefined) throw new NotEnumerable(unanswered(url, filter));
    return test;
  });
  const upward = filters.filter(({ op }) => op === 'generalizes');
  const hierarchy = hierarchyOf(system);
  for (const concept of all)
    if (tests.every((test) => test(concept, hierarchy)) && upward.every((filter) => passes(concept, filter, system))) yield concept;
}

/** The codes of hierarchies that have very many kinds; undefined: that has to be loaded. */
function broadOf(table: TableSystem, filters: readonly Filter[], look: Enumerating): ReadonlySet<string> | undefined {
  const broad = new Set<string>();
  for (const { op, value } of filters) {
    if (op !== 'is-a' && op !== 'descendent-of') continue;
    const found = look.stock.descendants(table, value, broadMin, look.needs);
    if (found === undefined) return undefined;
    if (found.length >= broadMin) broad.add(value);
  }
  return broad;
}

const inOrder = ({ system }: System & { readonly kind: 'memory' }): Iterable<Concept> => system.concepts.values();

function versionOf(system: System): string | undefined {
  if (system.kind === 'memory') return system.system.version;
  return system.kind === 'table' ? system.table.version : undefined;
}

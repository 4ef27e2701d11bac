import { codesFrom, type CodeSystem, type Concept, findConcept } from './code-system.ts';
import { type Hierarchy, testOf } from './filters.ts';
import type { Needs, Stock } from './stock.ts';
import type { System } from './system.ts';
import type { Filter, Listed, Part, ValueSet } from './value-set.ts';

/** What a look-up goes by: what is in memory, and where it notes what isn't. */
export type Look = { readonly stock: Stock; readonly needs: Needs };

export type Member =
  | { readonly kind: 'in'; readonly concept?: Concept | undefined; readonly listed?: Listed | undefined }
  | { readonly kind: 'out' }
  | { readonly kind: 'untold'; readonly why: string }
  /** It can be told when the needs are loaded. */
  | { readonly kind: 'later' };

const OUT: Member = { kind: 'out' };
const LATER: Member = { kind: 'later' };
const untold = (why: string): Member => ({ kind: 'untold', why });

/** Value sets may be composed of others so deep; none of itself. */
const depthMax = 16;

/** Whether a code is in a value set; without a system, of any of its systems. */
export function memberOf(canonical: string, system: string | undefined, code: string, look: Look, within: readonly string[] = []): Member {
  if (within.includes(canonical)) return untold(`The value set ${canonical} is composed of itself.`);
  if (within.length === depthMax) return untold(`The value set ${within[0]} is composed of others more than ${depthMax} deep.`);
  const set = look.stock.valueSet(canonical, look.needs);
  if (set === undefined) return LATER;
  if (set === 'absent') return untold(`The value set ${canonical} isn't loaded here.`);
  return memberOfSet(set, canonical, system, code, look, within);
}

export function memberOfSet(
  set: ValueSet,
  canonical: string,
  system: string | undefined,
  code: string,
  look: Look,
  within: readonly string[] = [],
): Member {
  const inner = [...within, canonical];
  const found = anyOf(set.include, system, code, look, inner);
  if (found.kind === 'out')
    return set.open === undefined ? OUT : untold(`The codes of the value set ${canonical} aren't known here: ${set.open}.`);
  if (found.kind !== 'in') return found;
  if (set.activeOnly && found.concept?.inactive === true) return OUT;
  if (set.exclude.length === 0) return found;
  const excluded = anyOf(set.exclude, system, code, look, inner);
  if (excluded.kind === 'in') return OUT;
  return excluded.kind === 'out' ? found : excluded;
}

/** In one of the parts; what can't be told of one part counts only if it is in no other. */
function anyOf(parts: readonly Part[], system: string | undefined, code: string, look: Look, within: readonly string[]): Member {
  let undecided: Member | undefined;
  for (const part of parts) {
    const member = memberOfPart(part, system, code, look, within);
    if (member.kind === 'in') return member;
    if (member.kind === 'later' || (member.kind === 'untold' && undecided === undefined)) undecided = member;
  }
  return undecided ?? OUT;
}

function memberOfPart(part: Part, system: string | undefined, code: string, look: Look, within: readonly string[]): Member {
  let found: Member | undefined;
  if (part.system !== undefined) {
    if (system !== undefined && system !== part.system) return OUT;
    found = memberOfSystem(part, part.system, code, look);
    if (found.kind === 'out') return found;
  }
  for (const imported of part.valueSets) {
    const member = memberOf(imported, system ?? part.system, code, look, within);
    if (member.kind === 'out') return member;
    if (found === undefined || (found.kind === 'in' && (member.kind !== 'in' || found.concept === undefined))) found = member;
  }
  return found ?? OUT;
}

function memberOfSystem(part: Part, url: string, code: string, look: Look): Member {
  const { listed, filters, version } = part;
  const system = look.stock.system(url, version, look.needs);
  if (system === undefined) return LATER;
  if (listed !== undefined) return memberOfList(listed, code, system, look);
  const found = conceptIn(system, url, version, code, look);
  if (found.kind !== 'in' || found.concept === undefined) return found;
  for (const filter of filters) {
    const passed = passes(found.concept, filter, system);
    if (passed === undefined) return untold(unanswered(url, filter));
    if (!passed) return OUT;
  }
  return found;
}

export function unanswered(url: string, { property, op }: Filter): string {
  return `It selects codes of ${url} by a filter that this server does not answer: ${property.slice(0, 40)} ${op.slice(0, 20)}.`;
}

/** A list stands for itself; its code system only tells what the codes are called. */
function memberOfList(listed: ReadonlyMap<string, Listed>, code: string, system: System, look: Look): Member {
  const exact = listed.get(code);
  if (exact !== undefined) return { kind: 'in', listed: exact, concept: conceptOf(system, code, look) };
  const same = system.kind === 'memory' && system.system.ignoresCase ? findConcept(system.system, code) : undefined;
  const folded = same === undefined ? undefined : listed.get(same.code);
  return folded === undefined ? OUT : { kind: 'in', listed: folded, concept: same };
}

/** What is known of it in memory; the verdict doesn't wait for more. */
function conceptOf(system: System, code: string, look: Look): Concept | undefined {
  if (system.kind === 'memory') return findConcept(system.system, code);
  if (system.kind === 'grammar') return system.grammar.find(code);
  if (system.kind === 'absent') return undefined;
  const known = look.stock.concept(system.table, code, new Map());
  return known === 'none' ? undefined : known;
}

/** Whether a code system has a code. */
export function conceptIn(system: System, url: string, version: string | undefined, code: string, look: Look): Member {
  switch (system.kind) {
    case 'absent':
      return untold(system.why);
    case 'grammar': {
      const concept = system.grammar.find(code);
      return concept === undefined ? OUT : { kind: 'in', concept };
    }
    case 'table': {
      const concept = look.stock.concept(system.table, code, look.needs);
      if (concept === undefined) return LATER;
      if (concept !== 'none') return { kind: 'in', concept };
      return system.otherVersion ? untold(notThisVersion(url, version)) : OUT;
    }
    default: {
      const concept = findConcept(system.system, code);
      if (concept !== undefined) return { kind: 'in', concept };
      if (!system.system.complete) return untold(`Of the code system ${url} only a part is here.`);
      return system.otherVersion ? untold(notThisVersion(url, version)) : OUT;
    }
  }
}

const notThisVersion = (url: string, version = ''): string => `Version ${version} of the code system ${url} isn't loaded here.`;

/** @returns undefined if the filter isn't answered here */
export function passes(concept: Concept, filter: Filter, system: System): boolean | undefined {
  if (system.kind === 'memory' && filter.op === 'generalizes')
    return codesFrom(system.system, filter.value, 'parents').includes(concept.code);
  return testOf(filter)?.(concept, hierarchyOf(system));
}

export function hierarchyOf(system: System): Hierarchy {
  if (system.kind === 'grammar') {
    const { property } = system.grammar;
    return { ancestors: () => noCodes, ...(property === undefined ? {} : { property }) };
  }
  if (system.kind !== 'memory') return { ancestors: ({ ancestors = noCodes }) => ancestors };
  return { ancestors: (concept) => ancestorsOf(system.system, concept.code) };
}

const noCodes: ReadonlySet<string> = new Set();

function ancestorsOf(system: CodeSystem, code: string): ReadonlySet<string> {
  const all = new Set(codesFrom(system, code, 'parents'));
  all.delete(code);
  return all;
}

import { codesFrom, type CodeSystem, listOf } from './code-system.ts';

export type Coding = { readonly system: string; readonly code: string };

/** Where code systems and value sets are found, by canonical url with or without version. */
export type Sources = {
  readonly codeSystem: (canonical: string) => Promise<CodeSystem | undefined>;
  readonly valueSet: (canonical: string) => Promise<object | undefined>;
};

/** Why something can't be told: a sentence for the client, that names what is missing. */
export type Untold = { readonly untold: string };

/** Codes of one value set beyond these are more than a search should ask for. */
const codesMax = 5_000;
const depthMax = 16;

/**
 * All codes of a value set: by its composition, or where it has none by the expansion it was stored with.
 *
 * @see https://hl7.org/fhir/R4/valueset.html#compositions
 */
export async function expandValueSet(canonical: string, sources: Sources): Promise<readonly Coding[] | Untold> {
  try {
    return [...(await expand(canonical, { sources, within: [] })).values()];
  } catch (error) {
    if (error instanceof NotEnumerable) return { untold: error.message };
    throw error;
  }
}

/** Ends an expansion half-way; told to the caller as `Untold`. */
class NotEnumerable extends Error {}

type Codes = ReadonlyMap<string, Coding>;
type Expanding = { readonly sources: Sources /** The value sets that led here. */; readonly within: readonly string[] };
type Node = Readonly<Record<string, unknown>>;

async function expand(canonical: string, { sources, within }: Expanding): Promise<Codes> {
  if (within.includes(canonical)) throw new NotEnumerable(`The value set ${canonical} is composed of itself.`);
  if (within.length === depthMax) throw new NotEnumerable(`The value set ${within[0]} is composed of others more than ${depthMax} deep.`);
  const resource = (await sources.valueSet(canonical)) as Node | undefined;
  if (resource === undefined) throw new NotEnumerable(`The value set ${canonical} is not known here.`);
  const { compose, expansion } = resource as { readonly compose?: Node; readonly expansion?: Node };
  if (typeof compose !== 'object' || compose === null) return expandedBefore(canonical, expansion);
  const inner = { sources, within: [...within, canonical] };
  const codes = new Map<string, Coding>();
  for (const include of listOf(compose['include'])) {
    for (const [key, coding] of await partOf(include, inner)) codes.set(key, coding);
    if (codes.size > codesMax) throw new NotEnumerable(`The value set ${canonical} has more than ${codesMax} codes.`);
  }
  for (const exclude of listOf(compose['exclude'])) for (const key of (await partOf(exclude, inner)).keys()) codes.delete(key);
  return codes;
}

function expandedBefore(canonical: string, expansion: Node | undefined): Codes {
  const codes = new Map<string, Coding>();
  const open = listOf(expansion?.['contains']);
  for (let at = 0; at < open.length; at++) {
    const { system, code, abstract, contains } = open[at] ?? {};
    if (typeof system === 'string' && typeof code === 'string' && abstract !== true) add(codes, { system, code });
    open.push(...listOf(contains));
    if (codes.size > codesMax) throw new NotEnumerable(`The value set ${canonical} has more than ${codesMax} codes.`);
  }
  const total = expansion?.['total'];
  if (open.length === 0 || (typeof total === 'number' && total > open.length))
    throw new NotEnumerable(`The value set ${canonical} has neither a composition nor a whole expansion.`);
  return codes;
}

/** The codes that an include or an exclude names: those of its system that are in all of its value sets. */
async function partOf(include: Node, expanding: Expanding): Promise<Codes> {
  const { system, valueSet } = include;
  const parts: Codes[] = typeof system === 'string' ? [await codesOfSystem(system, include, expanding)] : [];
  for (const imported of Array.isArray(valueSet) ? valueSet : [])
    if (typeof imported === 'string') parts.push(await expand(imported, expanding));
  const [first = new Map<string, Coding>(), ...others] = parts;
  return new Map([...first].filter(([key]) => others.every((other) => other.has(key))));
}

async function codesOfSystem(url: string, { version, concept, filter }: Node, { sources }: Expanding): Promise<Codes> {
  const codes = new Map<string, Coding>();
  const listed = listOf(concept);
  if (listed.length > 0) {
    for (const { code } of listed) if (typeof code === 'string') add(codes, { system: url, code });
    return codes;
  }
  const system = await sources.codeSystem(typeof version === 'string' ? `${url}|${version}` : url);
  if (system === undefined || !system.complete) throw new NotEnumerable(`It draws on ${url}, whose codes this server does not have.`);
  const filters = listOf(filter).map((each) => codesOfFilter(system, each));
  for (const code of filters[0] ?? system.concepts.keys())
    if (filters.every((filtered) => filtered.has(code))) add(codes, { system: url, code });
  return codes;
}

/** @see https://hl7.org/fhir/R4/valueset-filter-operator.html */
function codesOfFilter(system: CodeSystem, { property, op, value }: Node): ReadonlySet<string> {
  const all = [...system.concepts.keys()];
  const text = typeof value === 'string' ? value : '';
  const below = new Set(codesFrom(system, text, 'children'));
  const hasProperty = (code: string, test: (value: string) => boolean): boolean => {
    if (property === 'concept' || property === 'code') return test(code);
    return system.concepts.get(code)?.properties.some((each) => each.code === property && test(each.value)) ?? false;
  };
  const listed = new Set(text.split(',').map((each) => each.trim()));
  switch (op) {
    case 'is-a':
      return below;
    case 'descendent-of':
      below.delete(text);
      return below;
    case 'is-not-a':
      return new Set(all.filter((code) => !below.has(code)));
    case 'generalizes':
      return new Set(codesFrom(system, text, 'parents'));
    case '=':
      return new Set(all.filter((code) => hasProperty(code, (found) => found === text)));
    case 'in':
      return new Set(all.filter((code) => hasProperty(code, (found) => listed.has(found))));
    case 'not-in':
      return new Set(all.filter((code) => !hasProperty(code, (found) => listed.has(found))));
    case 'exists':
      return new Set(all.filter((code) => hasProperty(code, () => true) === (text === 'true')));
    default:
      throw new NotEnumerable(
        `It selects codes of ${system.url} by a filter that this server does not answer: ${String(op).slice(0, 20)}.`,
      );
  }
}

function add(codes: Map<string, Coding>, coding: Coding): void {
  codes.set(`${coding.system}|${coding.code}`, coding);
}

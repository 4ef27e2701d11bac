/** A CodeSystem's codes and which of them are kinds of which. */
export type CodeSystem = {
  readonly url: string;
  readonly version: string | undefined;
  readonly name: string | undefined;
  /** All its codes are here. */
  readonly complete: boolean;
  /** Its hierarchy says which code is a kind of which, not which is a part of which or merely stands under it. */
  readonly subsumes: boolean;
  /** Codes that differ in case alone are the same. */
  readonly ignoresCase: boolean;
  /** The language of its displays. */
  readonly language: string | undefined;
  readonly concepts: ReadonlyMap<string, Concept>;
  /** The codes that stand under no other, in their order. */
  readonly roots: readonly string[];
  /** About how many bytes of memory it takes. */
  readonly weight: number;
};

export type Concept = {
  /** As its code system writes it. */
  readonly code: string;
  readonly display: string | undefined;
  readonly definition: string | undefined;
  readonly designations: readonly Designation[];
  readonly properties: readonly Property[];
  readonly parents: readonly string[];
  readonly children: readonly string[];
  /** All that it is a kind of, for those whose parents aren't in memory. */
  readonly ancestors?: ReadonlySet<string>;
  readonly inactive: boolean;
  /** It groups others, and isn't meant to be used. */
  readonly abstract: boolean;
  /** Its display is one of many names in use, and no other is wrong. */
  readonly informal?: true;
};

export type Designation = { readonly language?: string; readonly use?: Use; readonly value: string };
export type Use = { readonly system?: string; readonly code?: string; readonly display?: string };

/** `element` is the name it has in JSON, `valueCode`; `value` is it as text, of a Coding its code. */
export type Property = { readonly code: string; readonly value: string; readonly element: string; readonly raw: unknown };

/** The parts read of a CodeSystem as a resource; a client may have stored it, so anything may be anything. */
export type Node = Readonly<Record<string, unknown>>;

type Growing = { -readonly [K in keyof Concept]: Concept[K] } & { parents: string[]; children: string[]; properties: readonly Property[] };

/**
 * Reads a CodeSystem: nested concepts, and hierarchies told by the properties `parent`, `child` and `subsumedBy`.
 *
 * @see https://hl7.org/fhir/R4/codesystem.html#hierarchy
 */
export function readCodeSystem(resource: object): CodeSystem {
  const { url, version, name, title, language, content, caseSensitive, hierarchyMeaning, concept, property } = resource as Node;
  const concepts = new Map<string, Growing>();
  let weight = 1_000;
  const namedAs = namesOf(property);
  // By a stack of its own, the next one last: stored hierarchies may be deeper than a call stack.
  const open = listOf(concept)
    .map((node) => ({ node, parent: undefined as string | undefined }))
    .reverse();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, parent } = next;
    const { code, display, definition } = node;
    if (typeof code !== 'string') continue;
    const known = conceptAt(concepts, code);
    known.display ??= textOf(display);
    known.definition ??= textOf(definition);
    known.designations = joined(known.designations, designationsOf(node));
    known.properties = joined(known.properties, propertiesOf(node));
    known.inactive ||= known.properties.some((each) => isInactive(each, namedAs));
    known.abstract ||= known.properties.some((each) => each.value === 'true' && namedAs.notSelectable.has(each.code));
    if (parent !== undefined) link(concepts, parent, code);
    for (const child of listOf(node['concept']).toReversed()) open.push({ node: child, parent: code });
    weight += 250 + code.length + lengthOf(display) + lengthOf(definition);
    weight += 150 * (known.designations.length + known.properties.length);
  }
  for (const { code, properties } of [...concepts.values()]) {
    for (const { code: property, value } of properties) {
      if (!concepts.has(value)) continue;
      if (namedAs.parent.has(property)) link(concepts, value, code);
      if (namedAs.child.has(property)) link(concepts, code, value);
    }
  }
  return {
    url: textOf(url) ?? '',
    version: textOf(version),
    name: textOf(title) ?? textOf(name),
    complete: content === 'complete',
    subsumes: hierarchyMeaning === undefined || hierarchyMeaning === 'is-a',
    ignoresCase: caseSensitive === false,
    language: textOf(language),
    concepts,
    roots: [...concepts.values()].filter(({ parents }) => parents.length === 0).map(({ code }) => code),
    weight,
  };
}

/** The concept of a code; where case makes no difference, in whatever case it is. */
export function findConcept(system: Pick<CodeSystem, 'concepts' | 'ignoresCase'>, code: string): Concept | undefined {
  const exact = system.concepts.get(code);
  if (exact !== undefined || !system.ignoresCase) return exact;
  const lower = code.toLowerCase();
  for (const concept of system.concepts.values()) if (concept.code.toLowerCase() === lower) return concept;
  return undefined;
}

/** The code and all below it, or above it, itself first. */
export function codesFrom(system: Pick<CodeSystem, 'concepts'>, code: string, way: 'children' | 'parents'): string[] {
  const found = new Set([code]);
  for (const each of found) for (const next of system.concepts.get(each)?.[way] ?? []) found.add(next);
  return [...found];
}

/** Display first, then the designations, each once; none where none is wrong. */
export function displaysOf(concept: Concept): string[] {
  if (concept.informal === true) return [];
  const texts = concept.designations.map(({ value }) => value);
  return [...new Set(concept.display === undefined ? texts : [concept.display, ...texts])];
}

const conceptProperties = 'http://hl7.org/fhir/concept-properties#';

type Names = Readonly<Record<'parent' | 'child' | 'inactive' | 'status' | 'notSelectable', ReadonlySet<string>>>;

/** What a CodeSystem calls the properties that mean something to us: it may name them itself. */
function namesOf(declared: unknown): Names {
  const called = (name: string): string[] =>
    listOf(declared).flatMap(({ code, uri }) => (uri === conceptProperties + name && typeof code === 'string' ? [code] : []));
  return {
    parent: new Set(['parent', 'subsumedBy', ...called('parent')]),
    child: new Set(['child', ...called('child')]),
    inactive: new Set(['inactive', ...called('inactive')]),
    status: new Set(['status', ...called('status')]),
    notSelectable: new Set(['notSelectable', ...called('notSelectable')]),
  };
}

const inactiveStatus = new Set(['inactive', 'retired']);

function isInactive({ code, value }: Property, named: Names): boolean {
  return (value === 'true' && named.inactive.has(code)) || (named.status.has(code) && inactiveStatus.has(value));
}

const none: readonly never[] = [];

function conceptAt(concepts: Map<string, Growing>, code: string): Growing {
  let known = concepts.get(code);
  if (known === undefined) {
    known = {
      code,
      display: undefined,
      definition: undefined,
      designations: none,
      properties: none,
      parents: [],
      children: [],
      inactive: false,
      abstract: false,
    };
    concepts.set(code, known);
  }
  return known;
}

function link(concepts: Map<string, Growing>, parent: string, child: string): void {
  if (parent === child) return;
  const { children } = conceptAt(concepts, parent);
  const { parents } = conceptAt(concepts, child);
  // A code has few parents; it may have thousands of children.
  if (parents.includes(parent)) return;
  children.push(child);
  parents.push(parent);
}

function joined<T>(before: readonly T[], more: readonly T[]): readonly T[] {
  if (more.length === 0) return before;
  return before.length === 0 ? more : [...before, ...more];
}

export function designationsOf(node: Node): readonly Designation[] {
  const found = listOf(node['designation']).flatMap(({ language, use, value }) =>
    typeof value === 'string' ? [{ value, ...(typeof language === 'string' ? { language } : {}), ...(isNode(use) ? { use } : {}) }] : [],
  );
  return found.length === 0 ? none : found;
}

function propertiesOf(node: Node): readonly Property[] {
  const found = listOf(node['property']).flatMap((property) => {
    const [element, raw] = Object.entries(property).find(([name]) => name.startsWith('value')) ?? [];
    const text = isNode(raw) ? raw['code'] : raw;
    return typeof property['code'] === 'string' &&
      element !== undefined &&
      (typeof text === 'string' || typeof text === 'boolean' || typeof text === 'number')
      ? [{ code: property['code'], value: String(text), element, raw }]
      : [];
  });
  return found.length === 0 ? none : found;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const lengthOf = (value: unknown): number => (typeof value === 'string' ? value.length : 0);

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function listOf(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.filter(isNode) : none;
}

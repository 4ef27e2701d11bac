/** A CodeSystem's codes and which of them are kinds of which. */
export type CodeSystem = {
  readonly url: string;
  /** All its codes are here. */
  readonly complete: boolean;
  /** Its hierarchy says which code is a kind of which, not which is a part of which or merely stands under it. */
  readonly subsumes: boolean;
  readonly concepts: ReadonlyMap<string, Concept>;
};

export type Concept = {
  readonly code: string;
  readonly parents: readonly string[];
  readonly children: readonly string[];
  readonly properties: readonly Property[];
};

export type Property = { readonly code: string; readonly value: string };

/** The parts read of a CodeSystem as a resource; a client may have stored it, so anything may be anything. */
type Node = Readonly<Record<string, unknown>>;

type Growing = { readonly code: string; readonly parents: Set<string>; readonly children: Set<string>; readonly properties: Property[] };

/**
 * Reads a CodeSystem: nested concepts, and hierarchies told by the properties `parent`, `child` and `subsumedBy`.
 *
 * @see https://hl7.org/fhir/R4/codesystem.html#hierarchy
 */
export function readCodeSystem(resource: object): CodeSystem {
  const { url, content, hierarchyMeaning, concept, property } = resource as Node;
  const concepts = new Map<string, Growing>();
  // From a list of its own: stored hierarchies may be deeper than a call stack.
  const open = listOf(concept).map((node) => ({ node, parent: undefined as string | undefined }));
  for (let at = 0; at < open.length; at++) {
    const { node, parent } = open[at] ?? { node: {}, parent: undefined };
    if (typeof node['code'] !== 'string') continue;
    const known = conceptAt(concepts, node['code']);
    if (parent !== undefined) link(concepts, parent, known.code);
    known.properties.push(...propertiesOf(node));
    for (const child of listOf(node['concept'])) open.push({ node: child, parent: known.code });
  }
  const named = namesOfLinks(property);
  for (const { code, properties } of [...concepts.values()]) {
    for (const { code: name, value } of properties) {
      if (!concepts.has(value)) continue;
      if (named.parent.has(name)) link(concepts, value, code);
      if (named.child.has(name)) link(concepts, code, value);
    }
  }
  return {
    url: typeof url === 'string' ? url : '',
    complete: content === 'complete',
    subsumes: hierarchyMeaning === undefined || hierarchyMeaning === 'is-a',
    concepts: new Map([...concepts].map(([code, each]) => [code, { ...each, parents: [...each.parents], children: [...each.children] }])),
  };
}

/** The code and all below it, or above it, itself first. */
export function codesFrom(system: CodeSystem, code: string, way: 'children' | 'parents'): string[] {
  const found = new Set([code]);
  for (const each of found) for (const next of system.concepts.get(each)?.[way] ?? []) found.add(next);
  return [...found];
}

const conceptProperties = 'http://hl7.org/fhir/concept-properties#';

/** What a CodeSystem calls its parents and children, if it tells them by properties. */
function namesOfLinks(declared: unknown): { readonly parent: ReadonlySet<string>; readonly child: ReadonlySet<string> } {
  const called = (name: string): string[] =>
    listOf(declared).flatMap(({ code, uri }) => (uri === conceptProperties + name && typeof code === 'string' ? [code] : []));
  return { parent: new Set(['parent', 'subsumedBy', ...called('parent')]), child: new Set(['child', ...called('child')]) };
}

function conceptAt(concepts: Map<string, Growing>, code: string): Growing {
  let known = concepts.get(code);
  if (known === undefined) {
    known = { code, parents: new Set(), children: new Set(), properties: [] };
    concepts.set(code, known);
  }
  return known;
}

function link(concepts: Map<string, Growing>, parent: string, child: string): void {
  if (parent === child) return;
  conceptAt(concepts, parent).children.add(child);
  conceptAt(concepts, child).parents.add(parent);
}

function propertiesOf(node: Node): Property[] {
  return listOf(node['property']).flatMap((property) => {
    const [, value] = Object.entries(property).find(([name]) => name.startsWith('value')) ?? [];
    const text = typeof value === 'object' && value !== null ? (value as Node)['code'] : value;
    return typeof property['code'] === 'string' && (typeof text === 'string' || typeof text === 'boolean' || typeof text === 'number')
      ? [{ code: property['code'], value: String(text) }]
      : [];
  });
}

export function listOf(value: unknown): Node[] {
  return Array.isArray(value)
    ? value.filter((item): item is Node => typeof item === 'object' && item !== null && !Array.isArray(item))
    : [];
}

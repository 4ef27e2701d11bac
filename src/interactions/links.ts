import { type Decimals, type Json, type JsonObject, type Link, mayBeLink } from '../fhir/json.ts';
import type { ElementDef, Schema, TypeDef } from '../fhir/schema.ts';
import type { Document, Edit } from './document.ts';

/** What a reference becomes; undefined leaves it. */
export type Resolve = (value: string) => string | undefined;

/**
 * Rewrites the references of a valid document that stand for other resources of its Bundle: in the text as edits, in the value
 * as a copy that shares what doesn't change. References are `Reference.reference`, elements of the types uri, url, oid and
 * uuid that point somewhere, and the links in narratives, at any depth; canonicals, identifiers and plain text stay.
 *
 * @see https://hl7.org/fhir/R4/http.html#trules
 */
export function rewriteLinks(document: Document, resolve: Resolve, schema: Schema): { document: Document; edits: Edit[] } {
  const links = document.source?.links ?? [];
  // A Bundle that is stored is a unit: its references are among its own entries.
  const none = document.type === 'Bundle' || !links.some(({ name, value }) => rewritten(name === 'div', value, resolve) !== undefined);
  if (none) return { document, edits: [] };
  const walk: Walk = { resolve, schema, decimals: document.decimals, links: links.values(), edits: [] };
  const value = copyObject(document.value, schema(document.type), walk);
  return { document: { ...document, value }, edits: walk.edits };
}

/** Where in a resource a value stands, or will; undefined is what the definitions don't know. */
export type LinkPlace = {
  readonly name: string;
  readonly element: ElementDef | undefined;
  readonly type: TypeDef | undefined;
  readonly owner: TypeDef | undefined;
};

/** The same for a value on its way into a resource, as a patch brings it: a copy that shares what doesn't change. */
export function rewriteValue(value: Json, place: LinkPlace, decimals: Decimals, resolve: Resolve, schema: Schema): Json {
  return copyMember(value, place, { resolve, schema, decimals, edits: [] });
}

/** The place of a member of an object of this type. */
export function memberPlace(owner: TypeDef | undefined, name: string, schema: Schema): LinkPlace {
  const element = owner?.elements.get(name.startsWith('_') ? name.slice(1) : name);
  // Beside a primitive stand its id and extensions.
  return { name, element, type: name.startsWith('_') ? schema('Element') : element && schema(element.type), owner };
}

/** The type an object really has: of a resource, its own. */
export function typeOfObject(object: JsonObject, type: TypeDef | undefined, schema: Schema): TypeDef | undefined {
  const { resourceType } = object;
  return type?.kind === 'resource' && typeof resourceType === 'string' ? schema(resourceType) : type;
}

type Walk = Pick<Document, 'decimals'> & {
  readonly resolve: Resolve;
  readonly schema: Schema;
  /** Those of the document, in its order, which is the order of the walk. None where there is no text to edit. */
  readonly links?: Iterator<Link, undefined>;
  readonly edits: Edit[];
};

function rewritten(isNarrative: boolean, value: string, resolve: Resolve): string | undefined {
  if (!isNarrative) return resolve(value);
  const text = value.replace(/((?:href|src)=)(["'])([^"']*)\2/g, (whole, attribute: string, quote: string, url: string) => {
    const target = resolve(url);
    return target === undefined ? whole : `${attribute}${quote}${target}${quote}`;
  });
  return text === value ? undefined : text;
}

function copyObject(object: JsonObject, type: TypeDef | undefined, walk: Walk): JsonObject {
  let changed = false;
  const entries = Object.entries(object).map(([name, member]): [string, Json] => {
    const next = copyMember(member, memberPlace(type, name, walk.schema), walk);
    changed ||= next !== member;
    return [name, next];
  });
  return changed ? withLiterals(object, Object.fromEntries(entries), walk) : object;
}

/** Copies on the way to what changes. */
function copyMember(value: Json, place: LinkPlace, walk: Walk): Json {
  if (typeof value === 'string') return copyText(value, place, walk);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => copyMember(item, place, walk));
    return items.some((item, index) => item !== value[index]) ? withLiterals(value, items, walk) : value;
  }
  return copyObject(value, typeOfObject(value, place.type, walk.schema), walk);
}

function copyText(value: string, place: LinkPlace, walk: Walk): string {
  if (!mayBeLink(place.name, value)) return value;
  const link = walk.links?.next().value;
  if (walk.links !== undefined && link?.value !== value) throw new Error('the links of a document and its value go apart');
  if (!pointsSomewhere(place)) return value;
  const text = rewritten(place.type?.name === 'xhtml', value, walk.resolve);
  if (text === undefined) return value;
  if (link !== undefined) walk.edits.push({ start: link.start, end: link.end, text: JSON.stringify(text) });
  return text;
}

const pointingTypes: ReadonlySet<string> = new Set(['uri', 'url', 'oid', 'uuid', 'xhtml']);
/** Elements of type uri that name what they belong to, or its vocabulary. */
const namingElements: ReadonlySet<string> = new Set(['url', 'system', 'implicitRules', 'fullUrl']);

function pointsSomewhere({ name, element, owner }: LinkPlace): boolean {
  if (element === undefined) return false;
  if (owner?.name === 'Reference' && name === 'reference') return true;
  return pointingTypes.has(element.type) && !(element.type === 'uri' && namingElements.has(name));
}

/** Carries the literals of a copied holder along. */
function withLiterals<T extends object>(original: object, copy: T, { decimals }: Walk): T {
  const literals = decimals.get(original);
  if (literals !== undefined) decimals.set(copy, literals);
  return copy;
}

/** Where an entry's resource will be. */
export type Placed = { readonly fullUrl?: string; readonly type: string; readonly id: string; readonly version: number };

/**
 * Resolves the references of one entry against the others: by fullUrl (with a version, to the version written here), and
 * relative ones against the base of the entry's own fullUrl, or the server's where it has none.
 *
 * @see https://hl7.org/fhir/R4/bundle.html#references
 */
export function bundleResolver(
  placed: readonly Placed[],
  conditional: ReadonlyMap<string, string>,
  serverBase: string,
): (own: string | undefined) => Resolve {
  const byFullUrl = new Map<string, Placed>();
  for (const place of placed) if (place.fullUrl !== undefined) byFullUrl.set(place.fullUrl, place);
  return (own) => {
    const base = /^(https?:\/\/.+)\/[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.exec(own ?? '')?.[1] ?? serverBase;
    return (value) => {
      const direct = byFullUrl.get(value);
      if (direct !== undefined) return `${direct.type}/${direct.id}`;
      const criteria = conditional.get(value);
      if (criteria !== undefined) return criteria;
      const [address = '', fragment] = value.split('#', 2);
      const unversioned = address.replace(/\/_history\/[A-Za-z0-9\-.]{1,64}$/, '');
      const absolute = /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(unversioned) ? `${base}/${unversioned}` : unversioned;
      const place = byFullUrl.get(absolute);
      if (place === undefined) return undefined;
      const version = unversioned === address ? '' : `/_history/${place.version}`;
      return `${place.type}/${place.id}${version}${fragment === undefined ? '' : `#${fragment}`}`;
    };
  };
}

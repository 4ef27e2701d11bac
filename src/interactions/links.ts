import type { Decimals, Json, JsonObject, Link } from '../fhir/json.ts';
import { parseReference } from '../fhir/references.ts';
import type { Document, Edit } from './document.ts';

/** What a reference becomes; undefined leaves it. */
export type Resolve = (value: string) => string | undefined;

/**
 * Rewrites the references of a document that stand for other resources of its Bundle: in the text as edits, in the value as a
 * copy that shares what doesn't change. Strings of any element are looked at (Reference.reference, uri, url, canonical,
 * attachments' urls), and the links in narratives.
 *
 * @see https://hl7.org/fhir/R4/http.html#trules
 */
export function rewriteLinks(document: Document, resolve: Resolve): { document: Document; edits: Edit[] } {
  const links = document.source?.links ?? [];
  const edits = links.flatMap((link): Edit[] => {
    const text = rewritten(link.name, link.value, resolve);
    return text === undefined ? [] : [{ start: link.start, end: link.end, text: JSON.stringify(text) }];
  });
  if (edits.length === 0) return { document, edits };
  const value = copyWith(document.value, '', resolve, document.decimals) as JsonObject;
  return { document: { ...document, value }, edits };
}

function rewritten(name: string, value: string, resolve: Resolve): string | undefined {
  if (name !== 'div') return resolve(value);
  const text = value.replace(/((?:href|src)=)(["'])([^"']*)\2/g, (whole, attribute: string, quote: string, url: string) => {
    const target = resolve(url);
    return target === undefined ? whole : `${attribute}${quote}${target}${quote}`;
  });
  return text === value ? undefined : text;
}

/** Copies on the way to what changes, and carries the literals of copied holders along. */
function copyWith(value: Json, name: string, resolve: Resolve, decimals: Decimals): Json {
  if (typeof value === 'string') return rewritten(name, value, resolve) ?? value;
  if (typeof value !== 'object' || value === null) return value;
  let changed = false;
  const change = (member: Json, key: string): Json => {
    const next = copyWith(member, key, resolve, decimals);
    changed ||= next !== member;
    return next;
  };
  const copy = Array.isArray(value)
    ? value.map((item) => change(item, name))
    : Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(member, key)]));
  if (!changed) return value;
  const literals = decimals.get(value);
  if (literals !== undefined) decimals.set(copy, literals);
  return copy;
}

/** Where an entry's resource will be. */
export type Placed = { readonly fullUrl?: string; readonly type: string; readonly id: string; readonly version: number };

/**
 * Resolves the references of one entry against the others: by fullUrl (with a version, to the version written here), and
 * relative ones against the base of the entry's own fullUrl.
 *
 * @see https://hl7.org/fhir/R4/bundle.html#references
 */
export function bundleResolver(placed: readonly Placed[], conditional: ReadonlyMap<string, string>): (own: string | undefined) => Resolve {
  const byFullUrl = new Map<string, Placed>();
  for (const place of placed) if (place.fullUrl !== undefined) byFullUrl.set(place.fullUrl, place);
  return (own) => {
    const base = own === undefined ? undefined : /^(https?:\/\/.+)\/[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.exec(own)?.[1];
    return (value) => {
      const direct = byFullUrl.get(value);
      if (direct !== undefined) return `${direct.type}/${direct.id}`;
      const criteria = conditional.get(value);
      if (criteria !== undefined) return criteria;
      const [address = '', fragment] = value.split('#', 2);
      const unversioned = address.replace(/\/_history\/[A-Za-z0-9\-.]{1,64}$/, '');
      const absolute =
        base !== undefined && /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(unversioned) ? `${base}/${unversioned}` : unversioned;
      const place = byFullUrl.get(absolute);
      if (place === undefined) return undefined;
      const version = unversioned === address ? '' : `/_history/${place.version}`;
      return `${place.type}/${place.id}${version}${fragment === undefined ? '' : `#${fragment}`}`;
    };
  };
}

/** The conditional references (`Practitioner?identifier=…`) among a document's links. */
export function conditionalReferences(links: readonly Link[], base: string): string[] {
  return links
    .filter(({ name, value }) => name === 'reference' && value.includes('?') && parseReference(value, base).kind === 'conditional')
    .map(({ value }) => value);
}

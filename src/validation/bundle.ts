import type { Json, JsonObject } from '../fhir/json.ts';
import { breakAt } from './invariants.ts';
import type { ObjectRule } from './objects.ts';
import { isObject } from './resolve.ts';
import { note, report, type Walk } from './walk.ts';

/**
 * What the type of a Bundle asks of it and of its entries.
 *
 * @see https://hl7.org/fhir/R4/bundle.html, invariants bdl-1 to bdl-12
 */
export const bundleRule: ObjectRule = (walk, bundle) => {
  const { type, total, link } = bundle;
  if (total !== undefined && type !== 'searchset' && type !== 'history') {
    breakAt(walk, 'bdl-1', 'Bundle', ['total'], 'stands only in a searchset or a history: leave it out.');
  }
  if (type === 'document') checkDocument(walk, bundle);
  if (type === 'message') checkFirst(walk, bundle, 'MessageHeader', 'bdl-12', 'message');
  checkLinks(walk, link);
  checkEntries(walk, bundle);
};

function checkDocument(walk: Walk, bundle: JsonObject): void {
  const { identifier, timestamp } = bundle;
  if (!isObject(identifier) || identifier.system === undefined || identifier.value === undefined) {
    breakAt(walk, 'bdl-9', 'Bundle', ['identifier'], 'of a document needs a system and a value: add them.');
  }
  if (typeof timestamp !== 'string')
    breakAt(walk, 'bdl-10', 'Bundle', ['timestamp'], 'is required of a document: add when it was put together.');
  checkFirst(walk, bundle, 'Composition', 'bdl-11', 'document');
}

function checkFirst(walk: Walk, { entry }: JsonObject, expected: string, key: string, type: string): void {
  const first = Array.isArray(entry) ? entry[0] : undefined;
  const resource = isObject(first) ? first.resource : undefined;
  if (isObject(resource) && resource.resourceType === expected) return;
  breakAt(walk, key, 'Bundle', ['entry', 0, 'resource'], `must be a ${expected}, as the first entry of a ${type}: put it there.`);
}

function checkLinks(walk: Walk, link: Json | undefined): void {
  if (!Array.isArray(link)) return;
  const seen = new Set<Json>();
  for (const [index, item] of link.entries()) {
    const relation = isObject(item) ? item.relation : undefined;
    if (relation === undefined) continue;
    if (seen.has(relation)) {
      at(walk, ['link', index, 'relation'], () =>
        note(walk, 'warning', 'duplicate', 'bundle-link', 'is the relation of another link too: give each relation one link.'),
      );
    }
    seen.add(relation);
  }
}

type Kind = { readonly type: Json; readonly request: boolean | undefined; readonly response: boolean | undefined; readonly urls: boolean };

function kindOf(type: Json): Kind {
  const asks = type === 'batch' || type === 'transaction';
  const answers = type === 'batch-response' || type === 'transaction-response';
  const history = type === 'history';
  return { type, request: asks || history, response: answers || history, urls: !asks && !answers };
}

function checkEntries(walk: Walk, bundle: JsonObject): void {
  const { entry, type = null } = bundle;
  if (!Array.isArray(entry)) return;
  const kind = kindOf(type);
  const urls = new Set<string>();
  for (let index = 0; index < entry.length && !walk.full; index++) {
    const item = entry[index];
    if (!isObject(item)) continue;
    checkParts(walk, item, index, kind);
    if (typeof item.fullUrl === 'string') checkFullUrl(walk, item, item.fullUrl, index, kind, urls);
    else if (kind.urls && isObject(item.resource)) {
      const sentence = 'has no fullUrl: add the URL that identifies its resource, or a "urn:uuid:" with a random UUID.';
      // Elsewhere what operations answer may be without identity.
      const severity = type === 'document' || type === 'message' ? 'error' : 'warning';
      at(walk, ['entry', index], () => note(walk, severity, 'required', 'bundle-full-url-missing', sentence));
    }
  }
}

function checkParts(walk: Walk, entry: JsonObject, index: number, { type, request, response }: Kind): void {
  if (entry.resource === undefined && entry.request === undefined && entry.response === undefined) {
    breakAt(walk, 'bdl-5', 'Bundle', ['entry', index], 'has no resource, request or response: add one, or leave the entry out.', 2);
  }
  if (entry.search !== undefined && type !== 'searchset') {
    breakAt(walk, 'bdl-2', 'Bundle', ['entry', index, 'search'], 'stands only in a searchset: leave it out.');
  }
  const named = typeof type === 'string' && /^[a-z-]{1,30}$/.test(type) ? `a ${type}` : 'this Bundle';
  if ((entry.request !== undefined) !== request) {
    const sentence = request
      ? `is required of each entry of ${named}: add it.`
      : `stands only in a batch, transaction or history: leave it out.`;
    breakAt(walk, 'bdl-3', 'Bundle', ['entry', index, 'request'], sentence);
  }
  if ((entry.response !== undefined) !== response) {
    const sentence = response ? `is required of each entry of ${named}: add it.` : 'stands only in a response or a history: leave it out.';
    breakAt(walk, 'bdl-4', 'Bundle', ['entry', index, 'response'], sentence);
  }
}

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/** @see https://hl7.org/fhir/R4/bundle.html#bundle-unique, invariants bdl-7 and bdl-8 */
function checkFullUrl(walk: Walk, { resource }: JsonObject, fullUrl: string, index: number, { type }: Kind, seen: Set<string>): void {
  const place = ['entry', index, 'fullUrl'];
  if (fullUrl.includes('/_history/'))
    return breakAt(walk, 'bdl-8', 'Bundle', place, 'must not name a version: leave out "/_history/" and what follows.', 2);
  if (!ABSOLUTE.test(fullUrl)) {
    const sentence = 'must be absolute: a URL that ends with Type/id, or "urn:uuid:" with a UUID.';
    return at(walk, place, () => report(walk, 'value', 'bundle-full-url', sentence));
  }
  if (isObject(resource) && typeof resource.id === 'string' && /^https?:/.test(fullUrl) && !fullUrl.endsWith(`/${resource.id}`)) {
    // "Shall not disagree", says the text; three of its own examples do, which are no documents.
    const severity = type === 'document' ? 'error' : 'warning';
    const sentence = 'does not end with the id of the resource: correct the one or the other.';
    at(walk, place, () => note(walk, severity, 'value', 'bundle-full-url-id', sentence));
  }
  if (type === 'history') return;
  const meta = isObject(resource) && isObject(resource.meta) ? resource.meta : undefined;
  const key = typeof meta?.versionId === 'string' ? `${fullUrl} ${meta.versionId}` : fullUrl;
  if (seen.has(key)) breakAt(walk, 'bdl-7', 'Bundle', place, 'is that of another entry too: keep one of them.');
  seen.add(key);
}

function at(walk: Walk, place: readonly (string | number)[], tell: () => void): void {
  for (const step of place) walk.path[walk.depth++] = step;
  tell();
  walk.depth -= place.length;
}

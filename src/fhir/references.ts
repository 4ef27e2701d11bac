/** What the text of `Reference.reference` (or of a reference search value) points to. */
export type Reference =
  /** A resource of this server, whether it came as `Type/id` or as a URL below its base. */
  | { readonly kind: 'local'; readonly type: string; readonly id: string; readonly version?: string }
  /** Any other URL; type, id and version where it ends like a FHIR resource's. */
  | { readonly kind: 'absolute'; readonly url: string; readonly type?: string; readonly id?: string; readonly version?: string }
  /** `#id`; the id is empty for `#`, which is the resource that contains. */
  | { readonly kind: 'contained'; readonly id: string }
  /** `urn:uuid:…`, `urn:oid:…` and other URNs. */
  | { readonly kind: 'urn'; readonly uri: string }
  /** `Patient?identifier=…`: to be resolved in a transaction. The query is as sent, without its question mark. */
  | { readonly kind: 'conditional'; readonly type: string; readonly query: string }
  | { readonly kind: 'invalid' };

export type Canonical = { readonly url: string; readonly version?: string; readonly fragment?: string };

const idForm = /^[A-Za-z0-9\-.]{1,64}$/;
const typeForm = /^[A-Z][A-Za-z]+$/;
const resourceForm = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([A-Za-z0-9\-.]{1,64}))?$/;
const urlForm = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$/;

/**
 * Reads the text of a reference. Types are told by their shape alone; whether R4 has them is for the caller to ask.
 *
 * @param base  the server's own base URL: `http://127.0.0.1:8080/fhir/R4`; compared character by character
 * @see         https://hl7.org/fhir/R4/references.html#literal, https://hl7.org/fhir/R4/http.html#transaction
 */
export function parseReference(text: string, base: string): Reference {
  if (text.startsWith('#')) return parseContained(text.slice(1));
  const local = parseLocal(text);
  if (local !== undefined) return local;
  if (!urlForm.test(text)) return { kind: 'invalid' };
  if (text.startsWith('urn:')) return { kind: 'urn', uri: text };
  const root = base.endsWith('/') ? base : `${base}/`;
  return (text.startsWith(root) ? parseLocal(text.slice(root.length)) : undefined) ?? parseAbsolute(text);
}

/** Splits `url|version#fragment`; an empty part is an absent one. @see https://hl7.org/fhir/R4/references.html#canonical */
export function parseCanonical(text: string): Canonical {
  const hash = text.lastIndexOf('#');
  const fragment = hash === -1 ? '' : text.slice(hash + 1);
  const rest = hash === -1 ? text : text.slice(0, hash);
  const bar = rest.indexOf('|');
  const version = bar === -1 ? '' : rest.slice(bar + 1);
  return {
    url: bar === -1 ? rest : rest.slice(0, bar),
    ...(version === '' ? {} : { version }),
    ...(fragment === '' ? {} : { fragment }),
  };
}

/** Whether a text is a logical id of FHIR. @see https://hl7.org/fhir/R4/datatypes.html#id */
export function isId(text: string): boolean {
  return idForm.test(text);
}

/** Whether a text has the shape of a resource type's name. */
export function isTypeName(text: string): boolean {
  return typeForm.test(text);
}

function parseContained(id: string): Reference {
  return id === '' || isId(id) ? { kind: 'contained', id } : { kind: 'invalid' };
}

/** `Type/id`, `Type/id/_history/version` or `Type?query`. */
function parseLocal(text: string): Reference | undefined {
  const mark = text.indexOf('?');
  if (mark !== -1) {
    const [type, query] = [text.slice(0, mark), text.slice(mark + 1)];
    return isTypeName(type) && query !== '' ? { kind: 'conditional', type, query } : undefined;
  }
  const found = resourceOf(text);
  return found === undefined ? undefined : { kind: 'local', ...found };
}

function parseAbsolute(url: string): Reference {
  const segments = url.split('/');
  const tail = segments.at(-2) === '_history' ? segments.slice(-4) : segments.slice(-2);
  return { kind: 'absolute', url, ...resourceOf(tail.join('/')) };
}

function resourceOf(text: string): { type: string; id: string; version?: string } | undefined {
  const [, type, id, version] = resourceForm.exec(text) ?? [];
  if (type === undefined || id === undefined) return undefined;
  return version === undefined ? { type, id } : { type, id, version };
}

import type { Rule } from '../fhir/error.ts';
import type { JsonObject } from '../fhir/json.ts';
import type { Schema } from '../fhir/schema.ts';
import type { Content } from './elements.ts';
import { standardRule } from './invariants.ts';
import type { ObjectRule } from './objects.ts';
import { containedIn } from './resolve.ts';
import { note, noteChild, report, reportChild, rootResource, type Walk } from './walk.ts';

const RELATIVE = /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
const SEARCH = /^[A-Z][A-Za-z]+\?./;
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const URN = /^urn:(?:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|oid:[0-2](?:\.(?:0|[1-9][0-9]*))+)$/i;
/** The end of a RESTful URL; what is before it may be any server's base. */
const RESTFUL = /\/([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/**
 * How a Reference is written: relative, absolute, a URN, a contained resource, or in a Bundle a search that finds one; and that
 * its type is the one the reference names.
 *
 * @see https://hl7.org/fhir/R4/references.html
 */
export function referenceRule(schema: Schema): ObjectRule {
  return (walk, object) => {
    const { reference, type } = object;
    if (typeof reference === 'string') {
      checkForm(walk, reference, schema);
      if (walk.resources.length > 1) checkBundled(walk, reference);
    } else if (reference === undefined) return checkSubstance(walk, object);
    if (typeof type !== 'string' || ABSOLUTE.test(type)) return;
    const pointed = typeOfTarget(walk, reference, schema);
    if (pointed === undefined || pointed === type) return;
    reportChild(
      walk,
      'type',
      'value',
      'reference-type',
      `says another type than reference does, which names a ${pointed}: make them agree.`,
    );
  };
}

/** The types of resources that an element's references may point to. */
export function targetRule(schema: Schema, targets: readonly string[], rule: Rule): Content {
  return (walk, object) => {
    const { reference, type } = object;
    const pointed = typeOfTarget(walk, reference, schema) ?? (typeof type === 'string' && isResourceType(schema, type) ? type : undefined);
    if (pointed === undefined || targets.includes(pointed)) return;
    report(walk, 'value', 'reference-target', `points to a resource of type ${pointed}, and may point to ${targets.join(', ')}.`, rule);
  };
}

function checkForm(walk: Walk, reference: string, schema: Schema): void {
  if (reference.charCodeAt(0) === 0x23) return checkFragment(walk, reference);
  if (RELATIVE.test(reference) || SEARCH.test(reference)) {
    const type = reference.slice(0, reference.search(/[/?]/));
    if (isResourceType(schema, type)) return;
    return reportChild(walk, 'reference', 'value', 'reference-form', 'begins with what is no type of resource in FHIR R4: write Type/id.');
  }
  if (ABSOLUTE.test(reference) && (!reference.startsWith('urn:') || URN.test(reference) || !/^urn:(?:uuid|oid):/.test(reference))) return;
  const sentence =
    'must be Type/id (such as Patient/1), an absolute URL, urn:uuid: with a UUID, urn:oid: with an OID, or # and the id of a contained resource.';
  reportChild(walk, 'reference', 'value', 'reference-form', sentence);
}

/** @see invariant ref-1; `#` alone is what contains the resource that says it */
function checkFragment(walk: Walk, reference: string): void {
  if (reference === '#' ? walk.contained : containedIn(rootResource(walk), reference.slice(1)) !== undefined) return;
  const sentence = 'names a contained resource that is not there: add it to the contained of the resource, or correct the id.';
  reportChild(walk, 'reference', 'not-found', 'reference-contained', sentence, standardRule('Reference', 'ref-1'));
}

/**
 * A document carries all it refers to, a message what it is about, and nothing outside of a Bundle can be meant by a URN in it.
 *
 * @see https://hl7.org/fhir/R4/documents.html, https://hl7.org/fhir/R4/messaging.html, https://hl7.org/fhir/R4/bundle.html#references
 */
function checkBundled(walk: Walk, reference: string): void {
  const [outermost] = walk.resources;
  if (outermost?.resourceType !== 'Bundle' || reference.charCodeAt(0) === 0x23) return;
  const isUrn = reference.startsWith('urn:uuid:') || reference.startsWith('urn:oid:');
  if ((!isUrn && outermost.type !== 'document' && !isOfFirst(walk)) || walk.scope.resolve(reference) !== undefined) return;
  const sentence = 'points to a resource that is not in the Bundle: add an entry for it, or correct the reference.';
  const severity = isOfFirst(walk) ? 'error' : 'warning';
  noteChild(walk, 'reference', severity, 'not-found', 'reference-bundled', sentence);
}

/** What a document's Composition refers to has to be in it, but for other documents that it relates to; so has what a message is about. */
function isOfFirst({ resources: [bundle, resource, ...others], path, depth }: Walk): boolean {
  if (others.length > 0) return false;
  if (bundle?.type === 'message') return resource?.resourceType === 'MessageHeader' && path[4] === 'focus';
  return bundle?.type === 'document' && resource?.resourceType === 'Composition' && !path.slice(0, depth).includes('relatesTo');
}

/** @see https://hl7.org/fhir/R4/references.html#Reference */
function checkSubstance(walk: Walk, { identifier, display, extension, _reference }: JsonObject): void {
  if (identifier !== undefined || display !== undefined || extension !== undefined || _reference !== undefined) return;
  note(walk, 'warning', 'structure', 'reference-empty', 'refers to nothing: add a reference, an identifier or at least a display.');
}

/** By the resource itself if it is at hand, else by the reference's text; undefined if neither tells. */
function typeOfTarget(walk: Walk, reference: JsonObject[string] | undefined, schema: Schema): string | undefined {
  if (typeof reference !== 'string') return undefined;
  if (reference.charCodeAt(0) === 0x23 || reference.startsWith('urn:')) {
    const type = walk.scope.resolve(reference)?.resourceType;
    return typeof type === 'string' && isResourceType(schema, type) ? type : undefined;
  }
  const slash = reference.indexOf('/');
  const relative = RELATIVE.test(reference) ? reference.slice(0, slash) : undefined;
  const type = relative ?? (SEARCH.test(reference) ? reference.slice(0, reference.indexOf('?')) : RESTFUL.exec(reference)?.[1]);
  return type !== undefined && isResourceType(schema, type) ? type : undefined;
}

function isResourceType(schema: Schema, name: string): boolean {
  const definition = schema(name);
  return definition?.kind === 'resource' && !definition.abstract;
}

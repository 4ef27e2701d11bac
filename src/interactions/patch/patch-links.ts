import { type Decimals, type Json, type JsonObject, type Link, mayBeLink } from '../../fhir/json.ts';
import { type FhirPathOperation, isObject, readFhirPathPatch } from './fhirpath-patch-operations.ts';
import { type JsonPatchOperation, readJsonPatch } from './json-patch-operations.ts';

/** A text that may be a link, with the name of the element that it is for. */
export type NamedText = Pick<Link, 'name' | 'value'>;

/** What may be a link in the values of a JSON Patch. @throws FhirError 400, 413 as `readJsonPatch` */
export function jsonPatchLinks(patch: Json, decimals: Decimals): NamedText[] {
  return readJsonPatch(patch, decimals).flatMap((operation) =>
    'value' in operation ? textsIn(operation.value.value, pointedName(operation)) : [],
  );
}

/** What may be a link in the values of a FHIRPath Patch. @throws FhirError 400, 413 as `readFhirPathPatch` */
export function fhirPathPatchLinks(parameters: JsonObject): NamedText[] {
  return readFhirPathPatch(parameters).flatMap((operation) =>
    'value' in operation ? textsInPart(operation.value, elementName(operation)) : [],
  );
}

/** The last name in the pointer, which its indexes are of. */
function pointedName({ path: { tokens } }: JsonPatchOperation): string {
  return tokens.findLast((token) => token !== '-' && !/^[0-9]+$/.test(token)) ?? '';
}

/** The element an operation's value is for: the last step of its path, or what it adds. */
function elementName(operation: FhirPathOperation): string {
  return operation.type === 'add' ? operation.name : (/([A-Za-z]+)(?:\[\d+\])?\s*$/.exec(operation.path)?.[1] ?? '');
}

/** @param name  the nearest member name above the value */
function textsIn(value: Json, name: string): NamedText[] {
  if (typeof value === 'string') return mayBeLink(name, value) ? [{ name, value }] : [];
  if (Array.isArray(value)) return value.flatMap((item) => textsIn(item, name));
  return isObject(value) ? Object.entries(value).flatMap(([member, each]) => textsIn(each, member)) : [];
}

/** In `{ name, valueUri: … }` a text is for the element, in `{ name, part: [{ name: 'reference', valueString: … }] }` for its child. */
function textsInPart(part: JsonObject, name: string): NamedText[] {
  return Object.entries(part).flatMap(([member, value]) => {
    if (member === 'name') return [];
    if (member !== 'part' || !Array.isArray(value)) return textsIn(value, member.startsWith('value') ? name : member);
    return value.flatMap((child) => (isObject(child) && typeof child['name'] === 'string' ? textsInPart(child, child['name']) : []));
  });
}

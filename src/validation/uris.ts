import type { ElementDef, TypeDef } from '../fhir/schema.ts';
import type { ValueRule } from './elements.ts';
import { note, report } from './walk.ts';

const OID = /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/;
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const BARE = /^(?:oid|uuid):/i;

/**
 * What a URI's scheme asks of the rest of it, and that a canonical is absolute or a fragment.
 *
 * @see https://hl7.org/fhir/R4/datatypes.html#uri, https://hl7.org/fhir/R4/references.html#canonical
 */
export function uriRule({ name: type }: TypeDef, element: ElementDef): ValueRule[] {
  if (element.type === 'canonical') return [isCanonical];
  // The url of an extension may be relative, and has checks of its own.
  const isOfExtension = type === 'Extension' && element.name === 'url';
  return (element.type === 'uri' || element.type === 'url') && !isOfExtension ? [isWellFormed] : [];
}

const isCanonical: ValueRule = (walk, value) => {
  if (typeof value !== 'string' || value.startsWith('#')) return;
  if (ABSOLUTE.test(value)) return isWellFormed(walk, value);
  // The text says absolute; but the standard's own examples often write Library/id, so it can't be held to be a fault.
  const sentence = 'should be the absolute URL of a definition, with or without |version, or # and the id of a contained resource.';
  note(walk, 'warning', 'value', 'uri-canonical', sentence);
};

const isWellFormed: ValueRule = (walk, value) => {
  if (typeof value !== 'string') return;
  const first = value.charCodeAt(0) | 0x20;
  if (first !== 0x75 && first !== 0x6f) return; // Neither u(rn:, uid:) nor o(id:).
  if (value.startsWith('urn:oid:')) {
    if (!OID.test(value)) report(walk, 'value', 'uri-oid', 'must have an OID after "urn:oid:", such as urn:oid:2.16.840.1.113883.');
  } else if (value.startsWith('urn:uuid:')) {
    if (!UUID.test(value)) report(walk, 'value', 'uri-uuid', 'must have a UUID after "urn:uuid:", of 8-4-4-4-12 hexadecimal digits.');
  } else if (BARE.test(value)) {
    report(walk, 'value', 'uri-scheme', 'must begin with "urn:oid:" or "urn:uuid:" if it is an OID or UUID.');
  }
};

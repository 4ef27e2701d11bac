import type { ObjectRule } from './objects.ts';
import { reportChild } from './walk.ts';

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/** An identifier's system is absolute, and where the system is that of URIs its value is one. @see https://hl7.org/fhir/R4/datatypes.html#Identifier */
export const identifierRule: ObjectRule = (walk, { system, value }) => {
  if (typeof system !== 'string') return;
  if (!ABSOLUTE.test(system)) {
    const sentence = 'must be an absolute URI: write the whole of it, such as "http://hospital.example.org/mrn" or "urn:oid:1.2.36.146".';
    reportChild(walk, 'system', 'value', 'identifier-system', sentence);
  } else if (system === 'urn:ietf:rfc:3986' && typeof value === 'string' && !ABSOLUTE.test(value)) {
    reportChild(walk, 'value', 'value', 'identifier-uri', 'must be an absolute URI, as the system urn:ietf:rfc:3986 says that it is one.');
  }
};

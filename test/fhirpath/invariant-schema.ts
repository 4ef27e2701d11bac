import type { JsonObject } from '../../src/fhir/json.ts';
import { compileInvariant } from '../../src/fhirpath/compile-invariant.ts';
import type { InvariantScope } from '../../src/fhirpath/invariant.ts';
import { miniSchema } from './mini-schema.ts';

const primitive = (base = '') => ({ kind: 'primitive', base }) as const;

/** Enough of R4 to say what invariants do. */
export const SCHEMA = miniSchema({
  Element: { abstract: true, elements: { id: 'string', 'extension*': 'Extension' } },
  Resource: { kind: 'resource', abstract: true, elements: { id: 'id' } },
  DomainResource: { kind: 'resource', base: 'Resource', abstract: true, elements: { id: 'id', 'contained*': 'Resource' } },
  Sample: {
    kind: 'resource',
    base: 'DomainResource',
    elements: {
      id: 'id',
      'contained*': 'Resource',
      'extension*': 'Extension',
      status: 'code',
      flag: 'boolean',
      born: 'date',
      start: 'dateTime',
      end: 'dateTime',
      at: 'time',
      count: 'integer',
      price: 'decimal',
      'given*': 'string',
      'number*': 'integer',
      'value[x]': 'Quantity string boolean dateTime',
      'concept*': 'CodeableConcept',
      who: 'Reference',
      'part*': 'Sample.part',
    },
  },
  'Sample.part': {
    kind: 'backbone',
    base: 'BackboneElement',
    elements: { name: 'string', 'part*': 'Sample.part', low: 'Quantity', high: 'Quantity' },
  },
  Other: { kind: 'resource', base: 'DomainResource', elements: { id: 'id', who: 'Reference' } },
  CodeableConcept: { base: 'Element', elements: { 'coding*': 'Coding', text: 'string' } },
  Coding: { base: 'Element', elements: { system: 'uri', code: 'code' } },
  Reference: { base: 'Element', elements: { reference: 'string', type: 'uri' } },
  Quantity: { base: 'Element', elements: { value: 'decimal', unit: 'string', system: 'uri', code: 'code' } },
  Age: { base: 'Quantity', elements: { value: 'decimal', unit: 'string', system: 'uri', code: 'code' } },
  Extension: { base: 'Element', elements: { url: 'uri', 'value[x]': 'string', 'extension*': 'Extension' } },
  boolean: primitive(),
  string: primitive(),
  code: primitive('string'),
  id: primitive('string'),
  uri: primitive(),
  date: primitive(),
  dateTime: primitive(),
  time: primitive(),
  decimal: primitive(),
  integer: primitive(),
});

export const scopeOf = (resource: JsonObject, more: Partial<InvariantScope> = {}): InvariantScope => ({
  resource,
  rootResource: resource,
  resolve: () => undefined,
  memberOf: () => undefined,
  conformsTo: () => undefined,
  ...more,
});

/** Evaluates an expression on a Sample of these members. */
export function ask(expression: string, members: JsonObject = {}, more: Partial<InvariantScope> = {}): boolean | undefined {
  const resource: JsonObject = { resourceType: 'Sample', ...members };
  return askOf('Sample', expression, resource, scopeOf(resource, more));
}

export function askOf(type: string, expression: string, item: unknown, scope: InvariantScope, extra?: JsonObject): boolean | undefined {
  const invariant = compileInvariant(expression, type, SCHEMA);
  if (invariant === undefined) throw new Error(`left to the library: ${expression}`);
  return invariant(item as Parameters<typeof invariant>[0], scope, extra);
}

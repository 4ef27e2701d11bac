import type { ElementDef, Schema, TypeDef } from '../../src/fhir/schema.ts';

/**
 * A schema of a few types in few words: `name*` is an array, `value[x]` takes several types.
 *
 * `{ Patient: { kind: 'resource', base: 'Resource', elements: { 'name*': 'HumanName', 'deceased[x]': 'boolean dateTime' } } }`
 */
export function miniSchema(types: Record<string, MiniType>): Schema {
  const known = new Map(Object.entries(types).map(([name, type]) => [name, typeOf(name, type)]));
  return (name) => known.get(name);
}

export type MiniType = Partial<Pick<TypeDef, 'kind' | 'base' | 'abstract'>> & { readonly elements?: Readonly<Record<string, string>> };

function typeOf(name: string, { kind = 'complex', base = '', abstract = false, elements = {} }: MiniType): TypeDef {
  const defined = Object.entries(elements).flatMap(([key, types]) => elementsOf(key, types.split(' ')));
  return { name, kind, base, abstract, elements: new Map(defined.map((element) => [element.name, element])) };
}

function elementsOf(key: string, types: readonly string[]): ElementDef[] {
  const array = key.endsWith('*');
  const element = array ? key.slice(0, -1) : key;
  return types.map((type) => ({
    name: element.endsWith('[x]') ? element.slice(0, -3) + type.charAt(0).toUpperCase() + type.slice(1) : element,
    element,
    type,
    array,
    min: 0,
    max: array ? Infinity : 1,
    summary: false,
    modifier: false,
    targets: [],
  }));
}

const primitive = (base: string): MiniType => ({ kind: 'primitive', base });

/** Enough of R4 to say what paths do. */
export const R4_IN_SMALL = miniSchema({
  Resource: { kind: 'resource', abstract: true, elements: { id: 'id', meta: 'Meta' } },
  DomainResource: { kind: 'resource', base: 'Resource', abstract: true, elements: { id: 'id', meta: 'Meta', 'extension*': 'Extension' } },
  Patient: {
    kind: 'resource',
    base: 'DomainResource',
    elements: {
      id: 'id',
      meta: 'Meta',
      'contained*': 'Resource',
      'extension*': 'Extension',
      active: 'boolean',
      'name*': 'HumanName',
      'telecom*': 'ContactPoint',
      birthDate: 'date',
      'deceased[x]': 'boolean dateTime',
      'multipleBirth[x]': 'boolean integer',
      'link*': 'Patient.link',
      managingOrganization: 'Reference',
    },
  },
  'Patient.link': { kind: 'backbone', base: 'BackboneElement', elements: { other: 'Reference', type: 'code' } },
  Observation: {
    kind: 'resource',
    base: 'DomainResource',
    elements: { id: 'id', status: 'code', subject: 'Reference', 'value[x]': 'Quantity Age string', 'component*': 'Observation.component' },
  },
  'Observation.component': { kind: 'backbone', base: 'BackboneElement', elements: { code: 'string', 'value[x]': 'Quantity string' } },
  Bundle: { kind: 'resource', base: 'Resource', elements: { id: 'id', 'entry*': 'Bundle.entry' } },
  'Bundle.entry': { kind: 'backbone', base: 'BackboneElement', elements: { resource: 'Resource' } },
  HumanName: { elements: { use: 'code', family: 'string', 'given*': 'string', 'extension*': 'Extension' } },
  ContactPoint: { elements: { system: 'code', value: 'string', rank: 'positiveInt' } },
  Meta: { elements: { 'tag*': 'Coding', 'profile*': 'canonical' } },
  Coding: { elements: { system: 'uri', code: 'code' } },
  Reference: { elements: { reference: 'string', display: 'string' } },
  Quantity: { elements: { value: 'decimal', unit: 'string' } },
  Age: { base: 'Quantity', elements: { value: 'decimal', unit: 'string' } },
  Extension: { elements: { url: 'uri', 'value[x]': 'string Reference', 'extension*': 'Extension' } },
  boolean: primitive(''),
  string: primitive(''),
  code: primitive('string'),
  id: primitive('string'),
  uri: primitive(''),
  canonical: primitive('uri'),
  date: primitive(''),
  dateTime: primitive(''),
  decimal: primitive(''),
  integer: primitive(''),
  positiveInt: primitive('integer'),
});

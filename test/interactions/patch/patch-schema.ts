import type { ElementDef, Schema, TypeDef } from '../../../src/fhir/schema.ts';

/** As much of R4's types as the cases of FHIRPath Patch touch, an element written `name: type cardinality`. */
export const patchSchema: Schema = (name) => TYPES.get(name);

const PRIMITIVES = ['boolean', 'integer', 'decimal', 'string', 'uri', 'date', 'dateTime', 'xhtml'].map((name): [string, string] => [
  name,
  'Element',
]);
const DERIVED = [
  ...['code', 'id', 'markdown'].map((name): [string, string] => [name, 'string']),
  ['positiveInt', 'integer'] as [string, string],
];

const ELEMENT = 'id: string 0..1, extension: Extension 0..*';
const BACKBONE = `${ELEMENT}, modifierExtension: Extension 0..*`;
const RESOURCE = 'id: id 0..1, meta: Meta 0..1';
const DOMAIN = `${RESOURCE}, text: Narrative 0..1, contained: Resource 0..*, extension: Extension 0..*`;

const TYPES = new Map<string, TypeDef>([
  ...[...PRIMITIVES, ...DERIVED].map(([name, base]): [string, TypeDef] => [name, typed(name, 'primitive', base, '')]),
  complex('Element', '', ELEMENT),
  complex(
    'Extension',
    'Element',
    `${ELEMENT}, url: uri 1..1, value[x]: boolean|string|code|date|dateTime|decimal|Quantity|HumanName|Period 0..1`,
  ),
  complex('Meta', 'Element', `${ELEMENT}, versionId: id 0..1, profile: uri 0..*`),
  complex('Narrative', 'Element', `${ELEMENT}, status: code 1..1, div: xhtml 1..1`),
  complex('Period', 'Element', `${ELEMENT}, start: dateTime 0..1, end: dateTime 0..1`),
  complex('Coding', 'Element', `${ELEMENT}, system: uri 0..1, code: code 0..1, display: string 0..1`),
  complex('CodeableConcept', 'Element', `${ELEMENT}, coding: Coding 0..*, text: string 0..1`),
  complex('Quantity', 'Element', `${ELEMENT}, value: decimal 0..1, unit: string 0..1`),
  complex('Age', 'Quantity', `${ELEMENT}, value: decimal 0..1, unit: string 0..1`),
  complex('Reference', 'Element', `${ELEMENT}, reference: string 0..1, display: string 0..1`),
  complex('Identifier', 'Element', `${ELEMENT}, use: code 0..1, system: uri 0..1, value: string 0..1, period: Period 0..1`),
  complex(
    'HumanName',
    'Element',
    `${ELEMENT}, use: code 0..1, text: string 0..1, family: string 0..1, given: string 0..*, period: Period 0..1`,
  ),
  complex('ContactPoint', 'Element', `${ELEMENT}, system: code 0..1, value: string 0..1, rank: positiveInt 0..1`),
  ['BackboneElement', typed('BackboneElement', 'complex', 'Element', BACKBONE)],
  ['Resource', typed('Resource', 'resource', '', RESOURCE)],
  ['DomainResource', typed('DomainResource', 'resource', 'Resource', DOMAIN)],
  [
    'Patient',
    typed(
      'Patient',
      'resource',
      'DomainResource',
      `${DOMAIN}, identifier: Identifier 0..*, active: boolean 0..1, name: HumanName 0..*, telecom: ContactPoint 0..*, gender: code 0..1, ` +
        'birthDate: date 0..1, deceased[x]: boolean|dateTime 0..1, maritalStatus: CodeableConcept 0..1, contact: Patient.contact 0..*, managingOrganization: Reference 0..1',
    ),
  ],
  [
    'Patient.contact',
    typed(
      'Patient.contact',
      'backbone',
      'BackboneElement',
      `${BACKBONE}, name: HumanName 0..1, telecom: ContactPoint 0..*, gender: code 0..1, period: Period 0..1`,
    ),
  ],
  [
    'Observation',
    typed(
      'Observation',
      'resource',
      'DomainResource',
      `${DOMAIN}, status: code 1..1, code: CodeableConcept 1..1, subject: Reference 0..1, value[x]: Quantity|string|integer 0..1, component: Observation.component 0..*`,
    ),
  ],
  [
    'Observation.component',
    typed(
      'Observation.component',
      'backbone',
      'BackboneElement',
      `${BACKBONE}, code: CodeableConcept 1..1, value[x]: Quantity|string 0..1`,
    ),
  ],
]);

function complex(name: string, base: string, elements: string): [string, TypeDef] {
  return [name, typed(name, 'complex', base, elements)];
}

function typed(name: string, kind: TypeDef['kind'], base: string, elements: string): TypeDef {
  const list = elements === '' ? [] : elements.split(', ').flatMap(elementsOf);
  return { name, kind, base, abstract: name === 'Resource', elements: new Map(list.map((element) => [element.name, element])) };
}

function elementsOf(text: string): ElementDef[] {
  const [, element = '', types = '', min, max] = /^(\S+): (\S+) (\d)\.\.(\S)$/.exec(text) ?? [];
  const shared = {
    element,
    array: max === '*',
    min: Number(min),
    max: max === '*' ? Number.POSITIVE_INFINITY : Number(max),
    summary: false,
    modifier: false,
    targets: [],
  };
  if (!element.endsWith('[x]')) return [{ ...shared, name: element, type: types }];
  return types.split('|').map((type) => ({ ...shared, name: element.slice(0, -3) + type.charAt(0).toUpperCase() + type.slice(1), type }));
}

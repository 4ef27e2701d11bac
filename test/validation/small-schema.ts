import type { ElementDef, Schema, TypeDef } from '../../src/fhir/schema.ts';

/**
 * A few types cut down from R4's, enough to meet every rule of a shape. An element is written `name: type cardinality`,
 * and a choice by all its types: `value[x]: Quantity|string 0..1`.
 */
export const smallSchema: Schema = (name) => TYPES.get(name);

const PRIMITIVES = [
  'boolean',
  'integer',
  'positiveInt',
  'unsignedInt',
  'decimal',
  'string',
  'code',
  'id',
  'uri',
  'date',
  'dateTime',
  'xhtml',
];
const ELEMENT = ['id: string 0..1', 'extension: Extension 0..*'];
const RESOURCE = ['id: id 0..1 Σ', 'meta: Meta 0..1 Σ', 'implicitRules: uri 0..1 Σ ?!'];
const DOMAIN = [
  ...RESOURCE,
  'text: Narrative 0..1',
  'contained: Resource 0..*',
  'extension: Extension 0..*',
  'modifierExtension: Extension 0..* ?!',
];

const TYPES = new Map<string, TypeDef>([
  ...PRIMITIVES.map((name): [string, TypeDef] => [name, { ...typed(name, 'primitive', 'Element', []), elements: new Map() }]),
  ['comment', typed('comment', 'primitive', 'string', [])],
  ['Element', typed('Element', 'complex', '', ELEMENT)],
  [
    'Extension',
    typed('Extension', 'complex', 'Element', [...ELEMENT, 'url: uri 1..1', 'value[x]: boolean|decimal|string|code|Period 0..1']),
  ],
  ['Period', typed('Period', 'complex', 'Element', [...ELEMENT, 'start: dateTime 0..1 Σ', 'end: dateTime 0..1 Σ'])],
  ['Coding', typed('Coding', 'complex', 'Element', [...ELEMENT, 'system: uri 0..1 Σ', 'code: code 0..1 Σ', 'display: string 0..1 Σ'])],
  ['Meta', typed('Meta', 'complex', 'Element', [...ELEMENT, 'versionId: id 0..1 Σ', 'tag: Coding 0..* Σ'])],
  ['Narrative', typed('Narrative', 'complex', 'Element', [...ELEMENT, 'status: code 1..1', 'div: xhtml 1..1'])],
  ['Quantity', typed('Quantity', 'complex', 'Element', [...ELEMENT, 'value: decimal 0..1 Σ', 'unit: string 0..1 Σ', 'note: string 0..1'])],
  [
    'HumanName',
    typed('HumanName', 'complex', 'Element', [
      ...ELEMENT,
      'use: code 0..1 Σ',
      'family: string 0..1 Σ',
      'given: string 0..* Σ',
      'period: Period 0..1 Σ',
    ]),
  ],
  ['Resource', typed('Resource', 'resource', '', RESOURCE)],
  [
    'Patient',
    typed('Patient', 'resource', 'DomainResource', [
      ...DOMAIN,
      'active: boolean 0..1 Σ ?!',
      'name: HumanName 0..* Σ',
      'birthDate: date 0..1 Σ',
      'deceased[x]: boolean|dateTime 0..1 Σ',
      'multipleBirth[x]: boolean|integer 0..1',
      'contact: Patient.contact 0..2',
      'remark: comment 0..1',
    ]),
  ],
  [
    'Patient.contact',
    typed('Patient.contact', 'backbone', 'BackboneElement', [...ELEMENT, 'name: HumanName 0..1', 'rank: positiveInt 0..*']),
  ],
  [
    'Observation',
    typed('Observation', 'resource', 'DomainResource', [
      ...DOMAIN,
      'status: code 1..1 Σ',
      'code: Coding 1..1 Σ',
      'issued: dateTime 0..1',
      'value[x]: Quantity|string|integer 0..1 Σ',
      'component: Observation.component 0..* Σ',
    ]),
  ],
  [
    'Observation.component',
    typed('Observation.component', 'backbone', 'BackboneElement', [
      ...ELEMENT,
      'code: Coding 1..1 Σ',
      'value[x]: Quantity|string 1..1 Σ',
      'note: Coding 0..1',
    ]),
  ],
  ['Bundle', typed('Bundle', 'resource', 'Resource', [...RESOURCE, 'type: code 1..1 Σ', 'entry: Bundle.entry 0..* Σ'])],
  ['Bundle.entry', typed('Bundle.entry', 'backbone', 'BackboneElement', [...ELEMENT, 'fullUrl: uri 0..1 Σ', 'resource: Resource 0..1 Σ'])],
]);

function typed(name: string, kind: TypeDef['kind'], base: string, lines: readonly string[]): TypeDef {
  const elements = lines.flatMap(elementsOf).map((element): [string, ElementDef] => [element.name, element]);
  return { name, kind, base, abstract: name === 'Resource' || name === 'Element', elements: new Map(elements) };
}

function elementsOf(line: string): ElementDef[] {
  const [, element = '', types = '', min = '', max = '', flags = ''] = /^([^:]+): (\S+) (\d)\.\.(\S+) ?(.*)$/.exec(line) ?? [];
  return types.split('|').map((type) => ({
    name: element.replace('[x]', type.charAt(0).toUpperCase() + type.slice(1)),
    element,
    type,
    array: max !== '1',
    min: Number(min),
    max: max === '*' ? Number.POSITIVE_INFINITY : Number(max),
    summary: flags.includes('Σ'),
    modifier: flags.includes('?!'),
    targets: [],
  }));
}

import type { Definitions } from '../../src/definitions/load.ts';
import { ownDefinitions } from '../../src/definitions/own.ts';
import type { SearchParameterDef, SearchParameterType } from '../../src/fhir/schema.ts';
import { buildRegistry, type Registry } from '../../src/search/registry.ts';
import { miniSchema } from '../fhirpath/mini-schema.ts';

const primitive = { kind: 'primitive' } as const;
const resource = { kind: 'resource', base: 'DomainResource' } as const;

const schema = miniSchema({
  Resource: { kind: 'resource', abstract: true, elements: { id: 'id', meta: 'Meta' } },
  DomainResource: { kind: 'resource', base: 'Resource', abstract: true, elements: { id: 'id', meta: 'Meta' } },
  Patient: {
    ...resource,
    elements: {
      id: 'id',
      meta: 'Meta',
      active: 'boolean',
      'identifier*': 'Identifier',
      'name*': 'HumanName',
      'address*': 'Address',
      'telecom*': 'ContactPoint',
      gender: 'code',
      birthDate: 'date',
      'deceased[x]': 'boolean dateTime',
      'link*': 'Patient.link',
    },
  },
  'Patient.link': { kind: 'backbone', base: 'BackboneElement', elements: { other: 'Reference', type: 'code' } },
  Observation: {
    ...resource,
    elements: {
      id: 'id',
      meta: 'Meta',
      status: 'code',
      code: 'CodeableConcept',
      subject: 'Reference',
      'performer*': 'Reference',
      'effective[x]': 'dateTime Period Timing instant',
      'value[x]': 'Quantity CodeableConcept string',
      'component*': 'Observation.component',
    },
  },
  'Observation.component': {
    kind: 'backbone',
    base: 'BackboneElement',
    elements: { code: 'CodeableConcept', 'value[x]': 'Quantity CodeableConcept string' },
  },
  Device: { ...resource, elements: { id: 'id', meta: 'Meta' } },
  Location: { ...resource, elements: { id: 'id', meta: 'Meta', position: 'Location.position' } },
  'Location.position': { kind: 'backbone', base: 'BackboneElement', elements: { latitude: 'decimal', longitude: 'decimal' } },
  Account: { ...resource, elements: { id: 'id', meta: 'Meta', 'subject*': 'Reference', name: 'string' } },
  HumanName: { elements: { use: 'code', text: 'string', family: 'string', 'given*': 'string', 'prefix*': 'string', 'suffix*': 'string' } },
  Address: { elements: { text: 'string', 'line*': 'string', city: 'string' } },
  ContactPoint: { elements: { system: 'code', use: 'code', value: 'string' } },
  Identifier: { elements: { system: 'uri', value: 'string' } },
  CodeableConcept: { elements: { 'coding*': 'Coding', text: 'string' } },
  Coding: { elements: { system: 'uri', code: 'code', display: 'string' } },
  Reference: { elements: { reference: 'string', identifier: 'Identifier' } },
  Quantity: { elements: { value: 'decimal', unit: 'string', system: 'uri', code: 'code' } },
  Period: { elements: { start: 'dateTime', end: 'dateTime' } },
  Timing: { elements: { 'event*': 'dateTime' } },
  Meta: { elements: { 'tag*': 'Coding', 'profile*': 'canonical' } },
  boolean: primitive,
  string: primitive,
  code: primitive,
  id: primitive,
  uri: primitive,
  canonical: primitive,
  date: primitive,
  dateTime: primitive,
  instant: primitive,
  decimal: primitive,
});

const url = (name: string): string => `http://example.org/SearchParameter/${name}`;

function param(
  base: string,
  code: string,
  type: SearchParameterType,
  expression: string,
  targets: readonly string[] = [],
): SearchParameterDef {
  return { url: url(`${base}-${code}`), code, base: [base], type, expression, targets, components: [] };
}

function composite(code: string, expression: string, components: Readonly<Record<string, string>>): SearchParameterDef {
  return {
    ...param('Observation', code, 'composite', expression),
    components: Object.entries(components).map(([definition, path]) => ({ definition: url(definition), expression: path })),
  };
}

const searchParameters: SearchParameterDef[] = [
  param('Resource', '_id', 'token', 'Resource.id'),
  param('Resource', '_lastUpdated', 'date', 'Resource.meta.lastUpdated'),
  param('Resource', '_tag', 'token', 'Resource.meta.tag'),
  param('Resource', '_profile', 'uri', 'Resource.meta.profile'),
  param('DomainResource', '_text', 'string', 'DomainResource.text'),
  param('Resource', '_content', 'string', 'Resource'),
  param('Patient', 'active', 'token', 'Patient.active'),
  param('Patient', 'identifier', 'token', 'Patient.identifier'),
  param('Patient', 'name', 'string', 'Patient.name'),
  param('Patient', 'family', 'string', 'Patient.name.family'),
  param('Patient', 'address', 'string', 'Patient.address'),
  param('Patient', 'telecom', 'token', 'Patient.telecom'),
  param('Patient', 'gender', 'token', 'Patient.gender'),
  param('Patient', 'birthdate', 'date', 'Patient.birthDate'),
  param('Patient', 'death-date', 'date', '(Patient.deceased as dateTime)'),
  param('Patient', 'link', 'reference', 'Patient.link.other', ['Patient']),
  param('Observation', 'status', 'token', 'Observation.status'),
  param('Observation', 'code', 'token', 'Observation.code'),
  param('Observation', 'component-code', 'token', 'Observation.component.code'),
  param('Observation', 'date', 'date', 'Observation.effective'),
  param('Observation', 'patient', 'reference', 'Observation.subject.where(resolve() is Patient)', ['Patient']),
  param('Observation', 'subject', 'reference', 'Observation.subject', ['Patient', 'Group', 'Device', 'Location']),
  param('Observation', 'performer', 'reference', 'Observation.performer', ['Patient', 'Practitioner']),
  param('Observation', 'value-quantity', 'quantity', '(Observation.value as Quantity)'),
  param('Observation', 'value-concept', 'token', '(Observation.value as CodeableConcept)'),
  param('Observation', 'value-string', 'string', '(Observation.value as string)'),
  composite('code-value-quantity', 'Observation', { 'Observation-code': 'code', 'Observation-value-quantity': 'value.as(Quantity)' }),
  composite('code-value-string', 'Observation', { 'Observation-code': 'code', 'Observation-value-string': 'value.as(string)' }),
  composite('combo-code-value-quantity', 'Observation | Observation.component', {
    'Observation-code': 'code',
    'Observation-value-quantity': 'value.as(Quantity)',
  }),
  composite('component-code-value-concept', 'Observation.component', {
    'Observation-component-code': 'code',
    'Observation-value-concept': 'value.as(CodeableConcept)',
  }),
  param('Account', 'patient', 'reference', 'Account.subject.where(resolve() is Patient)', ['Patient']),
  param('Account', 'subject', 'reference', 'Account.subject', ['Patient', 'Device']),
  param('Account', 'name', 'string', 'Account.name'),
  param('Location', 'near', 'special', 'Location.position'),
];

export const smallDefinitions: Definitions = {
  version: 'small',
  resourceTypes: ['Account', 'Device', 'Location', 'Observation', 'Patient'],
  schema,
  searchParameters,
  compartments: {
    Patient: { Observation: ['subject', 'performer'], Account: ['subject'], Patient: ['link'] },
    Encounter: {},
    Practitioner: { Observation: ['performer'] },
    RelatedPerson: {},
    Device: {},
  },
  codeSystemOf: () => undefined,
  operations: [],
  resource: () => Promise.resolve(undefined),
  own: ownDefinitions(),
  published: { resource: () => Promise.resolve(undefined), prepare: () => Promise.resolve() },
};

/** A registry of a few small types; elements are numbered as they are met. */
export function smallRegistry(): Registry {
  const numbers = new Map<string, number>();
  return buildRegistry(smallDefinitions, ({ type, path }) => {
    const name = `${type} ${path}`;
    const number = numbers.get(name) ?? numbers.size + 1;
    numbers.set(name, number);
    return number;
  });
}

export const limits = { pageSizeDefault: 50, pageSizeMax: 100, searchParametersMax: 10, searchOrValuesMax: 20, searchChainDepthMax: 3 };

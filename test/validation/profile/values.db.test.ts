import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../../src/definitions/load.ts';
import { EXAMPLE, makeWorld, profileOf, type World } from './world.ts';

const patient = { resourceType: 'Patient' };
const loinc = (code: string): object => ({ coding: [{ system: 'http://loinc.org', code }] });
const observation = { resourceType: 'Observation', status: 'final', code: loinc('8480-6') };
const mg = (value: number): object => ({ value, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' });
const MARITAL = 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus';
const marital = (code: string): object => ({ coding: [{ system: MARITAL, code }] });
const ABSENT = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] };
const named = (...names: object[]): object => ({ ...patient, name: names });

/** Each profile with resources that conform to it, and others with the faults they have. */
type Case = {
  readonly of: string;
  readonly elements: readonly object[];
  readonly allowed: readonly object[];
  readonly refused: readonly (readonly [object, ...string[]])[];
};

const patients: Record<string, Omit<Case, 'of'>> = {
  'an element that must be there': {
    elements: [{ path: 'Patient.birthDate', min: 1, max: '1' }],
    allowed: [
      { ...patient, birthDate: '1970' },
      { ...patient, _birthDate: ABSENT },
    ],
    refused: [[patient, 'profile-required Patient.birthDate Patient.birthDate']],
  },
  'an element below a datatype': {
    elements: [
      { path: 'Patient.name', min: 0, max: '*', type: [{ code: 'HumanName' }] },
      { path: 'Patient.name.family', min: 1, max: '1', type: [{ code: 'string' }] },
    ],
    allowed: [patient, named({ family: 'A' }, { family: 'B' })],
    refused: [
      [
        named({ family: 'A' }, { text: 'B' }, { text: 'C' }),
        'profile-required Patient.name[1].family Patient.name.family',
        'profile-required Patient.name[2].family Patient.name.family',
      ],
    ],
  },
  'more and fewer items': {
    elements: [{ path: 'Patient.name', min: 2, max: '3' }],
    allowed: [named({ text: 'A' }, { text: 'B' }), named({ text: 'A' }, { text: 'B' }, { text: 'C' })],
    refused: [
      [patient, 'profile-required Patient.name Patient.name'],
      [named({ text: 'A' }), 'profile-required Patient.name Patient.name'],
      [named({ text: 'A' }, { text: 'B' }, { text: 'C' }, { text: 'D' }), 'profile-count Patient.name Patient.name'],
    ],
  },
  'an element that is not allowed': {
    elements: [{ path: 'Patient.photo', min: 0, max: '0' }],
    allowed: [patient],
    refused: [[{ ...patient, photo: [{ title: 'x' }] }, 'profile-forbidden Patient.photo Patient.photo']],
  },
  'a primitive that repeats': {
    elements: [
      { path: 'Patient.name', min: 0, max: '*', type: [{ code: 'HumanName' }] },
      { path: 'Patient.name.given', min: 2, max: '*', type: [{ code: 'string' }], maxLength: 3 },
    ],
    allowed: [named({ given: ['Ann', 'Eve'] }), named({ given: ['Ann', null], _given: [null, ABSENT] })],
    refused: [
      [named({ given: ['Ann'] }), 'profile-required Patient.name[0].given Patient.name.given'],
      [named({ given: ['Ann', 'Anna'] }), 'profile-length Patient.name[0].given[1] Patient.name.given'],
    ],
  },
  'an extension that a primitive must have': {
    elements: [
      { path: 'Patient.birthDate', min: 0, max: '1', type: [{ code: 'date' }] },
      { path: 'Patient.birthDate.extension', min: 1, max: '*', type: [{ code: 'Extension' }] },
    ],
    allowed: [
      patient,
      {
        ...patient,
        birthDate: '1970',
        _birthDate: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime', valueDateTime: '1970' }] },
      },
    ],
    refused: [[{ ...patient, birthDate: '1970' }, 'profile-required Patient.birthDate.extension Patient.birthDate.extension']],
  },
  'a fixed code': {
    elements: [{ path: 'Patient.gender', min: 0, max: '1', type: [{ code: 'code' }], fixedCode: 'female' }],
    allowed: [patient, { ...patient, gender: 'female' }],
    refused: [
      [{ ...patient, gender: 'male' }, 'profile-fixed Patient.gender Patient.gender'],
      [{ ...patient, gender: 'female', _gender: { id: 'g' } }, 'profile-fixed Patient.gender Patient.gender'],
    ],
  },
  'a fixed object': {
    elements: [{ path: 'Patient.maritalStatus', fixedCodeableConcept: marital('M') }],
    allowed: [{ ...patient, maritalStatus: { coding: [{ code: 'M', system: MARITAL }] } }],
    refused: [
      [{ ...patient, maritalStatus: { ...marital('M'), text: 'married' } }, 'profile-fixed Patient.maritalStatus Patient.maritalStatus'],
    ],
  },
  'a pattern with an array': {
    elements: [{ path: 'Patient.maritalStatus', patternCodeableConcept: marital('M') }],
    allowed: [
      {
        ...patient,
        maritalStatus: {
          coding: [
            { system: 'http://example.org', code: 'x' },
            { system: MARITAL, code: 'M', display: 'Married' },
          ],
          text: 'married',
        },
      },
    ],
    refused: [
      [{ ...patient, maritalStatus: marital('S') }, 'profile-pattern Patient.maritalStatus Patient.maritalStatus'],
      [{ ...patient, maritalStatus: { text: 'M' } }, 'profile-pattern Patient.maritalStatus Patient.maritalStatus'],
    ],
  },
  'dates between two others': {
    elements: [{ path: 'Patient.birthDate', minValueDate: '1900-01-01', maxValueDate: '2000-06-30' }],
    allowed: ['1900', '1900-01-01', '1950-05', '2000-06-30', '2000'].map((birthDate) => ({ ...patient, birthDate })),
    refused: ['1899', '1899-12-31', '2000-07', '2001'].map((birthDate): [object, string] => [
      { ...patient, birthDate },
      'profile-range Patient.birthDate Patient.birthDate',
    ]),
  },
  'an invariant': {
    elements: [
      {
        path: 'Patient.contact',
        constraint: [
          { key: 'own-1', severity: 'error', human: 'a contact has a name', expression: 'name.exists()', source: `${EXAMPLE}an-invariant` },
        ],
      },
    ],
    allowed: [patient, { ...patient, contact: [{ name: { text: 'A' } }] }],
    refused: [
      [
        { ...patient, contact: [{ name: { text: 'A' } }, { gender: 'male', telecom: [{ system: 'phone', value: '1' }] }] },
        'invariant-own-1 Patient.contact[1] own-1',
      ],
    ],
  },
  'a required binding in place of a weaker one': {
    elements: [
      {
        path: 'Patient.maritalStatus',
        type: [{ code: 'CodeableConcept' }],
        binding: { strength: 'required', valueSet: 'http://example.org/fhir/ValueSet/married' },
      },
    ],
    allowed: [{ ...patient, maritalStatus: marital('M') }],
    refused: [
      [{ ...patient, maritalStatus: marital('S') }, 'binding-required Patient.maritalStatus Patient.maritalStatus'],
      [{ ...patient, maritalStatus: { text: 'S' } }, 'binding-missing Patient.maritalStatus Patient.maritalStatus'],
    ],
  },
  'a maximum value set': {
    elements: [
      {
        path: 'Patient.maritalStatus',
        type: [{ code: 'CodeableConcept' }],
        binding: {
          strength: 'preferred',
          valueSet: 'http://hl7.org/fhir/ValueSet/marital-status',
          extension: [
            {
              url: 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet',
              valueCanonical: 'http://example.org/fhir/ValueSet/married',
            },
          ],
        },
      },
    ],
    allowed: [{ ...patient, maritalStatus: marital('M') }],
    refused: [[{ ...patient, maritalStatus: marital('S') }, 'binding-maximum Patient.maritalStatus Patient.maritalStatus']],
  },
};

const observations: Record<string, Omit<Case, 'of'>> = {
  'a choice of fewer types': {
    elements: [{ path: 'Observation.value[x]', min: 0, max: '1', type: [{ code: 'Quantity' }, { code: 'string' }] }],
    allowed: [observation, { ...observation, valueQuantity: mg(1) }, { ...observation, valueString: 'x' }],
    refused: [[{ ...observation, valueInteger: 1 }, 'profile-type Observation.value Observation.value[x]']],
  },
  'a choice that must be made': {
    elements: [{ path: 'Observation.value[x]', min: 1, max: '1', type: [{ code: 'Quantity' }] }],
    allowed: [{ ...observation, valueQuantity: mg(1) }],
    refused: [
      [observation, 'profile-required Observation.value Observation.value[x]'],
      [{ ...observation, valueString: 'x' }, 'profile-type Observation.value Observation.value[x]'],
    ],
  },
  'an element named by one type of a choice': {
    elements: [
      { path: 'Observation.valueQuantity', min: 0, max: '1', type: [{ code: 'Quantity' }] },
      { path: 'Observation.valueQuantity.code', min: 1, max: '1', type: [{ code: 'code' }] },
    ],
    allowed: [observation, { ...observation, valueString: 'x' }, { ...observation, valueQuantity: mg(1) }],
    refused: [[{ ...observation, valueQuantity: { value: 1 } }, 'profile-required Observation.value.code Observation.valueQuantity.code']],
  },
  'a quantity between two others': {
    elements: [{ path: 'Observation.value[x]', type: [{ code: 'Quantity' }], minValueQuantity: mg(1), maxValueQuantity: mg(10) }],
    allowed: [1, 5.5, 10]
      .map((value) => ({ ...observation, valueQuantity: mg(value) }))
      .concat({ ...observation, valueQuantity: { value: 50, unit: 'g', system: 'http://unitsofmeasure.org', code: 'g' } }),
    refused: [0.99, 10.01].map((value): [object, string] => [
      { ...observation, valueQuantity: mg(value) },
      'profile-range Observation.value Observation.value[x]',
    ]),
  },
  'a datatype with a profile': {
    elements: [
      { path: 'Observation.value[x]', type: [{ code: 'Quantity', profile: ['http://hl7.org/fhir/StructureDefinition/SimpleQuantity'] }] },
    ],
    allowed: [{ ...observation, valueQuantity: mg(1) }],
    refused: [
      [
        { ...observation, valueQuantity: { ...mg(1), comparator: '<' } },
        'invariant-sqty-1 Observation.value sqty-1',
        'profile-forbidden Observation.value.comparator Quantity.comparator',
      ],
    ],
  },
  'a content reference': {
    elements: [
      { path: 'Observation.referenceRange', id: 'Observation.referenceRange', min: 0, max: '*', type: [{ code: 'BackboneElement' }] },
      { path: 'Observation.referenceRange.text', min: 1, max: '1', type: [{ code: 'string' }] },
      { path: 'Observation.component', min: 0, max: '*', type: [{ code: 'BackboneElement' }] },
      { path: 'Observation.component.referenceRange', min: 0, max: '*', contentReference: '#Observation.referenceRange' },
    ],
    allowed: [{ ...observation, component: [{ code: loinc('8480-6'), valueString: 'x', referenceRange: [{ text: 'x' }] }] }],
    refused: [
      [
        { ...observation, component: [{ code: loinc('8480-6'), valueString: 'x', referenceRange: [{ low: mg(1) }] }] },
        'profile-required Observation.component[0].referenceRange[0].text Observation.referenceRange.text',
      ],
      [
        { ...observation, referenceRange: [{ low: mg(1) }] },
        'profile-required Observation.referenceRange[0].text Observation.referenceRange.text',
      ],
    ],
  },
  'another target of a reference': {
    elements: [
      { path: 'Observation.subject', type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Patient'] }] },
    ],
    allowed: [
      { ...observation, subject: { reference: 'Patient/1' } },
      { ...observation, subject: { reference: 'http://example.org/fhir/Patient/1' } },
      { ...observation, subject: { reference: 'urn:uuid:0a6a1b52-6b86-4b0a-9d6c-0d4a1ad4a1ad' } },
      { ...observation, subject: { display: 'x' } },
    ],
    refused: [
      [{ ...observation, subject: { reference: 'Group/1' } }, 'reference-target Observation.subject Observation.subject'],
      [
        { ...observation, subject: { type: 'Group', identifier: { value: '1' } } },
        'reference-target Observation.subject Observation.subject',
      ],
      [
        { ...observation, contained: [{ resourceType: 'Group', id: 'g', type: 'person', actual: true }], subject: { reference: '#g' } },
        'reference-target Observation.subject Observation.subject',
      ],
    ],
  },
  'a target with a profile': {
    elements: [{ path: 'Observation.subject', type: [{ code: 'Reference', targetProfile: [`${EXAMPLE}born`] }] }],
    allowed: [
      { ...observation, subject: { reference: 'Patient/1' } },
      { ...observation, contained: [{ ...patient, id: 'p', birthDate: '1970' }], subject: { reference: '#p' } },
    ],
    refused: [
      [{ ...observation, subject: { reference: 'Group/1' } }, 'reference-target Observation.subject Observation.subject'],
      [
        { ...observation, contained: [{ ...patient, id: 'p' }], subject: { reference: '#p' } },
        'reference-target Observation.subject,Observation.contained[0].birthDate Observation.subject',
      ],
    ],
  },
  'references to what is bundled alone': {
    elements: [{ path: 'Observation.subject', type: [{ code: 'Reference', targetProfile: [`${EXAMPLE}born`], aggregation: ['bundled'] }] }],
    allowed: [bundled({ ...patient, id: '1', birthDate: '1970' })],
    refused: [
      [bundled({ ...patient, id: '2', birthDate: '1970' }), 'reference-aggregation Bundle.entry[0].resource.subject Observation.subject'],
      [
        bundled({ ...patient, id: '1' }),
        'reference-target Bundle.entry[0].resource.subject,Bundle.entry[1].resource.birthDate Observation.subject',
      ],
    ],
  },
  'references to what is contained alone': {
    elements: [{ path: 'Observation.subject', type: [{ code: 'Reference', aggregation: ['contained'] }] }],
    allowed: [{ ...observation, contained: [{ ...patient, id: 'p' }], subject: { reference: '#p' } }],
    refused: [[{ ...observation, subject: { reference: 'Patient/1' } }, 'reference-aggregation Observation.subject Observation.subject']],
  },
};

/** A Bundle of an observation of Patient/1, which claims the profile, and of another resource. */
function bundled(other: object): object {
  const profile = [`${EXAMPLE}references-to-what-is-bundled-alone`];
  const resource = { ...observation, id: 'o', meta: { profile }, subject: { reference: 'Patient/1' } };
  const entry = [resource, other].map((own) => ({
    fullUrl: `http://example.org/fhir/${Reflect.get(own, 'resourceType')}/${Reflect.get(own, 'id')}`,
    resource: own,
  }));
  return { resourceType: 'Bundle', type: 'collection', entry };
}

const cases: readonly (Case & { readonly title: string; readonly url: string })[] = [
  ...Object.entries(patients).map(([title, rest]) => ({ title, of: 'Patient', url: urlOf(title), ...rest })),
  ...Object.entries(observations).map(([title, rest]) => ({ title, of: 'Observation', url: urlOf(title), ...rest })),
];

/** What is in a Bundle claims the profile itself. */
function asked(resource: object, url: string): readonly string[] {
  return Reflect.get(resource, 'resourceType') === 'Bundle' ? [] : [url];
}

function urlOf(title: string): string {
  return EXAMPLE + title.replaceAll(' ', '-');
}

let world: World;

beforeAll(async () => {
  const definitions = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
  world = makeWorld(definitions, [
    ...cases.map(({ title, of, elements }) => profileOf(title.replaceAll(' ', '-'), of, elements)),
    profileOf('born', 'Patient', [{ path: 'Patient.birthDate', min: 1, max: '1' }]),
    {
      resourceType: 'ValueSet',
      url: 'http://example.org/fhir/ValueSet/married',
      status: 'active',
      compose: { include: [{ system: MARITAL, concept: [{ code: 'M' }] }] },
    },
  ]);
});

describe.each(cases)('$title', ({ allowed, refused, url }) => {
  test.each(allowed.map((resource) => [JSON.stringify(resource), resource] as const))('allows %s', async (_, resource) => {
    expect(await world.faults(resource, asked(resource, url))).toEqual([]);
  });

  test.each(refused.map(([resource, ...faults]) => [JSON.stringify(resource), resource, faults] as const))(
    'refuses %s',
    async (_, resource, faults) => {
      if (asked(resource, url).length > 0) expect(await world.faults(resource)).toEqual([]);
      expect(await world.faults(resource, asked(resource, url))).toEqual(faults);
    },
  );
});

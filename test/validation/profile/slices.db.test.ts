import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../../src/definitions/load.ts';
import { EXAMPLE, makeWorld, profileOf, type World } from './world.ts';

const SYSTEM = 'http://loinc.org';
const concept = (...codes: string[]): object => ({ coding: codes.map((code) => ({ system: SYSTEM, code })) });
const part = (code: string, value: object = { valueString: 'x' }): object => ({ code: concept(code), ...value });
const observation = { resourceType: 'Observation', status: 'final', code: concept('8480-6') };
const parts = (...component: object[]): object => ({ ...observation, component });
const patient = { resourceType: 'Patient' };
const telecom = (...systems: string[]): object => ({ ...patient, telecom: systems.map((system) => ({ system, value: 'x' })) });
const mg = { value: 1, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' };

type Case = {
  readonly type?: string;
  readonly elements: readonly object[];
  readonly allowed: readonly object[];
  readonly refused: readonly (readonly [object, ...string[]])[];
};

/** An element of a type, as a slice or with slices. */
const element = (id: string, more: object): object => ({ id, path: id.replace(/:[^.]+/g, ''), ...more });
const by = (type: string, path: string, more: object = {}): object => ({
  slicing: { discriminator: [{ type, path }], rules: 'open', ...more },
});
const slice = (id: string, min: number, max: string, more: object = {}): object =>
  element(id, { sliceName: /:([^.:]+)$/.exec(id)?.[1], min, max, ...more });

const phones = (more: object): readonly object[] => [
  element('Patient.telecom', by('value', 'system', more)),
  slice('Patient.telecom:phone', 0, '1', { type: [{ code: 'ContactPoint' }] }),
  element('Patient.telecom:phone.system', { min: 1, max: '1', type: [{ code: 'code' }], fixedCode: 'phone' }),
  slice('Patient.telecom:email', 1, '1', { type: [{ code: 'ContactPoint' }] }),
  element('Patient.telecom:email.system', { min: 1, max: '1', type: [{ code: 'code' }], fixedCode: 'email' }),
];

const cases: Record<string, Case> = {
  'by value, open': {
    type: 'Patient',
    elements: phones({}),
    allowed: [telecom('email'), telecom('fax', 'email', 'phone'), telecom('phone', 'fax', 'fax', 'email')],
    refused: [
      [patient, 'slice-min Patient.telecom Patient.telecom:email'],
      [telecom('fax'), 'slice-min Patient.telecom Patient.telecom:email'],
      [telecom('email', 'phone', 'phone'), 'slice-max Patient.telecom Patient.telecom:phone'],
    ],
  },
  'by value, closed': {
    type: 'Patient',
    elements: phones({ rules: 'closed' }),
    allowed: [telecom('email'), telecom('email', 'phone')],
    refused: [[telecom('email', 'fax', 'phone'), 'slice-closed Patient.telecom[1] Patient.telecom']],
  },
  'by value, ordered': {
    type: 'Patient',
    elements: phones({ ordered: true }),
    allowed: [telecom('phone', 'email'), telecom('fax', 'phone', 'fax', 'email', 'fax')],
    refused: [[telecom('email', 'phone'), 'slice-order Patient.telecom[1] Patient.telecom:phone']],
  },
  'by value, open at the end': {
    type: 'Patient',
    elements: phones({ ordered: true, rules: 'openAtEnd' }),
    allowed: [telecom('phone', 'email', 'fax')],
    refused: [[telecom('phone', 'fax', 'email'), 'slice-order Patient.telecom[2] Patient.telecom:email']],
  },
  'by value, with a slice for all others': {
    type: 'Patient',
    elements: [
      ...phones({ rules: 'closed' }),
      slice('Patient.telecom:@default', 0, '*'),
      element('Patient.telecom:@default.use', { min: 1, max: '1', type: [{ code: 'code' }] }),
    ],
    allowed: [
      telecom('email'),
      {
        ...patient,
        telecom: [
          { system: 'email', value: 'x' },
          { system: 'fax', value: 'x', use: 'work' },
        ],
      },
    ],
    refused: [[telecom('email', 'fax'), 'profile-required Patient.telecom[1].use Patient.telecom:@default.use']],
  },
  'by pattern': {
    elements: [
      element('Observation.component', by('pattern', 'code')),
      slice('Observation.component:systolic', 1, '1'),
      element('Observation.component:systolic.code', { min: 1, max: '1', patternCodeableConcept: concept('8480-6') }),
      element('Observation.component:systolic.value[x]', { min: 1, max: '1', type: [{ code: 'Quantity' }] }),
    ],
    allowed: [
      parts(part('8480-6', { valueQuantity: mg })),
      parts(part('1-8'), {
        code: {
          coding: [
            { code: 'own', system: 'http://example.org' },
            { system: SYSTEM, code: '8480-6' },
          ],
        },
        valueQuantity: mg,
      }),
    ],
    refused: [
      [parts(part('1-8')), 'slice-min Observation.component Observation.component:systolic'],
      [parts(part('8480-6')), 'profile-type Observation.component[0].value Observation.component:systolic.value[x]'],
      [
        parts(part('8480-6', { valueQuantity: mg }), part('8480-6', { valueQuantity: mg })),
        'slice-max Observation.component Observation.component:systolic',
      ],
    ],
  },
  'by a value below a fixed element': {
    elements: [
      element('Observation.component', by('value', 'code.coding.code')),
      slice('Observation.component:systolic', 1, '1'),
      element('Observation.component:systolic.code', { patternCodeableConcept: concept('8480-6') }),
    ],
    allowed: [parts(part('8480-6')), parts(part('1-8'), part('8480-6'))],
    refused: [[parts(part('1-8')), 'slice-min Observation.component Observation.component:systolic']],
  },
  'by several values of slices within slices': {
    elements: [
      element('Observation.component', {
        slicing: {
          discriminator: [
            { type: 'value', path: 'code.coding.code' },
            { type: 'value', path: 'code.coding.system' },
          ],
          rules: 'closed',
        },
      }),
      slice('Observation.component:systolic', 0, '1'),
      element('Observation.component:systolic.code', { type: [{ code: 'CodeableConcept' }] }),
      element('Observation.component:systolic.code.coding', { type: [{ code: 'Coding' }], ...by('value', 'code') }),
      slice('Observation.component:systolic.code.coding:own', 1, '1', { type: [{ code: 'Coding' }] }),
      element('Observation.component:systolic.code.coding:own.system', { fixedUri: SYSTEM }),
      element('Observation.component:systolic.code.coding:own.code', { fixedCode: '8480-6' }),
    ],
    allowed: [observation, parts(part('8480-6')), parts({ code: concept('1-8', '8480-6'), valueString: 'x' })],
    refused: [
      [parts(part('1-8')), 'slice-closed Observation.component[0] Observation.component'],
      [
        parts({ code: { coding: [{ system: 'http://example.org', code: '8480-6' }] }, valueString: 'x' }),
        'slice-closed Observation.component[0] Observation.component',
      ],
    ],
  },
  'by a value set': {
    type: 'Patient',
    elements: [
      element('Patient.telecom', by('value', 'use', { rules: 'closed' })),
      slice('Patient.telecom:private', 0, '*'),
      element('Patient.telecom:private.use', {
        min: 1,
        max: '1',
        type: [{ code: 'code' }],
        binding: { strength: 'required', valueSet: 'http://example.org/fhir/ValueSet/private' },
      }),
    ],
    allowed: [{ ...patient, telecom: [{ use: 'home', value: 'x', system: 'phone' }] }],
    refused: [[{ ...patient, telecom: [{ use: 'work', value: 'x', system: 'phone' }] }, 'slice-closed Patient.telecom[0] Patient.telecom']],
  },
  'by whether an element is there': {
    type: 'Patient',
    elements: [
      element('Patient.name', by('exists', 'period', { rules: 'closed' })),
      slice('Patient.name:now', 1, '1', { type: [{ code: 'HumanName' }] }),
      element('Patient.name:now.period', { min: 0, max: '0' }),
      slice('Patient.name:former', 0, '1', { type: [{ code: 'HumanName' }] }),
      element('Patient.name:former.period', { min: 1, max: '1' }),
    ],
    allowed: [{ ...patient, name: [{ text: 'A' }, { text: 'B', period: { end: '2000' } }] }],
    refused: [
      [{ ...patient, name: [{ text: 'A', period: { end: '2000' } }] }, 'slice-min Patient.name Patient.name:now'],
      [{ ...patient, name: [{ text: 'A' }, { text: 'B' }] }, 'slice-max Patient.name Patient.name:now'],
    ],
  },
  'of a choice, by type': {
    elements: [
      element('Observation.value[x]', {
        ...by('type', '$this', { rules: 'closed' }),
        min: 0,
        max: '1',
        type: [{ code: 'Quantity' }, { code: 'string' }, { code: 'boolean' }],
      }),
      slice('Observation.value[x]:valueQuantity', 0, '1', { type: [{ code: 'Quantity' }] }),
      element('Observation.value[x]:valueQuantity.code', { min: 1, max: '1', type: [{ code: 'code' }] }),
      slice('Observation.value[x]:valueString', 0, '1', { type: [{ code: 'string' }], maxLength: 3 }),
    ],
    allowed: [observation, { ...observation, valueQuantity: mg }, { ...observation, valueString: 'abc' }],
    refused: [
      [{ ...observation, valueQuantity: { value: 1 } }, 'profile-required Observation.value.code Observation.value[x]:valueQuantity.code'],
      [{ ...observation, valueString: 'abcd' }, 'profile-length Observation.value Observation.value[x]:valueString'],
      [{ ...observation, valueBoolean: true }, 'slice-closed Observation.value Observation.value[x]'],
      [{ ...observation, valueInteger: 1 }, 'profile-type Observation.value Observation.value[x]'],
    ],
  },
  'of a choice, of which a slice is not allowed': {
    elements: [element('Observation.value[x]', {}), slice('Observation.value[x]:valueQuantity', 0, '0', { type: [{ code: 'Quantity' }] })],
    allowed: [observation, { ...observation, valueString: 'x' }],
    refused: [[{ ...observation, valueQuantity: mg }, 'slice-max Observation.value Observation.value[x]:valueQuantity']],
  },
  'by the type of what a reference leads to': {
    elements: [
      element('Observation.performer', by('type', 'resolve()', { rules: 'closed' })),
      slice('Observation.performer:doctor', 1, '1', {
        type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Practitioner'] }],
      }),
      slice('Observation.performer:place', 0, '1', {
        type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Organization'] }],
      }),
    ],
    allowed: [
      { ...observation, performer: [{ reference: 'Practitioner/1' }, { reference: 'Organization/1' }] },
      // What it leads to can't be told.
      { ...observation, performer: [{ reference: 'urn:uuid:0a6a1b52-6b86-4b0a-9d6c-0d4a1ad4a1ad' }] },
    ],
    refused: [
      [{ ...observation, performer: [{ reference: 'Organization/1' }] }, 'slice-min Observation.performer Observation.performer:doctor'],
      [
        { ...observation, performer: [{ reference: 'Practitioner/1' }, { reference: 'Patient/1' }] },
        'slice-closed Observation.performer[1] Observation.performer',
      ],
    ],
  },
  'by the profile of what a reference leads to': {
    elements: [
      element('Observation.hasMember', by('profile', 'resolve()')),
      slice('Observation.hasMember:text', 1, '1', { type: [{ code: 'Reference', targetProfile: [`${EXAMPLE}texts`] }] }),
    ],
    allowed: [
      { ...observation, contained: [{ ...observation, id: 'o', valueString: 'x' }], hasMember: [{ reference: '#o' }] },
      { ...observation, hasMember: [{ reference: 'Observation/1' }] },
    ],
    refused: [
      [
        { ...observation, contained: [{ ...observation, id: 'o' }], hasMember: [{ reference: '#o' }] },
        'slice-min Observation.hasMember,Observation.contained[0].value Observation.hasMember:text',
      ],
      [{ ...observation, hasMember: [{ reference: 'MolecularSequence/1' }] }, 'slice-min Observation.hasMember Observation.hasMember:text'],
    ],
  },
  'by a value of what a reference leads to': {
    elements: [
      element('Observation.hasMember', by('value', 'resolve().code', { rules: 'closed' })),
      slice('Observation.hasMember:text', 1, '1', { type: [{ code: 'Reference', targetProfile: [`${EXAMPLE}systolic`] }] }),
    ],
    allowed: [{ ...observation, contained: [{ ...observation, id: 'o' }], hasMember: [{ reference: '#o' }] }],
    refused: [
      [
        { ...observation, contained: [{ ...observation, id: 'o', code: concept('1-8') }], hasMember: [{ reference: '#o' }] },
        'slice-closed Observation.hasMember[0] Observation.hasMember',
        'slice-min Observation.hasMember Observation.hasMember:text',
      ],
    ],
  },
  'by the value of an extension': {
    type: 'Patient',
    elements: [
      element(
        'Patient.name',
        by('value', "extension('http://hl7.org/fhir/StructureDefinition/iso21090-EN-use').value", { rules: 'closed' }),
      ),
      slice('Patient.name:search', 0, '1', { type: [{ code: 'HumanName' }] }),
      element('Patient.name:search.extension', {}),
      slice('Patient.name:search.extension:use', 1, '1', {
        type: [{ code: 'Extension', profile: ['http://hl7.org/fhir/StructureDefinition/iso21090-EN-use'] }],
      }),
      element('Patient.name:search.extension:use.value[x]', { type: [{ code: 'code' }], fixedCode: 'SRCH' }),
    ],
    allowed: [
      {
        ...patient,
        name: [{ text: 'A', extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/iso21090-EN-use', valueCode: 'SRCH' }] }],
      },
    ],
    refused: [[{ ...patient, name: [{ text: 'A' }] }, 'slice-closed Patient.name[0] Patient.name']],
  },
  'by a value of one type of a choice': {
    elements: [
      element('Observation.component', by('value', 'value.ofType(Quantity).code', { rules: 'closed' })),
      slice('Observation.component:mg', 0, '1'),
      element('Observation.component:mg.value[x]', { type: [{ code: 'Quantity' }] }),
      element('Observation.component:mg.value[x].code', { fixedCode: 'mg' }),
    ],
    allowed: [parts(part('1-8', { valueQuantity: mg }))],
    refused: [
      [parts(part('1-8')), 'slice-closed Observation.component[0] Observation.component'],
      [
        parts(part('1-8', { valueQuantity: { ...mg, code: 'g', unit: 'g' } })),
        'slice-closed Observation.component[0] Observation.component',
      ],
    ],
  },
  'by nothing but what slices ask': {
    elements: [
      element('Observation.component', { slicing: { rules: 'closed', description: 'by what they are' } }),
      slice('Observation.component:text', 0, '1'),
      element('Observation.component:text.value[x]', { min: 1, max: '1', type: [{ code: 'string' }] }),
      slice('Observation.component:number', 0, '1'),
      element('Observation.component:number.value[x]', { min: 1, max: '1', type: [{ code: 'integer' }] }),
    ],
    allowed: [parts(part('1-8'), part('2-6', { valueInteger: 1 }))],
    refused: [
      [
        parts(part('1-8', { valueBoolean: true })),
        'slice-closed Observation.component[0],Observation.component[0].value Observation.component',
      ],
      [parts(part('1-8'), part('2-6')), 'slice-max Observation.component Observation.component:text'],
    ],
  },
  'that fix a code outside of the value set': {
    elements: [
      element('Observation.component', by('pattern', 'code')),
      element('Observation.component.value[x]', {
        type: [{ code: 'Quantity' }],
        binding: { strength: 'required', valueSet: 'http://example.org/fhir/ValueSet/grams' },
      }),
      slice('Observation.component:own', 0, '1'),
      element('Observation.component:own.code', { patternCodeableConcept: concept('8480-6') }),
      element('Observation.component:own.value[x]', {
        type: [{ code: 'Quantity' }],
        binding: { strength: 'required', valueSet: 'http://example.org/fhir/ValueSet/grams' },
      }),
      element('Observation.component:own.value[x].system', { type: [{ code: 'uri' }], fixedUri: 'http://unitsofmeasure.org' }),
      element('Observation.component:own.value[x].code', { type: [{ code: 'code' }], fixedCode: 'mg' }),
    ],
    allowed: [parts(part('8480-6', { valueQuantity: mg })), parts(part('1-8', { valueQuantity: { ...mg, code: 'g', unit: 'g' } }))],
    refused: [
      [
        parts(part('1-8', { valueQuantity: { ...mg, code: 'kg', unit: 'kg' } })),
        'binding-required Observation.component[0].value Observation.component.value[x]',
      ],
    ],
  },
  'of which one says nothing of a discriminator': {
    elements: [
      element('Observation.component', {
        slicing: {
          discriminator: [
            { type: 'pattern', path: 'code' },
            { type: 'pattern', path: 'interpretation' },
          ],
          rules: 'closed',
        },
      }),
      slice('Observation.component:high', 1, '1'),
      element('Observation.component:high.code', { patternCodeableConcept: concept('8480-6') }),
      element('Observation.component:high.interpretation', { min: 1, max: '*', patternCodeableConcept: { text: 'high' } }),
      slice('Observation.component:other', 0, '1'),
      element('Observation.component:other.code', { patternCodeableConcept: concept('1-8') }),
      element('Observation.component:other.interpretation', { min: 0, max: '*' }),
    ],
    allowed: [parts(part('8480-6', { interpretation: [{ text: 'high' }] }), part('1-8'))],
    refused: [
      [
        parts(part('8480-6'), part('1-8', { interpretation: [{ text: 'low' }] })),
        'slice-closed Observation.component[0] Observation.component',
        'slice-min Observation.component Observation.component:high',
      ],
    ],
  },
  'of two slices': {
    type: 'Patient',
    elements: [
      element('Patient.name', by('value', 'text')),
      slice('Patient.name:one', 0, '1'),
      element('Patient.name:one.text', { patternString: 'A' }),
      slice('Patient.name:other', 0, '1'),
      element('Patient.name:other.text', { patternString: 'A' }),
    ],
    allowed: [patient, { ...patient, name: [{ text: 'B' }] }],
    refused: [[{ ...patient, name: [{ text: 'A' }] }, 'slice-ambiguous Patient.name[0] Patient.name:other']],
  },
  'of slices': {
    elements: [
      element('Observation.component', by('value', 'code')),
      slice('Observation.component:bp', 1, '2', by('value', 'dataAbsentReason')),
      element('Observation.component:bp.code', { patternCodeableConcept: concept('8480-6') }),
      slice('Observation.component:bp/missing', 0, '1'),
      element('Observation.component:bp/missing.code', { patternCodeableConcept: concept('8480-6') }),
      element('Observation.component:bp/missing.dataAbsentReason', {
        min: 1,
        max: '1',
        patternCodeableConcept: { coding: [{ code: 'unknown' }] },
      }),
      element('Observation.component:bp/missing.interpretation', { min: 1, max: '*' }),
    ],
    allowed: [
      parts(part('8480-6')),
      parts(part('8480-6'), part('8480-6', { dataAbsentReason: absent(), interpretation: [{ text: 'x' }] })),
    ],
    refused: [
      [parts(part('1-8')), 'slice-min Observation.component Observation.component:bp'],
      [
        parts(part('8480-6', { dataAbsentReason: absent() })),
        'profile-required Observation.component[0].interpretation Observation.component:bp/missing.interpretation',
      ],
      [
        parts(...[1, 2].map(() => part('8480-6', { dataAbsentReason: absent(), interpretation: [{ text: 'x' }] }))),
        'slice-max Observation.component Observation.component:bp/missing',
      ],
    ],
  },
  'of entries, by type and profile': {
    type: 'Bundle',
    elements: [
      element('Bundle.entry', {
        slicing: {
          discriminator: [
            { type: 'type', path: 'resource' },
            { type: 'profile', path: 'resource' },
          ],
          rules: 'open',
        },
      }),
      slice('Bundle.entry:text', 1, '1'),
      element('Bundle.entry:text.resource', { min: 1, max: '1', type: [{ code: 'Observation', profile: [`${EXAMPLE}texts`] }] }),
    ],
    allowed: [bundle({ ...observation, valueString: 'x' }), bundle(patient, { ...observation, valueString: 'x' }, observation)],
    refused: [
      [bundle(patient), 'slice-min Bundle.entry Bundle.entry:text'],
      [bundle(observation), 'slice-min Bundle.entry,Bundle.entry[0].resource.value Bundle.entry:text'],
    ],
  },
};

function absent(): object {
  return { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'unknown' }] };
}

function bundle(...resources: object[]): object {
  return { resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) };
}

const list = Object.entries(cases).map(([title, rest]) => ({
  title,
  type: 'Observation',
  url: EXAMPLE + title.replaceAll(/\W+/g, '-'),
  ...rest,
}));

let world: World;

beforeAll(async () => {
  const definitions = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
  world = makeWorld(definitions, [
    ...list.map(({ type, url, elements }) => profileOf(url.slice(EXAMPLE.length), type, elements)),
    profileOf('texts', 'Observation', [{ path: 'Observation.value[x]', min: 1, max: '1', type: [{ code: 'string' }] }]),
    profileOf('systolic', 'Observation', [{ path: 'Observation.code', min: 1, max: '1', patternCodeableConcept: concept('8480-6') }]),
    {
      resourceType: 'ValueSet',
      url: 'http://example.org/fhir/ValueSet/grams',
      status: 'active',
      compose: { include: [{ system: 'http://unitsofmeasure.org', concept: [{ code: 'g' }] }] },
    },
    {
      resourceType: 'ValueSet',
      url: 'http://example.org/fhir/ValueSet/private',
      status: 'active',
      compose: { include: [{ system: 'http://hl7.org/fhir/contact-point-use', concept: [{ code: 'home' }] }] },
    },
  ]);
});

describe.each(list)('slices $title', ({ allowed, refused, url }) => {
  test.each(allowed.map((resource) => [JSON.stringify(resource), resource] as const))('allow %s', async (_, resource) => {
    expect(await world.faults(resource, [url])).toEqual([]);
  });

  test.each(refused.map(([resource, ...faults]) => [JSON.stringify(resource), resource, faults] as const))(
    'refuse %s',
    async (_, resource, faults) => {
      expect(await world.faults(resource)).toEqual([]);
      expect(await world.faults(resource, [url])).toEqual(faults);
    },
  );
});

describe('what is said of slices', () => {
  test('names the discriminator and the nearest item', async () => {
    const url = `${EXAMPLE}by-several-values-of-slices-within-slices`;
    const [closed] = await world
      .validate(parts({ code: { coding: [{ system: 'http://example.org', code: '8480-6' }] }, valueString: 'x' }), [url])
      .then((issues) => issues.filter(({ severity }) => severity === 'error'));
    expect(closed?.text).toBe(
      `Observation.component[0] is of none of the slices that ${url} allows here; the nearest is systolic, for which code.coding.system has to be "http://loinc.org".`,
    );
    expect(closed?.rule).toEqual({ profile: url, version: '1.0.0', key: 'Observation.component' });
    const [missing] = (await world.validate(parts(part('1-8')), [`${EXAMPLE}by-pattern`])).filter(({ severity }) => severity === 'error');
    expect(missing?.text).toBe(
      `Observation.component has no item of the slice systolic of ${EXAMPLE}by-pattern and must have 1: code has to be http://loinc.org|8480-6. The nearest is item 0, but code has to be http://loinc.org|8480-6.`,
    );
  });
});

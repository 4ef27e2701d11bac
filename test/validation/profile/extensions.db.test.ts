import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../../src/definitions/load.ts';
import { EXAMPLE, line, makeWorld, profileOf, type World } from './world.ts';

const R4 = 'http://hl7.org/fhir/StructureDefinition/';
const patient = { resourceType: 'Patient' };
const own = (name: string, more: object = { valueString: 'x' }): object => ({ url: EXAMPLE + name, ...more });

/** The definition of an extension: its url, the elements it changes, and where it may stand. */
function extension(
  name: string,
  context: readonly object[],
  elements: readonly object[] = [],
  more: object = {},
  root: object = {},
): object {
  const url = EXAMPLE + name;
  const head = { path: 'Extension', id: 'Extension', ...root };
  const all = [head, { path: 'Extension.url', id: 'Extension.url', min: 1, max: '1', fixedUri: url }, ...elements];
  return { ...profileOf(name, 'Extension', []), context, snapshot: { element: all }, ...more };
}

const on = (...expressions: string[]): readonly object[] => expressions.map((expression) => ({ type: 'element', expression }));

const definitionsOfOurs = [
  extension('anywhere', on('Element')),
  extension('patient', on('Patient')),
  extension('name', on('HumanName', 'Patient.contact')),
  extension('family', on('Patient.name.family')),
  extension('date', on('date')),
  extension('resource', on('Resource')),
  extension('backbone', on('BackboneElement')),
  extension('choice', on('Patient.deceased[x]')),
  extension('inner', [{ type: 'extension', expression: `${EXAMPLE}anywhere` }]),
  extension('path', [{ type: 'fhirpath', expression: 'Patient.where(active = true)' }]),
  extension('alone', on('Patient'), [], { contextInvariant: ['extension.count() = 1'] }),
  extension('modifier', on('Patient'), [], {}, { isModifier: true }),
  extension('text', on('Element'), [{ path: 'Extension.value[x]', min: 1, max: '1', type: [{ code: 'string' }], maxLength: 3 }]),
  extension('parts', on('Patient'), [
    {
      path: 'Extension.extension',
      id: 'Extension.extension',
      min: 1,
      slicing: { discriminator: [{ type: 'value', path: 'url' }], rules: 'closed' },
    },
    { path: 'Extension.extension', id: 'Extension.extension:code', sliceName: 'code', min: 1, max: '1', type: [{ code: 'Extension' }] },
    { path: 'Extension.extension.url', id: 'Extension.extension:code.url', min: 1, max: '1', fixedUri: 'code' },
    { path: 'Extension.extension.value[x]', id: 'Extension.extension:code.value[x]', min: 1, max: '1', type: [{ code: 'code' }] },
    { path: 'Extension.value[x]', id: 'Extension.value[x]', min: 0, max: '0' },
  ]),
  profileOf('extended', 'Patient', [
    { path: 'Patient.extension', id: 'Patient.extension', slicing: { discriminator: [{ type: 'value', path: 'url' }], rules: 'open' } },
    {
      path: 'Patient.extension',
      id: 'Patient.extension:text',
      sliceName: 'text',
      min: 1,
      max: '1',
      type: [{ code: 'Extension', profile: [`${EXAMPLE}text`] }],
    },
    {
      path: 'Patient.extension',
      id: 'Patient.extension:any',
      sliceName: 'any',
      min: 0,
      max: '1',
      type: [{ code: 'Extension', profile: [`${EXAMPLE}anywhere|1.0.0`] }],
    },
  ]),
];

let world: World;

beforeAll(async () => {
  const definitions = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
  world = makeWorld(definitions, definitionsOfOurs);
});

describe('an extension may stand', () => {
  const allowed: Record<string, object> = {
    'in any element': {
      ...patient,
      name: [{ family: 'A', _family: { extension: [own('anywhere')] }, extension: [own('anywhere')] }],
      extension: [own('anywhere')],
    },
    'in a type of resource': { ...patient, extension: [own('patient')] },
    'in a datatype, wherever that is': {
      ...patient,
      name: [{ text: 'A', extension: [own('name')] }],
      contact: [{ name: { text: 'A', extension: [own('name')] } }],
    },
    'in a backbone element by its path': { ...patient, contact: [{ name: { text: 'A' }, extension: [own('name')] }] },
    'in a backbone element': { ...patient, contact: [{ name: { text: 'A' }, extension: [own('backbone')] }] },
    'in a primitive by its path': { ...patient, name: [{ _family: { extension: [own('family')] } }] },
    'in a primitive by its type': { ...patient, birthDate: '1970', _birthDate: { extension: [own('date')] } },
    'in any resource, contained ones too': {
      ...patient,
      extension: [own('resource')],
      contained: [{ resourceType: 'Organization', id: 'o', name: 'A', extension: [own('resource')] }],
      managingOrganization: { reference: '#o' },
    },
    'in a choice': { ...patient, deceasedBoolean: true, _deceasedBoolean: { extension: [own('choice')] } },
    'in another extension': { ...patient, extension: [{ url: `${EXAMPLE}anywhere`, extension: [own('inner')] }] },
    'where an expression finds it': { ...patient, active: true, extension: [own('path')] },
    'where its invariant holds': { ...patient, extension: [own('alone')] },
    'in modifierExtension, if it modifies': { ...patient, modifierExtension: [own('modifier')] },
    'in an entry of a Bundle': {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ resource: { ...patient, extension: [own('patient')] } }],
    },
  };
  test.each(Object.entries(allowed))('%s', async (_, resource) => {
    expect(await world.faults(resource)).toEqual([]);
  });
});

describe('an extension may not stand', () => {
  const context = (path: string): string => `extension-context ${path} Extension`;
  const refused: Record<string, readonly [object, ...string[]]> = {
    'in another type of resource': [{ resourceType: 'Person', extension: [own('patient')] }, context('Person.extension[0]')],
    'in an element of its type of resource': [
      { ...patient, name: [{ text: 'A', extension: [own('patient')] }] },
      context('Patient.name[0].extension[0]'),
    ],
    'in another datatype': [{ ...patient, address: [{ text: 'A', extension: [own('name')] }] }, context('Patient.address[0].extension[0]')],
    'in the same primitive elsewhere': [
      { ...patient, contact: [{ name: { _family: { extension: [own('family')] } } }] },
      context('Patient.contact[0].name.family.extension[0]'),
    ],
    'in a primitive of another type': [
      { ...patient, gender: 'male', _gender: { extension: [own('date')] } },
      context('Patient.gender.extension[0]'),
    ],
    'in an element, if it is for resources': [
      { ...patient, name: [{ text: 'A', extension: [own('resource')] }] },
      context('Patient.name[0].extension[0]'),
    ],
    'outside of the extension it is for': [{ ...patient, extension: [own('inner')] }, context('Patient.extension[0]')],
    'within an extension, if it is for others': [
      { ...patient, extension: [{ url: `${EXAMPLE}anywhere`, extension: [own('patient')] }] },
      context('Patient.extension[0].extension[0]'),
    ],
    'where its expression finds nothing': [{ ...patient, extension: [own('path')] }, context('Patient.extension[0]')],
    'where its invariant does not hold': [{ ...patient, extension: [own('alone'), own('anywhere')] }, context('Patient.extension[0]')],
    'in extension, if it modifies': [{ ...patient, extension: [own('modifier')] }, 'extension-modifier Patient.extension[0] Extension'],
    'in modifierExtension, if it modifies nothing': [
      { ...patient, modifierExtension: [own('patient')] },
      'extension-modifier Patient.modifierExtension[0] Extension',
    ],
    'outside of another one with a url that is relative': [
      { ...patient, extension: [{ url: 'code', valueString: 'x' }] },
      'extension-url Patient.extension[0]',
    ],
    'if its url is that of a profile': [
      { ...patient, extension: [{ url: `${R4}bp`, valueString: 'x' }] },
      'extension-unknown Patient.extension[0] Extension',
    ],
  };
  test.each(Object.entries(refused))('%s', async (_, [resource, ...faults]) => {
    expect(await world.faults(resource)).toEqual(faults);
  });
});

describe('an extension is as its definition says', () => {
  test.each([
    ['another type of value', own('text', { valueBoolean: true }), 'profile-type Patient.extension[0].value Extension.value[x]'],
    ['too long a value', own('text', { valueString: 'abcd' }), 'profile-length Patient.extension[0].value Extension.value[x]'],
    ['no value', own('text', { extension: [own('anywhere')] }), 'profile-required Patient.extension[0].value Extension.value[x]'],
    [
      'an extension it lacks',
      own('parts', { valueString: 'x' }),
      'profile-required Patient.extension[0].extension Extension.extension',
      'slice-min Patient.extension[0].extension Extension.extension:code',
      'profile-forbidden Patient.extension[0].value Extension.value[x]',
    ],
    [
      'an extension it does not know',
      own('parts', {
        extension: [
          { url: 'code', valueCode: 'x' },
          { url: 'cod', valueCode: 'x' },
        ],
      }),
      'extension-part Patient.extension[0].extension[1] Extension.extension',
      'slice-closed Patient.extension[0].extension[1] Extension.extension',
    ],
    [
      'another type of value in an extension of it',
      own('parts', { extension: [{ url: 'code', valueString: 'x' }] }),
      'profile-type Patient.extension[0].extension[0].value Extension.extension:code.value[x]',
    ],
    [
      'a code R4 does not have there',
      { url: `${R4}patient-mothersMaidenName`, valueBoolean: true },
      'profile-type Patient.extension[0].value Extension.value[x]',
    ],
  ])('refuses %s', async (_, found, ...faults) => {
    expect(await world.faults({ ...patient, extension: [found] })).toEqual(faults);
  });

  test('tells parts apart by their names, if it leaves out their urls', async () => {
    const interval = {
      url: `${R4}quantity-confidenceInterval`,
      extension: [
        { url: 'confidence', valueDecimal: 95 },
        { url: 'interval', valueQuantity: { value: 1 } },
      ],
    };
    const measured = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      valueQuantity: { value: 1, extension: [interval] },
    };
    expect(await world.faults(measured)).toEqual([]);
  });

  test('has no parts but those it names', async () => {
    const found = [{ url: `${EXAMPLE}text`, extension: [{ url: 'code', valueCode: 'x' }] }];
    expect(await world.faults({ ...patient, extension: found })).toContain(
      'extension-part Patient.extension[0].extension[0] Extension.extension',
    );
  });

  test('allows what it says', async () => {
    const found = [
      own('text', { valueString: 'abc' }),
      own('parts', { extension: [{ url: 'code', valueCode: 'x' }] }),
      { url: `${R4}patient-mothersMaidenName`, valueString: 'A' },
    ];
    expect(await world.faults({ ...patient, extension: found })).toEqual([]);
  });
});

describe('an extension that is not known', () => {
  test('is told of once, by its url', async () => {
    const issues = await world.validate({
      ...patient,
      extension: [own('unknown'), own('unknown')],
      name: [{ text: 'A', extension: [own('unknown')] }],
    });
    const told = issues.filter(({ id }) => id === 'extension-unknown');
    expect(told.map(({ severity, expression }) => [severity, expression])).toEqual([['information', ['Patient.extension[0]']]]);
    expect(told[0]?.text).toContain(`${EXAMPLE}unknown`);
  });

  test('is a warning if it modifies', async () => {
    const issues = await world.validate({ ...patient, modifierExtension: [own('unknown')] });
    expect(issues.filter(({ severity }) => severity === 'warning').map(line)).toContain(
      'extension-unknown Patient.modifierExtension[0] Extension',
    );
  });
});

describe('a profile with extensions', () => {
  test('asks for those it requires and counts them', async () => {
    const profile = [`${EXAMPLE}extended`];
    expect(await world.faults({ ...patient, extension: [own('text', { valueString: 'a' })] }, profile)).toEqual([]);
    expect(await world.faults(patient, profile)).toEqual(['slice-min Patient.extension Patient.extension:text']);
    expect(
      await world.faults({ ...patient, extension: [own('text', { valueString: 'a' }), own('anywhere'), own('anywhere')] }, profile),
    ).toEqual(['slice-max Patient.extension Patient.extension:any']);
  });

  test('reports a fault within one of them once', async () => {
    expect(await world.faults({ ...patient, extension: [own('text', { valueString: 'abcd' })] }, [`${EXAMPLE}extended`])).toEqual([
      'profile-length Patient.extension[0].value Extension.value[x]',
    ]);
  });
});

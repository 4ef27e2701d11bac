import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/fhir/json.ts';
import { compileShapes } from '../../src/validation/shape.ts';
import { smallSchema } from './small-schema.ts';

const check = compileShapes(smallSchema);
const issuesOf = (resource: JsonObject) => check(resource, new Map());
const found = (resource: JsonObject) => issuesOf(resource).map(({ id, expression }) => `${id} ${expression?.[0]}`);

const patient = (members: JsonObject): JsonObject => ({ resourceType: 'Patient', ...members });
const observation = (members: JsonObject): JsonObject => ({
  resourceType: 'Observation',
  status: 'final',
  code: { code: 'a' },
  ...members,
});
const note = { url: 'http://example.org/note', valueString: 'x' };
const nested = (depth: number): JsonObject => ({ url: 'a', extension: [depth === 0 ? note : nested(depth - 1)] });

describe('a valid shape has no issues', () => {
  test.each<[string, JsonObject]>([
    ['nothing but a type', patient({})],
    ['required elements', observation({})],
    ['a required element with only an extension', observation({ status: undefined as never, _status: { extension: [note] } })],
    ['a choice', observation({ valueQuantity: { value: 5.4, unit: 'mmol/l' } })],
    ['a choice with an extension beside its value', patient({ deceasedBoolean: true, _deceasedBoolean: { extension: [note] } })],
    ['the same, the extension first', patient({ _deceasedBoolean: { id: 'a' }, deceasedBoolean: true })],
    ['a choice with only an extension', observation({ component: [{ code: { code: 'a' }, _valueString: { extension: [note] } }] })],
    ['parallel arrays', patient({ name: [{ given: ['Ada', null], _given: [null, { extension: [note] }] }] })],
    ['an array of extensions without its primitives', patient({ name: [{ _given: [{ extension: [note] }] }] })],
    ['an id beside a primitive', patient({ birthDate: '1970-03-01', _birthDate: { id: 'b' } })],
    ['an extension of extensions', patient({ extension: [nested(3)] })],
    ['an extension whose value has only an extension', patient({ extension: [{ url: 'a', _valueCode: { extension: [note] } }] })],
    ['a contained resource', patient({ contained: [observation({ id: 'o' })] })],
    ['a resource in a bundle entry', { resourceType: 'Bundle', type: 'collection', entry: [{ resource: patient({ active: true }) }] }],
    ['a primitive type with the format of its base', patient({ remark: 'text' })],
    ['a member that is undefined', patient({ birthDate: undefined as never })],
  ])('%s', (_, resource) => {
    expect(found(resource)).toEqual([]);
  });
});

describe('a fault is found at its path', () => {
  test.each<[string, JsonObject, string[]]>([
    ['an unknown property', patient({ brithDate: '1970' }), ['shape-unknown-element Patient.brithDate']],
    ['an unknown property with underscore', patient({ _nome: { id: 'a' } }), ['shape-unknown-element Patient._nome']],
    [
      'a resourceType in a datatype',
      observation({ code: { resourceType: 'Coding', code: 'a' } }),
      ['shape-unknown-element Observation.code.resourceType'],
    ],
    ['a missing element', { resourceType: 'Observation', status: 'final' }, ['shape-required Observation.code']],
    ['a missing choice', observation({ component: [{ code: { code: 'a' } }] }), ['shape-required Observation.component[0].value']],
    ['two members of a choice', patient({ deceasedBoolean: true, deceasedDateTime: '2020' }), ['shape-choice Patient.deceased']],
    [
      'an extension for another member of a choice',
      patient({ deceasedBoolean: true, _deceasedDateTime: { extension: [note] } }),
      ['shape-choice Patient.deceased'],
    ],
    ['an object for an array', patient({ name: { family: 'x' } }), ['shape-array Patient.name']],
    ['an array for an object', observation({ code: [{ code: 'a' }] }), ['shape-single Observation.code']],
    ['an array for a primitive', patient({ birthDate: ['1970'] }), ['shape-single Patient.birthDate']],
    ['a string for an array of primitives', patient({ name: [{ given: 'Ada' }] }), ['shape-array Patient.name[0].given']],
    ['a string for an object', observation({ code: 'a' }), ['shape-kind Observation.code']],
    ['an object for a string', patient({ name: [{ family: { x: 'y' } }] }), ['shape-kind Patient.name[0].family']],
    ['a string for a boolean', patient({ active: 'true' }), ['shape-kind Patient.active']],
    ['a number for a string', patient({ name: [{ given: ['a', 5] }] }), ['shape-kind Patient.name[0].given[1]']],
    ['a string for a decimal', observation({ valueQuantity: { value: '5.4' } }), ['shape-kind Observation.value.value']],
    ['a date that is none', patient({ birthDate: '1970-02-30' }), ['shape-format Patient.birthDate']],
    ['a fraction for an integer', patient({ multipleBirthInteger: 1.5 }), ['shape-format Patient.multipleBirth']],
    ['an empty string', patient({ name: [{ family: '' }] }), ['shape-empty Patient.name[0].family']],
    ['an empty array', patient({ name: [] }), ['shape-empty Patient.name']],
    ['an empty array of primitives', patient({ name: [{ given: [] }] }), ['shape-empty Patient.name[0].given']],
    ['an empty object', patient({ name: [{}] }), ['shape-empty Patient.name[0]']],
    ['an object of an id alone', patient({ name: [{ id: 'n' }] }), ['shape-empty Patient.name[0]']],
    ['null for a primitive', patient({ birthDate: null }), ['shape-null Patient.birthDate']],
    ['null for an object', observation({ code: null }), ['shape-null Observation.code']],
    ['null for an array', patient({ name: null }), ['shape-null Patient.name']],
    ['null among objects', patient({ name: [null] }), ['shape-null Patient.name[0]']],
    ['null among primitives without an extension', patient({ name: [{ given: ['a', null] }] }), ['shape-null Patient.name[0].given[1]']],
    ['null in both arrays', patient({ name: [{ given: [null], _given: [null] }] }), ['shape-null Patient.name[0].given[0]']],
    [
      'null in an array of extensions alone',
      patient({ name: [{ _given: [null, { extension: [note] }] }] }),
      ['shape-null Patient.name[0].given[0]'],
    ],
    [
      'arrays of different lengths',
      patient({ name: [{ given: ['a', 'b'], _given: [{ id: 'g' }] }] }),
      ['shape-parallel Patient.name[0].given'],
    ],
    ['a primitive extension that is no object', patient({ _birthDate: 'x' }), ['shape-primitive-extension Patient.birthDate']],
    [
      'a primitive extension that is null',
      patient({ birthDate: '1970', _birthDate: null }),
      ['shape-primitive-extension Patient.birthDate'],
    ],
    ['an empty primitive extension', patient({ birthDate: '1970', _birthDate: {} }), ['shape-empty Patient.birthDate']],
    ['an id for a primitive without value', patient({ _birthDate: { id: 'b' } }), ['shape-empty Patient.birthDate']],
    [
      'a value in a primitive extension',
      patient({ birthDate: '1970', _birthDate: { value: 'x' } }),
      ['shape-unknown-element Patient.birthDate.value'],
    ],
    ['an extension of an id', patient({ id: 'a', _id: { extension: [note] } }), ['shape-unknown-element Patient._id']],
    ['an extension without url', patient({ extension: [{ valueString: 'x' }] }), ['shape-required Patient.extension[0].url']],
    [
      'an extension with value and extensions',
      patient({ extension: [{ ...note, extension: [note] }] }),
      ['shape-extension Patient.extension[0]'],
    ],
    ['an extension with nothing', patient({ extension: [{ url: 'a' }] }), ['shape-extension Patient.extension[0]']],
    [
      'an extension in a primitive',
      patient({ _birthDate: { extension: [{ url: 'a b', valueString: 'x' }] } }),
      ['shape-format Patient.birthDate.extension[0].url'],
    ],
    ['a contained resource without id', patient({ contained: [observation({})] }), ['shape-contained Patient.contained[0].id']],
    [
      'contained in contained',
      patient({ contained: [observation({ id: 'o', contained: [patient({ id: 'p' })] })] }),
      ['invariant-dom-2 Patient.contained[0].contained'],
    ],
    [
      'a fault in a contained resource',
      patient({ contained: [observation({ id: 'o', status: 5 })] }),
      ['shape-kind Patient.contained[0].status'],
    ],
    ['a contained resource without type', patient({ contained: [{ id: 'o' }] }), ['shape-resource-type Patient.contained[0]']],
    ['an abstract type', { resourceType: 'Resource' }, ['shape-resource-type Resource']],
    ['a datatype as resource', { resourceType: 'HumanName' }, ['shape-resource-type Resource']],
    ['a type of Object.prototype', { resourceType: 'constructor' }, ['shape-resource-type Resource']],
    ['a type that is a number', { resourceType: 5 }, ['shape-resource-type Resource']],
    ['no type', { id: 'a' }, ['shape-resource-type Resource']],
    [
      'a fault in a bundle entry',
      { resourceType: 'Bundle', type: 'collection', entry: [{ fullUrl: 'urn:x' }, { resource: patient({ active: 1 }) }] },
      ['shape-kind Bundle.entry[1].resource.active'],
    ],
    ['more items than may be', patient({ contact: [{ rank: [1] }, { rank: [2] }, { rank: [3] }] }), ['shape-count Patient.contact']],
    ['a zero among positive integers', patient({ contact: [{ rank: [1, 0] }] }), ['shape-format Patient.contact[0].rank[1]']],
    ['a resource id of 65 characters', patient({ id: 'a'.repeat(65) }), ['shape-format Patient.id']],
    ['an element id with a space', patient({ name: [{ id: 'a b', family: 'x' }] }), ['shape-format Patient.name[0].id']],
    [
      'several at once',
      observation({ status: undefined as never, issued: 'x', valueString: 5, foo: [] }),
      [
        'shape-format Observation.issued',
        'shape-kind Observation.value',
        'shape-unknown-element Observation.foo',
        'shape-required Observation.status',
      ],
    ],
  ])('%s', (_, resource, issues) => {
    expect(found(resource)).toEqual(issues);
  });
});

describe('the literal of a number', () => {
  const withLiteral = (holder: JsonObject, name: string, literal: string, resource: JsonObject) =>
    check(resource, new Map([[holder, { [name]: literal }]])).map(({ id, expression }) => `${id} ${expression?.join()}`);

  test.each(['1.0', '1e0', '1E0'])('%s is no integer though its value is whole', (literal) => {
    const resource = patient({ multipleBirthInteger: 1 });
    expect(withLiteral(resource, 'multipleBirthInteger', literal, resource)).toEqual(['shape-format Patient.multipleBirth']);
  });

  test('of an array item counts too', () => {
    const rank = [1];
    const resource = patient({ contact: [{ rank }] });
    expect(check(resource, new Map([[rank, { 0: '1.0' }]]))).toMatchObject([{ expression: ['Patient.contact[0].rank[0]'] }]);
  });

  test.each([
    '1.00',
    '0.123456789012345678',
    '0.3333333333333333333333333333',
    '1.000000000000000000E-245',
    '1234567890123456789',
    '-12345678901234567.8e3',
  ])('%s as a decimal', (literal) => {
    const quantity = { value: Number(literal) };
    const issues = withLiteral(quantity, 'value', literal, observation({ valueQuantity: quantity }));
    expect(issues).toEqual([]);
  });
});

describe('what an issue says', () => {
  const textOf = (resource: JsonObject) => issuesOf(resource).map(({ text }) => text);

  test('names the nearest property', () => {
    expect(textOf(patient({ brithDate: '1970' }))).toEqual(['Patient.brithDate is no property of Patient; did you mean birthDate?']);
    expect(textOf(patient({ Active: true }))[0]).toContain('did you mean active?');
    expect(textOf(observation({ valueQuant: 5 }))[0]).toContain('did you mean valueQuantity?');
  });

  test('lists the members of a choice', () => {
    expect(textOf(observation({ value: 5 }))[0]).toBe(
      'Observation.value is no property of Observation: write valueQuantity, valueString, valueInteger.',
    );
    expect(textOf(observation({ component: [{ code: { code: 'a' } }] }))[0]).toBe(
      'Observation.component[0].value is required and missing: add one of valueQuantity, valueString.',
    );
  });

  test('never quotes a value, nor a name that may be one', () => {
    const secret = 'Zyxwvutsrqpo';
    const texts = JSON.stringify(
      issuesOf(
        patient({
          [`${secret} 1970-01-01`]: 'x',
          id: `${secret}?`,
          birthDate: secret,
          active: secret,
          name: [{ given: secret, family: [secret], use: ` ${secret}` }],
          multipleBirthInteger: secret,
          contained: [{ resourceType: secret }, { resourceType: 'Observation', status: ` ${secret}`, code: secret }],
        }),
      ),
    );
    expect(texts).toContain('shape-unknown-element');
    expect(texts).not.toContain(secret);
    expect(texts).not.toContain('1970');
  });
});

describe('limits', () => {
  test('fifty issues, and one that says there are more', () => {
    const issues = issuesOf(patient({ name: Array.from({ length: 1_000 }, () => ({ family: 5 })) }));
    expect(issues).toHaveLength(51);
    expect(issues.at(-1)).toMatchObject({ id: 'shape-more', code: 'incomplete' });
    expect(issues[49]?.expression).toEqual(['Patient.name[49].family']);
  });

  test('exactly fifty issues say nothing of more', () => {
    const issues = issuesOf(patient({ name: Array.from({ length: 50 }, () => ({ family: 5 })) }));
    expect(issues.map(({ id }) => id)).not.toContain('shape-more');
    expect(issues).toHaveLength(50);
  });

  test('an object far too deep is an issue, not a fallen stack', () => {
    expect(issuesOf(patient({ extension: [nested(5_000)] }))).toMatchObject([{ id: 'shape-depth' }]);
  });

  test('a hundred thousand faults are passed over quickly', () => {
    const resource = patient(Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`name${at}`, at])));
    const start = performance.now();
    expect(issuesOf(resource)).toHaveLength(51);
    expect(performance.now() - start).toBeLessThan(200);
  });
});

test('one walk leaves nothing behind for the next', () => {
  const wrong = patient({ name: [{ given: [5] }] });
  expect(found(wrong)).toEqual(found(wrong));
  expect(found(patient({ active: true }))).toEqual([]);
});

test('whatever JSON stands where a resource should, it is answered with issues', () => {
  const known = [
    'resourceType',
    'id',
    'meta',
    'text',
    'div',
    'contained',
    'extension',
    'url',
    'valuePeriod',
    '_valueString',
    'name',
    'given',
    '_given',
  ];
  const key = fc.oneof(
    fc.constantFrom(...known, 'birthDate', '_birthDate', 'contact', 'rank', 'entry', 'resource', 'component', '__proto__'),
    fc.string(),
  );
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom('Patient', 'Observation', 'Bundle', ''),
      fc.constantFrom<Json>(null, true, 0, -0, 1.5, Number.MAX_VALUE),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 6 }),
    ),
  }));
  const members = fc.dictionary(key, value, { maxKeys: 8 });
  fc.assert(
    fc.property(fc.constantFrom('Patient', 'Observation', 'Bundle', undefined), members, (resourceType, others) => {
      const issues = issuesOf(resourceType === undefined ? others : { ...others, resourceType });
      expect(issues.length).toBeLessThanOrEqual(51);
      for (const { text, expression } of issues) expect(text.startsWith(expression?.[0] ?? 'More')).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

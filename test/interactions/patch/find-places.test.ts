import { describe, expect, test } from 'vitest';
import { FhirError } from '../../../src/fhir/error.ts';
import type { JsonObject } from '../../../src/fhir/json.ts';
import { findPlaces } from '../../../src/interactions/patch/find-places.ts';
import { depthOf, type Place, rootPlace } from '../../../src/interactions/patch/places.ts';
import { patchSchema } from './patch-schema.ts';

const patient: JsonObject = {
  resourceType: 'Patient',
  active: true,
  deceasedBoolean: false,
  gender: 'male',
  _birthDate: { extension: [{ url: 'http://a', valueDecimal: 1.5 }] },
  name: [
    { use: 'official', given: ['x', 'y'], _given: [null, { id: 'g' }], period: { start: '2020' } },
    { use: 'usual', given: ['x', 'y'] },
    { given: [null], _given: [{ id: 'h' }] },
  ],
  identifier: [{ value: 'only' }],
};

function find(path: string, stepsLeft = 10_000): Place[] {
  const refuse = (reason: string): FhirError =>
    new FhirError(422, [{ severity: 'error', code: 'processing', id: 'refused', text: reason }]);
  return findPlaces(path, rootPlace(patient), { schema: patchSchema, work: { stepsLeft }, refuse });
}

describe('a condition is', () => {
  // Told apart by asking it and its contrary: FHIRPath's empty collection is neither.
  test.each([
    ['active', true],
    ['deceased', false],
    ['gender', true],
    ['maritalStatus', undefined],
    ['true', true],
    ['false', false],
    ["gender = 'male'", true],
    ["gender = 'female'", false],
    ["gender != 'female'", true],
    ["gender != 'male'", false],
    ["maritalStatus.text = 'x'", undefined],
    ["maritalStatus.text != 'x'", undefined],
    ['name[0].given = name[1].given', true],
    ['name[0].given = name[1].given.first()', false],
    ['name[0].period = name[0].period', true],
    ['name[0].period = name[0].use', false],
    ["name.use = ('official' | 'usual')", true],
    ["name.use = ('usual' | 'official')", false],
    ['birthDate.extension.value = 1.5', true],
    ["birthDate = '2020'", undefined],
    ["gender in ('female' | 'male')", true],
    ["gender in ('female' | 'other')", false],
    ['gender in maritalStatus.text', false],
    ["maritalStatus.text in ('female' | 'male')", undefined],
    ['active and active', true],
    ['active and deceased', false],
    ['deceased and maritalStatus.exists(id)', false],
    ["deceased and (maritalStatus.text = 'x')", false],
    ["(maritalStatus.text = 'x') and deceased", false],
    ["active and (maritalStatus.text = 'x')", undefined],
    ['active or deceased', true],
    ['deceased or active', true],
    ['deceased or deceased', false],
    ["active or (maritalStatus.text = 'x')", true],
    ["(maritalStatus.text = 'x') or active", true],
    ["deceased or (maritalStatus.text = 'x')", undefined],
    ['active xor active', false],
    ['active xor deceased', true],
    ["(maritalStatus.text = 'x') xor active", undefined],
    ["active xor (maritalStatus.text = 'x')", undefined],
    ['active implies deceased', false],
    ['active implies active', true],
    ['deceased implies deceased', true],
    ["deceased implies (maritalStatus.text = 'x')", true],
    ["(maritalStatus.text = 'x') implies active", true],
    ["(maritalStatus.text = 'x') implies deceased", undefined],
    ["active implies (maritalStatus.text = 'x')", undefined],
    ['name.exists()', true],
    ['maritalStatus.exists()', false],
    ["name.exists(use = 'usual')", true],
    ["name.exists(use = 'old')", false],
    ['name.empty()', false],
    ['maritalStatus.empty()', true],
    ['gender.hasValue()', true],
    ['birthDate.hasValue()', false],
    ['birthDate.exists()', true],
    ['name.hasValue()', false],
    ['name[0].hasValue()', false],
    ['name.count() = 3', true],
    ['maritalStatus.count() = 0', true],
    ["gender.startsWith('ma')", true],
    ["gender.startsWith('al')", false],
    ["gender.contains('al')", true],
    ["gender.contains('x')", false],
    ["gender.endsWith('le')", true],
    ["gender.endsWith('ma')", false],
    ["maritalStatus.text.startsWith('x')", undefined],
    ["active.startsWith('x')", undefined],
    ['$this is Patient', true],
    ['$this is DomainResource', true],
    ['$this is Observation', false],
    ['gender is code', true],
    ['gender is string', true],
    ['gender is date', false],
    ['maritalStatus is CodeableConcept', undefined],
  ])('%s: %s', (condition, expected) => {
    expect(find(`Patient.where(${condition})`)).toHaveLength(expected === true ? 1 : 0);
    expect(find(`Patient.where((${condition}).not())`)).toHaveLength(expected === false ? 1 : 0);
  });

  test.each(['name', 'name is HumanName', "name.use in ('x' | 'y')", 'name.use.contains(gender)'])(
    'refused if %s has several values where one is needed',
    (condition) => {
      expect(() => find(`Patient.where(${condition})`)).toThrow(expect.objectContaining({ status: 422 }));
    },
  );
});

describe('the places found', () => {
  test('say where they stand', () => {
    const [given, ...others] = find("Patient.name.where(use = 'usual').given[1]");
    expect(others).toEqual([]);
    expect(given).toMatchObject({
      index: 1,
      value: 'y',
      type: 'string',
      element: { name: 'given' },
      owner: { index: 1, type: 'HumanName' },
    });
    expect(given && depthOf(given)).toBe(4);
    expect(find('Patient').map(depthOf)).toEqual([0]);
    expect(find('Patient.gender').map(depthOf)).toEqual([1]);
    expect(find('Patient.name[0].period.start').map(depthOf)).toEqual([4]);
  });

  test('count items that have extensions only', () => {
    expect(find('Patient.name.given').map(({ value }) => value)).toEqual(['x', 'y', 'x', 'y', undefined]);
    expect(find('Patient.name[2].given.id').map(({ value }) => value)).toEqual(['h']);
    expect(find('Patient.name.given.id').map(({ value }) => value)).toEqual(['g', 'h']);
  });

  test('of single() may be none or one', () => {
    expect(find('Patient.identifier.single()')).toHaveLength(1);
    expect(find('Patient.maritalStatus.single()')).toEqual([]);
    expect(() => find('Patient.name.take(2).single()')).toThrow(FhirError);
  });

  test('of skip(), take(), tail(), first() and last() are those of the list', () => {
    const uses = (path: string): unknown[] => find(path).map(({ index }) => index);
    expect(uses('Patient.name.skip(1)')).toEqual([1, 2]);
    expect(uses('Patient.name.skip(9)')).toEqual([]);
    expect(uses('Patient.name.take(2)')).toEqual([0, 1]);
    expect(uses('Patient.name.tail()')).toEqual([1, 2]);
    expect(uses('Patient.name.first()')).toEqual([0]);
    expect(uses('Patient.name.last()')).toEqual([2]);
    expect(uses('Patient.name[7]')).toEqual([]);
  });
});

test('the steps are counted, whatever the path does', () => {
  for (const path of ['Patient.name.given', "Patient.where(name.exists(given = 'x'))", "Patient.where('a' = 'a' and 'b' = 'b')"]) {
    expect(() => find(path, 2)).toThrow(expect.objectContaining({ status: 422 }));
  }
});

test.each([
  '',
  ' ',
  '.',
  'Patient.',
  'Patient.name[',
  'Patient.name[x]',
  'Patient.name[-1]',
  'Patient.name | Patient.identifier',
  'Patient.skip()',
  "Patient.take('1')",
  'Patient.where()',
  'Patient.children()',
  'Patient.descendants()',
  'Patient.name.select(given)',
  '%resource.name',
  'Patient.name.where(use ~ "x")',
  'Patient.birthDate > @2020',
  'Patient.name.where(1 + 1 = 2)',
  '@2020',
  "Patient.name.trace('x')",
])('«%s» is beyond what patches support: a 400', (path) => {
  expect(() => find(path)).toThrow(expect.objectContaining({ status: 400 }));
});

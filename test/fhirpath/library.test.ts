import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { FhirError } from '../../src/fhir/error.ts';
import { compilePaths, prepareLibrary } from '../../src/fhirpath/compile.ts';
import { R4_IN_SMALL as schema } from './mini-schema.ts';

const beyondUs = "Patient.name.select(given.join(' '))";
const patient = {
  resourceType: 'Patient',
  id: 'x',
  birthDate: '1815-12-10',
  name: [{ given: ['Ada', 'Augusta'], family: 'L' }, { family: 'B' }],
};

function find(expression: string, type = 'Patient', item: object = patient): string[] {
  const found: string[] = [];
  for (const path of compilePaths(expression, type, schema)) {
    path.each(item, (value, datatype, holder, key) => {
      expect([holder, key]).toEqual([undefined, undefined]);
      found.push(`${datatype} ${JSON.stringify(value)}`);
    });
  }
  return found;
}

test('without the library a path beyond us compiles, and says what is missing when used', () => {
  const [path] = compilePaths(beyondUs, 'Patient', schema);
  expect(path).toMatchObject({ simple: false, types: [] });
  expect(() => path?.each(patient, () => {})).toThrow('prepareLibrary');
  expect(compilePaths('Patient.name[[', 'Patient', schema)).toHaveLength(1);
});

describe('with the library', () => {
  beforeAll(prepareLibrary);
  afterEach(() => vi.restoreAllMocks());

  test.each([
    [beyondUs, ['string "Ada Augusta"']],
    ['Patient.name.count()', ['integer 2']],
    ['Patient.name.last()', ['HumanName {"family":"B"}']],
    ['Patient.birthDate.substring(0, 4)', ['string "1815"']],
    ['Patient.birthDate > @1800-01-01', ['boolean true']],
    ["Patient.birthDate = '1815-12-10'", ['boolean false']], // A date is no string.
    ["Patient.name.where(family.startsWith('B')).family", ['string "B"']],
    ['(Patient.name | Patient.telecom).count()', ['integer 2']],
    // An error for this resource (two items where one is meant) finds nothing.
    ['Patient.name.family.substring(0, 1)', []],
    ["Patient.contained.where(id = 'x').id", []],
  ])('%s', (expression, expected) => {
    expect(find(expression)).toEqual(expected);
  });

  test('only the branch beyond us is left to it, and branches of other types are dropped all the same', () => {
    const paths = compilePaths(`Observation.status.upper() | Patient.id | (${beyondUs}) | Observation.value.round()`, 'Patient', schema);
    expect(paths.map(({ path, simple }) => [path, simple])).toEqual([
      ['Patient.id', true],
      [beyondUs, false],
    ]);
  });

  test('a bar within a string or an argument divides nothing', () => {
    expect(compilePaths("Patient.id.replace('|', '') ", 'Patient', schema).map(({ path }) => path)).toEqual([
      "Patient.id.replace('|', '')",
    ]);
    expect(find("Patient.name.family.intersect('L' | 'X')")).toEqual(['string "L"']);
  });

  test('it knows the type of an item that is no resource', () => {
    expect(find('given.join()', 'HumanName', patient.name[0])).toEqual(['string "AdaAugusta"']);
  });

  test.each(['Patient.name[[', 'Patient.id.nosuch()', 'Patient.', "Patient.id.replace('", ''])(
    '%j is refused: it is no FHIRPath',
    (expression) => {
      expect(() => compilePaths(expression, 'Patient', schema)).toThrow(FhirError);
    },
  );

  test.each(['Patient.link.other.resolve().id', "Patient.name.use.memberOf('urn:vs')", "Patient.conformsTo('urn:p')"])(
    '%s is refused: it needs more than the resource',
    (expression) => {
      expect(() => compilePaths(expression, 'Patient', schema)).toThrow(expect.objectContaining({ status: 400 }));
    },
  );

  test('trace() does not write what it sees to the console', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    expect(find("Patient.id.trace('seen')")).toEqual(['string "x"']);
    expect(log).not.toHaveBeenCalled();
  });
});

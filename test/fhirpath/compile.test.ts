import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePaths } from '../../src/fhirpath/compile.ts';
import { R4_IN_SMALL as schema } from './mini-schema.ts';

const pathsOf = (expression: string, type: string) => compilePaths(expression, type, schema).map(({ path }) => path);

/** All values with their types, as `type value`. */
function find(expression: string, resource: Record<string, unknown>, type = String(resource['resourceType'])): string[] {
  const found: string[] = [];
  for (const path of compilePaths(expression, type, schema)) {
    expect(path.simple, path.path).toBe(true);
    path.each(resource, (value, datatype) => found.push(`${datatype} ${JSON.stringify(value)}`));
  }
  return found;
}

const ada = {
  resourceType: 'Patient',
  id: 'p1',
  meta: { tag: [{ system: 'urn:s', code: 'a' }] },
  extension: [
    { url: 'urn:born-in', valueString: 'Ulm' },
    { url: 'urn:other', valueString: 'no' },
    { url: 'urn:born-in', valueReference: { reference: 'Location/1' } },
  ],
  contained: [
    { resourceType: 'Observation', status: 'final' },
    { resourceType: 'Patient', active: true },
  ],
  active: false,
  name: [
    { family: 'Lovelace', given: ['Ada', 'Augusta'] },
    { family: 'Byron', use: 'maiden' },
  ],
  telecom: [
    { system: 'phone', value: '1', rank: 1 },
    { system: 'email', value: 'a@b' },
    { system: 'phone', value: '2' },
  ],
  birthDate: '1815-12-10',
  deceasedDateTime: '1852-11-27',
  link: [{ other: { reference: 'Patient/2' }, type: 'seealso' }],
};

describe('paths', () => {
  test.each([
    ['Patient.name.given', ['string "Ada"', 'string "Augusta"']],
    ['name.family', ['string "Lovelace"', 'string "Byron"']],
    ['Resource.meta.tag.code', ['code "a"']],
    ['DomainResource.id', ['id "p1"']],
    ['Patient.active', ['boolean false']],
    ['Patient.deceased', ['dateTime "1852-11-27"']],
    ['(Patient.deceased as dateTime)', ['dateTime "1852-11-27"']],
    ['Patient.deceased.as(DateTime)', ['dateTime "1852-11-27"']],
    ['Patient.deceased.ofType(FHIR.dateTime)', ['dateTime "1852-11-27"']],
    ['Patient.deceased as boolean', []],
    ['Patient.nothing.such', []],
    ['Observation.status', []],
    ["Patient.telecom.where(system='phone').value", ['string "1"', 'string "2"']],
    ["Patient.telecom.where(system = 'phone' and rank = 1).value", ['string "1"']],
    ['Patient.telecom.where(rank.exists().not()).value', ['string "a@b"', 'string "2"']],
    ["Patient.telecom.where(system in ('email' | 'fax')).value", ['string "a@b"']],
    ["Patient.telecom.where(system != 'phone').system", ['code "email"']],
    ['Patient.name.where(use.empty()).family', ['string "Lovelace"']],
    ["Patient.name.where(given = 'Ada').family", []], // Two given names are not one that equals another.
    ['Patient.name[1].family', ['string "Byron"']],
    ['Patient.name.given[1]', ['string "Augusta"']],
    ['Patient.name.given.first()', ['string "Ada"']],
    ['Patient.name[7].family', []],
    ['Patient.name.select(family)', ['string "Lovelace"', 'string "Byron"']],
    ['(Patient.name | Patient.link).other', ['Reference {"reference":"Patient/2"}']],
    ["Patient.extension('urn:born-in')", ['string "Ulm"', 'Reference {"reference":"Location/1"}']],
    ["Patient.extension.where(url = 'urn:born-in').value.ofType(string)", ['string "Ulm"']],
    ["Patient.where(hasExtension('urn:born-in')).id", ['id "p1"']],
    ["Patient.where(hasExtension('urn:none')).id", []],
    ['Patient.contained.ofType(Observation).status', ['code "final"']],
    ['Patient.contained.ofType(Patient)', ['Patient {"resourceType":"Patient","active":true}']],
    ['$this.id', ['id "p1"']],
    ['`birthDate`', ['date "1815-12-10"']],
  ])('%s', (expression, expected) => {
    expect(find(expression, ada)).toEqual(expected);
  });

  test('a choice includes the types derived from the one asked for', () => {
    const years = { resourceType: 'Observation', valueAge: { value: 3 } };
    expect(find('Observation.value as Quantity', years)).toEqual(['Age {"value":3}']);
    expect(find('Observation.value.ofType(Age)', years)).toEqual(['Age {"value":3}']);
  });

  test('what is in a bundle can be picked, and is a Resource', () => {
    const bundle = {
      resourceType: 'Bundle',
      entry: [{ resource: { resourceType: 'Patient', id: '1' } }, { resource: { resourceType: 'Patient' } }],
    };
    expect(find('Bundle.entry[0].resource', bundle)).toEqual(['Resource {"resourceType":"Patient","id":"1"}']);
  });
});

describe('truth values', () => {
  const deceased = 'Patient.deceased.exists() and Patient.deceased != false';

  test.each([
    [{}, false],
    [{ deceasedBoolean: false }, false],
    [{ deceasedBoolean: true }, true],
    [{ deceasedDateTime: '1852' }, true],
  ])('R4 says who is deceased: %j is %s', (given, expected) => {
    expect(find(deceased, { resourceType: 'Patient', ...given })).toEqual([`boolean ${expected}`]);
  });

  test.each([
    ['active and id.exists()', 'boolean true'],
    ['active or id.exists()', 'boolean true'],
    ['active xor id.exists()', 'boolean false'],
    ['active implies id.empty()', 'boolean false'],
    ['active.not()', 'boolean false'],
    ['active = true', 'boolean true'],
    ['multipleBirth = 2', 'boolean true'],
    ['multipleBirth is integer', 'boolean true'],
    ['multipleBirth is boolean', 'boolean false'],
    ["name.exists(family = 'B')", 'boolean true'],
    ["name.where(family = 'C').exists()", 'boolean false'],
    // Empty, for there is no such value: nothing is found.
    ['birthDate = true', undefined],
    ['deceased and active', undefined],
    ['deceased = true or active.not()', undefined],
    ['deceased is boolean', undefined],
  ])('%s finds %s', (expression, expected) => {
    const patient = { resourceType: 'Patient', id: '1', active: true, multipleBirthInteger: 2, name: [{ family: 'A' }, { family: 'B' }] };
    expect(find(expression, patient)).toEqual(expected === undefined ? [] : [expected]);
  });
});

describe('what is told about a path', () => {
  test.each([
    ['(Observation.value as string)', 'Observation', 'Observation.value.ofType(string)'],
    ['Observation.value.as(string)', 'Observation', 'Observation.value.ofType(string)'],
    ['value.ofType(string)', 'Observation', 'Observation.value.ofType(string)'],
    ['value.as(string)', 'Observation.component', 'Observation.component.value.ofType(string)'],
    ['Observation.status.ofType(code)', 'Observation', 'Observation.status'],
    ['Resource.id', 'Patient', 'Patient.id'],
    ["Patient.telecom.where( system = 'phone' )", 'Patient', "Patient.telecom.where(system='phone')"],
    ["Patient.extension.where(url='urn:x').value as string", 'Patient', "Patient.extension('urn:x').value.ofType(string)"],
    ["Patient.extension('it\\'s')", 'Patient', "Patient.extension('it\\'s').value"],
    ['Patient.name.first().family', 'Patient', 'Patient.name[0].family'],
    ['Patient.link.other.where(resolve() is Patient)', 'Patient', 'Patient.link.other'],
    ['Observation', 'Observation', 'Observation'],
    ['Patient.active and Patient.name.exists()', 'Patient', 'Patient.active and Patient.name.exists()'],
  ])('%s on a %s is called %s', (expression, type, expected) => {
    expect(pathsOf(expression, type)).toEqual([expected]);
  });

  test('unions are split, and branches of other types dropped', () => {
    const everywhere = 'Patient.name.family | (Patient.id | Observation.status) | Observation.subject.where(resolve() is Patient)';
    expect(pathsOf(everywhere, 'Patient')).toEqual(['Patient.name.family', 'Patient.id']);
    expect(pathsOf(everywhere, 'Observation')).toEqual(['Observation.status', 'Observation.subject']);
    expect(pathsOf(everywhere, 'Bundle')).toEqual([]);
  });

  test('types are those it can end at', () => {
    const [path] = compilePaths('Observation.value', 'Observation', schema);
    expect(path).toMatchObject({ path: 'Observation.value', types: ['Quantity', 'Age', 'string'], simple: true });
  });

  test('the types references must have are told, not tested', () => {
    const [path] = compilePaths('Patient.link.other.where(resolve() is Patient)', 'Patient', schema);
    expect(path?.targets).toEqual(['Patient']);
    expect(find('Patient.link.other.where(resolve() is Practitioner)', ada)).toEqual(['Reference {"reference":"Patient/2"}']);
    const [either] = compilePaths('Patient.link.other.where(resolve() is Patient or resolve() is Group)', 'Patient', schema);
    expect(either?.targets).toEqual(['Patient', 'Group']);
  });

  test.each([
    'link.other.where(resolve() is Patient).display',
    'link.where(other.where(resolve() is Patient).exists()).type',
    'link.other.where(resolve() is Patient and display.exists())',
    'link.other.resolve()',
  ])('%s is refused, for no type of reference is left untested in silence', (expression) => {
    expect(() => compilePaths(expression, 'Patient', schema)).toThrow(expect.objectContaining({ status: 400 }));
  });

  test('one place under two conditions is one path', () => {
    const paths = (expression: string) => compilePaths(expression, 'Patient', schema);
    expect(paths('link.other.where(resolve() is Patient) | link.other.where(resolve() is Group)')).toMatchObject([
      { targets: ['Patient', 'Group'] },
    ]);
    const [joined, ...others] = paths('link.other.where(resolve() is Patient) | link.other');
    expect(joined?.targets).toBeUndefined();
    expect(others).toEqual([]);
  });

  test('a component that begins at the resource says so', () => {
    const [path] = compilePaths('%resource.subject', 'Observation.component', schema);
    expect(path).toMatchObject({ path: 'Observation.subject', onResource: true });
    expect(compilePaths('%resource.subject', 'Observation', schema)[0]?.onResource).toBeUndefined();
  });
});

describe('places', () => {
  test('each value is told with what holds it', () => {
    const places: unknown[] = [];
    const [path] = compilePaths('Patient.name.given', 'Patient', schema);
    path?.each(ada, (value, _type, holder, key) => places.push([value, holder, key]));
    expect(places).toEqual([
      ['Ada', ada.name[0]?.given, 0],
      ['Augusta', ada.name[0]?.given, 1],
    ]);
    const [single] = compilePaths('Patient.birthDate', 'Patient', schema);
    single?.each(ada, (_value, _type, holder, key) => expect([holder, key]).toEqual([ada, 'birthDate']));
    expect.assertions(2);
  });

  test('a path may be walked again from within a visit', () => {
    const [path] = compilePaths('Patient.name[1].family', 'Patient', schema);
    const found: unknown[] = [];
    const visit = (value: unknown): void => {
      found.push(value);
      if (found.length === 1) path?.each({ resourceType: 'Patient', name: [{}, { family: 'Inner' }] }, visit);
    };
    path?.each(ada, visit);
    expect(found).toEqual(['Byron', 'Inner']);
    path?.each(ada, visit);
    expect(found).toEqual(['Byron', 'Inner', 'Byron']);
  });
});

describe('resources of a wrong shape', () => {
  test.each([
    ['a string for an object', { meta: 'x', name: 'y' }],
    ['an object for an array', { name: { family: 'y' } }],
    ['an array for an object', { meta: [{ tag: [] }] }],
    ['an array in an array', { name: [[{ family: 'y' }]] }],
    ['null', { meta: null, name: [null], telecom: null }],
    ['a number for a string', { name: [{ family: 1, given: [2, null, {}, []] }], birthDate: 3 }],
    ['a string for a truth value', { active: 'true' }],
  ])('%s is passed over', (_what, given) => {
    const resource = { resourceType: 'Patient', ...given };
    for (const expression of ['meta.tag', 'name.family', 'name.given', 'birthDate', 'active', "telecom.where(system='phone')"]) {
      expect(find(expression, resource)).toEqual([]);
    }
  });

  test('nothing ever throws, and a value found has the shape of its type', () => {
    const kinds: Record<string, string> = {
      HumanName: 'object',
      Reference: 'object',
      string: 'string',
      boolean: 'boolean',
      positiveInt: 'number',
    };
    const expression = [
      "name | name.given | name[1].family | telecom.where(system='phone').rank | link.other | extension('u') | active",
      'telecom.where(value.exists() and rank != 1).value',
    ].join(' | ');
    const keys = [
      'name',
      'given',
      'family',
      'telecom',
      'system',
      'rank',
      'link',
      'other',
      'extension',
      'url',
      'valueString',
      'active',
      'value',
    ];
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        fc.constantFrom(null, true, 0, 1, '', 'phone', 'u'),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keys), tie('json'), { maxKeys: 6 }),
      ),
    }));
    const paths = compilePaths(expression, 'Patient', schema);
    expect(paths).toHaveLength(8);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), json, { maxKeys: 6 }), (resource) => {
        for (const path of paths) {
          path.each(resource, (value, type) => {
            expect(typeof value).toBe(kinds[type]);
            expect(value).not.toBeNull();
            expect(Array.isArray(value)).toBe(false);
          });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

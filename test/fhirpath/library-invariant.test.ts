import { beforeAll, describe, expect, test } from 'vitest';
import { FhirError } from '../../src/fhir/error.ts';
import type { JsonObject } from '../../src/fhir/json.ts';
import { compileInvariant, isOwnInvariant, prepareLibrary } from '../../src/fhirpath/compile-invariant.ts';
import { askOf, SCHEMA, scopeOf } from './invariant-schema.ts';
import { R4_IN_SMALL } from './mini-schema.ts';

/** What our closures leave to the library: here on R4's own Patient and Observation, which it knows. */

beforeAll(prepareLibrary);

const patient: JsonObject = { resourceType: 'Patient', active: true, birthDate: '1974-12-25', name: [{ family: 'Doe', use: 'official' }] };
const observation: JsonObject = {
  resourceType: 'Observation',
  status: 'final',
  subject: { reference: '#p' },
  valueQuantity: { value: 900, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' },
};

function judge(expression: string, resource: JsonObject, more: Parameters<typeof scopeOf>[1] = {}): boolean | undefined {
  expect(isOwnInvariant(expression, R4_IN_SMALL)).toBe(false);
  const invariant = compileInvariant(expression, resource['resourceType'] as string, R4_IN_SMALL);
  return invariant?.(resource, scopeOf(resource, more));
}

describe('an invariant of the library’s', () => {
  test.each<[string, JsonObject, boolean | undefined]>([
    ["value < 1 'g'", observation, true],
    ["value > 1 'g'", observation, false],
    ['birthDate + 1 year < today()', patient, true],
    ['birthDate > today() - 2 years', patient, false],
    ["name.type().name = 'HumanName'", patient, true],
    ['name.aggregate($total + 1, 0) = 1', patient, true],
    // Its result is read as ours is.
    ['name.aggregate($total + 1, 0).where($this > 1)', patient, false],
    ['name.aggregate($total + 1, 0)', patient, true],
    // It ends with an error.
    ["name.aggregate($total + 'a', 0) = 1", patient, undefined],
    ['%resource.active and %rootResource.active and name.aggregate($total + 1, 0) = 1', patient, true],
  ])('%s is %3$s', (expression, resource, expected) => {
    expect(judge(expression, resource)).toBe(expected);
  });

  test('asks the scope what the library hasn’t got', () => {
    const memberOf = (_valueSet: string, system: string | undefined, code: string): boolean | undefined =>
      system === undefined ? code === 'official' : undefined;
    const conformsTo = (profile: string): boolean | undefined => (profile === 'urn:p' ? true : undefined);
    const resolve = (reference: string): JsonObject | undefined => (reference === '#p' ? patient : undefined);
    const beyond = 'iif(today() > @2000-01-01, true) and name.aggregate($total + 1, 0) >= 0 and ';
    expect(judge(`${beyond} name.use.memberOf('urn:vs')`, patient, { memberOf })).toBe(true);
    expect(judge(`${beyond} conformsTo('urn:p')`, patient, { conformsTo })).toBe(true);
    expect(judge(`${beyond} conformsTo('urn:other')`, patient, { conformsTo })).toBe(undefined);
    expect(judge('subject.resolve().name.aggregate($total + 1, 0) = 1', observation, { resolve })).toBe(true);
    expect(judge(`${beyond} name.family.matches('^D')`, patient)).toBe(true);
  });

  test('its regular expressions are ours, in linear time', () => {
    const long: JsonObject = { ...patient, name: [{ family: `${'a'.repeat(5000)}!` }] };
    const start = performance.now();
    expect(judge("name.aggregate($total + 1, 0) = 1 and name.family.matches('(a+)+$')", long)).toBe(false);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('leaves the resource as it was', () => {
    const before = JSON.stringify(observation);
    judge("value < 1 'g'", Object.freeze(observation));
    expect(JSON.stringify(observation)).toBe(before);
  });

  test.each(['a b', 'a.', "'", 'unknownFunction()'])('%s is refused', (expression) => {
    expect(() => compileInvariant(expression, 'Sample', SCHEMA)?.({}, scopeOf({ resourceType: 'Sample' }))).toThrow(FhirError);
  });

  test('an unknown variable can’t be told', () => {
    expect(askOf('Patient', '%unknown.exists()', patient, scopeOf(patient))).toBe(undefined);
  });
});

import { describe, expect, test } from 'vitest';
import { FhirError } from '../../../src/fhir/error.ts';
import { type Json, type JsonObject, parseJson, writeJson } from '../../../src/fhir/json.ts';
import { applyFhirPathPatch } from '../../../src/interactions/patch/fhirpath-patch.ts';
import cases from '../../cases/patch/fhirpath-patch.json' with { type: 'json' };
import { patchSchema } from './patch-schema.ts';
import { cpuTimeMs } from '../../support/cpu-time.ts';

const jsonLimits = { depthMax: 200, containerMax: 1_000_000, stringBytesMax: 10_000_000 };

type Operation = { type: string; path: string; name?: string; value?: JsonObject; index?: number; source?: number; destination?: number };
type Case = { title: string; resource: JsonObject; operations: Operation[]; result?: JsonObject; status?: number };

/** Writes operations as the Parameters resource they are sent as. */
function parametersOf(operations: readonly Operation[]): JsonObject {
  const parts = ({ type, path, name, value, ...numbers }: Operation): JsonObject[] => [
    { name: 'type', valueCode: type },
    { name: 'path', valueString: path },
    ...(name === undefined ? [] : [{ name: 'name', valueString: name }]),
    ...(value === undefined ? [] : [{ name: 'value', ...value }]),
    ...Object.entries(numbers).map(([part, number]) => ({ name: part, valueInteger: number })),
  ];
  return { resourceType: 'Parameters', parameter: operations.map((operation) => ({ name: 'operation', part: parts(operation) })) };
}

/** Applies a patch, both as text; gives the result as text and checks that the input is as it was. */
function patched(resource: string, parameters: string, limits = { depthMax: 64, copiesMax: 20_000_000 }): string {
  const [before, change] = [parseJson(resource, jsonLimits), parseJson(parameters, jsonLimits)];
  const context = { schema: patchSchema, limits };
  try {
    const result = applyFhirPathPatch(before.value as JsonObject, before.decimals, change.value as JsonObject, change.decimals, context);
    return writeJson(result.resource, result.decimals);
  } finally {
    expect(writeJson(before.value, before.decimals)).toBe(before.text);
    expect(writeJson(change.value, change.decimals)).toBe(change.text);
  }
}

function refusal(run: () => unknown): FhirError {
  try {
    run();
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
  throw new Error('the patch was applied');
}

describe('applyFhirPathPatch, https://hl7.org/fhir/R4/fhirpatch.html', () => {
  test.each(cases as Case[])('$title', ({ resource, operations, result, status }) => {
    const run = (): string => patched(JSON.stringify(resource), JSON.stringify(parametersOf(operations)));
    if (status === undefined) expect(JSON.parse(run())).toEqual(result);
    else expect(refusal(run)).toMatchObject({ status, issues: [{ severity: 'error' }] });
  });

  test('keeps the literals of numbers, its own and the patch’s', () => {
    const resource =
      '{"resourceType":"Observation","valueQuantity":{"value":1.50},"component":[{"valueQuantity":{"value":2.0}},{"valueQuantity":{"value":3.00}}]}';
    const parameters = JSON.stringify(
      parametersOf([
        { type: 'replace', path: 'Observation.value.value', value: { valueDecimal: 123456 } },
        { type: 'move', path: 'Observation.component', source: 1, destination: 0 },
        { type: 'add', path: 'Observation', name: 'component', value: { part: [{ name: 'value', valueQuantity: { value: 654321 } }] } },
      ]),
    );
    expect(patched(resource, parameters.replace('123456', '7.10').replace('654321', '8.000'))).toBe(
      '{"resourceType":"Observation","valueQuantity":{"value":7.10},"component":[{"valueQuantity":{"value":3.00}},{"valueQuantity":{"value":2.0}},{"valueQuantity":{"value":8.000}}]}',
    );
  });

  test('names the operation and its path without the strings in it, and no value', () => {
    const operations = [{ type: 'replace', path: "Patient.name.where(family = 'Xyzzy').given", value: { valueString: 'Plugh' } }];
    const error = refusal(() =>
      patched('{"resourceType":"Patient","name":[{"family":"Xyzzy"}]}', JSON.stringify(parametersOf(operations))),
    );
    expect(error.message).toContain("Operation 0 (from 0), replace at Patient.name.where(family = '…').given");
    expect(error.issues[0]?.expression).toEqual(['Parameters.parameter[0]']);
    expect(error.message).not.toMatch(/Xyzzy|Plugh/);
    const broken = [{ type: 'delete', path: "Patient.name.where(family 'Xyzzy')" }];
    expect(refusal(() => patched('{"resourceType":"Patient"}', JSON.stringify(parametersOf(broken)))).message).not.toContain('Xyzzy');
  });
});

describe('a patch that is no FHIRPath Patch is a 400', () => {
  const operation = (...part: Json[]): Json => ({ resourceType: 'Parameters', parameter: [{ name: 'operation', part }] });
  const type = { name: 'type', valueCode: 'add' };
  const path = { name: 'path', valueString: 'Patient' };
  const name = { name: 'name', valueString: 'gender' };
  const value = { name: 'value', valueCode: 'male' };

  test('and this one, of which the others are damaged, is good', () => {
    expect(patched('{"resourceType":"Patient"}', JSON.stringify(operation(type, path, name, value)))).toBe(
      '{"resourceType":"Patient","gender":"male"}',
    );
  });

  test.each<[string, Json]>([
    ['another resource', { resourceType: 'Patient' }],
    ['parameters that are no array', { resourceType: 'Parameters', parameter: {} }],
    ['a parameter that is no object', { resourceType: 'Parameters', parameter: [null] }],
    ['a parameter of another name', { resourceType: 'Parameters', parameter: [{ name: 'op', part: [type, path, name, value] }] }],
    ['no parts', { resourceType: 'Parameters', parameter: [{ name: 'operation' }] }],
    ['a part that is no object', operation(type, path, name, value, 'x')],
    ['a part without a name', operation(type, path, name, value, { valueString: 'x' })],
    ['a part twice', operation(type, type, path, name, value)],
    ['no type', operation(path, name, value)],
    ['an unknown type', operation({ name: 'type', valueCode: 'merge' }, path, name, value)],
    ['a type that objects inherit', operation({ name: 'type', valueCode: 'constructor' }, path, name, value)],
    ['no path', operation(type, name, value)],
    ['a path that is no string', operation(type, { name: 'path', valueInteger: 1 }, name, value)],
    ['no name', operation(type, path, value)],
    ['no value', operation(type, path, name)],
    ['a part of another operation', operation(type, path, name, value, { name: 'index', valueInteger: 0 })],
    ['an unknown part', operation(type, path, name, value, { name: 'comment', valueString: 'x' })],
    ['two values', operation(type, path, name, { name: 'value', valueCode: 'male', valueString: 'male' })],
    ['a value and parts', operation(type, path, name, { name: 'value', valueCode: 'male', part: [] })],
    ['a value without one', operation(type, path, name, { name: 'value' })],
    ['a value under another name', operation(type, path, name, { name: 'value', text: 'male' })],
    ['an object for a primitive', operation(type, path, name, { name: 'value', valueCode: { a: 1 } })],
    ['an array for a primitive', operation(type, path, name, { name: 'value', valueCode: ['male'] })],
    ['null for a primitive', operation(type, path, name, { name: 'value', valueCode: null })],
    ['extensions that are no object', operation(type, path, name, { name: 'value', valueCode: 'male', _valueCode: [] })],
    ['an array for an object', operation(type, path, { name: 'name', valueString: 'name' }, { name: 'value', valueHumanName: [] })],
    ['empty parts', operation(type, path, { name: 'name', valueString: 'contact' }, { name: 'value', part: [] })],
    ['a part of a value that is no object', operation(type, path, { name: 'name', valueString: 'contact' }, { name: 'value', part: [1] })],
    ['a resource that is none', operation(type, path, { name: 'name', valueString: 'contained' }, { name: 'value', resource: 'x' })],
    ['an index that is no integer', operation({ name: 'type', valueCode: 'insert' }, path, value, { name: 'index', valueInteger: 1.5 })],
    ['a negative index', operation({ name: 'type', valueCode: 'insert' }, path, value, { name: 'index', valueInteger: -1 })],
    ['an index as a string', operation({ name: 'type', valueCode: 'insert' }, path, value, { name: 'index', valueString: '1' })],
  ])('%s', (_, parameters) => {
    expect(refusal(() => patched('{"resourceType":"Patient","name":[{"text":"x"}]}', JSON.stringify(parameters))).status).toBe(400);
  });
});

describe('limits', () => {
  test('a thousand operations, not one more', () => {
    const many = (count: number): string =>
      JSON.stringify(parametersOf(Array.from({ length: count }, () => ({ type: 'delete', path: 'Patient.gender' }))));
    expect(patched('{"resourceType":"Patient"}', many(1_000))).toBe('{"resourceType":"Patient"}');
    expect(refusal(() => patched('{"resourceType":"Patient"}', many(1_001))).status).toBe(413);
  });

  test.each([
    ['parentheses', `Patient.name.where(${'('.repeat(400)}use = 'x'${')'.repeat(400)})`],
    ['length', `Patient.name.where(${"use = 'x' or ".repeat(200)}use = 'y')`],
  ])('a path beyond the limit of %s is a 400', (_, path) => {
    expect(
      refusal(() => patched('{"resourceType":"Patient","name":[{"use":"z"}]}', JSON.stringify(parametersOf([{ type: 'delete', path }]))))
        .status,
    ).toBe(400);
  });

  test('a large resource searched again and again is a 422 in time', () => {
    const resource = { resourceType: 'Patient', identifier: Array.from({ length: 20_000 }, (_, index) => ({ value: `${index}` })) };
    const operations = Array.from({ length: 1_000 }, () => ({
      type: 'delete',
      path: "Patient.identifier.where(value = 'x' or system = 'y')",
    }));
    const begin = cpuTimeMs();
    expect(refusal(() => patched(JSON.stringify(resource), JSON.stringify(parametersOf(operations))))).toMatchObject({ status: 422 });
    expect(cpuTimeMs() - begin).toBeLessThan(5_000);
  });

  test.each([
    ['add', { type: 'add', path: 'Patient.name[0]', name: 'period', value: { valuePeriod: { extension: [{ url: 'x' }] } } }, 6],
    ['replace', { type: 'replace', path: 'Patient.maritalStatus', value: { valueCodeableConcept: { coding: [{ code: 'x' }] } } }, 4],
    ['replace in a list', { type: 'replace', path: 'Patient.name[0]', value: { valueHumanName: { period: { start: '2020' } } } }, 4],
    ['insert', { type: 'insert', path: 'Patient.name', index: 0, value: { valueHumanName: { given: ['x'] } } }, 4],
    [
      'add by parts',
      { type: 'add', path: 'Patient', name: 'contact', value: { part: [{ name: 'telecom', valueContactPoint: { value: 'x' } }] } },
      5,
    ],
  ] as [string, Operation, number][])('%s makes no resource deeper than the reader would take', (_, operation, depth) => {
    const patch = JSON.stringify(parametersOf([operation]));
    const resource = '{"resourceType":"Patient","name":[{"text":"x"}],"maritalStatus":{"text":"x"}}';
    expect(refusal(() => patched(resource, patch, { depthMax: depth - 1, copiesMax: 1_000 }))).toMatchObject({
      status: 422,
      issues: [{ id: 'patch-depth' }],
    });
    const result = patched(resource, patch, { depthMax: depth, copiesMax: 1_000 });
    expect(parseJson(result, { ...jsonLimits, depthMax: depth }).text).toBe(result);
    expect(() => parseJson(result, { ...jsonLimits, depthMax: depth - 1 })).toThrow(FhirError);
  });
});

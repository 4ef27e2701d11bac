import { badRequest, FhirError, issue } from '../../fhir/error.ts';
import type { Json, JsonObject } from '../../fhir/json.ts';
import { assertOperationCount } from './json-patch-operations.ts';

type Common = { readonly index: number; readonly path: string };

/** One operation of a FHIRPath Patch. `value` is its part named so: `{ name: 'value', valueDate: '1930-01-01' }`. */
export type FhirPathOperation = Common &
  (
    | { readonly type: 'add'; readonly name: string; readonly value: JsonObject }
    | { readonly type: 'insert'; readonly value: JsonObject; readonly at: number }
    | { readonly type: 'delete' }
    | { readonly type: 'replace'; readonly value: JsonObject }
    | { readonly type: 'move'; readonly source: number; readonly destination: number }
  );

/** The parts each type of operation has beside `type` and `path`; all of them are required. */
const PARTS: Readonly<Record<FhirPathOperation['type'], readonly string[]>> = {
  add: ['name', 'value'],
  insert: ['value', 'index'],
  delete: [],
  replace: ['value'],
  move: ['source', 'destination'],
};

/**
 * Reads a FHIRPath Patch and checks its form, before anything is applied.
 *
 * @param parameters  `{ resourceType: 'Parameters', parameter: [{ name: 'operation', part: [{ name: 'type', valueCode: 'delete' }, …] }] }`
 * @throws            FhirError 400 `invalid`; 413 for more than 1,000 operations
 * @see               https://hl7.org/fhir/R4/fhirpatch.html#format
 */
export function readFhirPathPatch(parameters: JsonObject): FhirPathOperation[] {
  if (parameters['resourceType'] !== 'Parameters') throw badRequest('patch-format', 'A FHIRPath Patch is a Parameters resource.');
  const list = parameters['parameter'] ?? [];
  if (!Array.isArray(list)) throw badRequest('patch-format', 'Parameters.parameter must be an array.', 'Parameters.parameter');
  assertOperationCount(list.length);
  return list.map((parameter, index) => {
    if (!isObject(parameter) || parameter['name'] !== 'operation') throw malformed(index, 'each parameter must be named "operation"');
    return readOperation(partsOf(parameter, index), index);
  });
}

/** Whether a value is a JSON object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value);
}

function partsOf(parameter: JsonObject, index: number): Map<string, JsonObject> {
  const { part } = parameter;
  if (!Array.isArray(part)) throw malformed(index, 'it has no parts');
  const parts = new Map<string, JsonObject>();
  for (const each of part) {
    if (!isObject(each) || typeof each['name'] !== 'string') throw malformed(index, 'each of its parts needs a name');
    if (parts.has(each['name'])) throw malformed(index, 'two of its parts have the same name');
    parts.set(each['name'], each);
  }
  return parts;
}

function readOperation(parts: ReadonlyMap<string, JsonObject>, index: number): FhirPathOperation {
  const type = textOf(parts, 'type', index);
  if (!isOperationType(type)) throw malformed(index, 'its type must be add, insert, delete, replace or move');
  const path = textOf(parts, 'path', index);
  const allowed = ['type', 'path', ...PARTS[type]];
  const missing = allowed.find((name) => !parts.has(name));
  if (missing !== undefined) throw malformed(index, `${type} needs a part "${missing}"`);
  if (parts.size > allowed.length) throw malformed(index, `${type} has the parts ${allowed.join(', ')} and no others`);
  const value = parts.get('value') ?? {};
  switch (type) {
    case 'add':
      return { type, index, path, value, name: textOf(parts, 'name', index) };
    case 'insert':
      return { type, index, path, value, at: numberOf(parts, 'index', index) };
    case 'replace':
      return { type, index, path, value };
    case 'move':
      return { type, index, path, source: numberOf(parts, 'source', index), destination: numberOf(parts, 'destination', index) };
    case 'delete':
      return { type, index, path };
  }
}

function isOperationType(type: string): type is FhirPathOperation['type'] {
  return Object.hasOwn(PARTS, type);
}

/** The text of a part. The type is a code and the path a string; either is taken for both, as clients mix them up. */
function textOf(parts: ReadonlyMap<string, JsonObject>, name: string, index: number): string {
  const part = parts.get(name);
  const text = part?.['valueString'] ?? part?.['valueCode'];
  if (typeof text !== 'string' || text === '')
    throw malformed(index, `it needs a part "${name}" with a ${name === 'type' ? 'valueCode' : 'valueString'}`);
  return text;
}

function numberOf(parts: ReadonlyMap<string, JsonObject>, name: string, index: number): number {
  const number = parts.get(name)?.['valueInteger'];
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) {
    throw malformed(index, `its part "${name}" needs a valueInteger of 0 or more`);
  }
  return number;
}

function malformed(index: number, reason: string): FhirError {
  return badRequest(
    'patch-format',
    `Operation ${index} (from 0) of the FHIRPath Patch is malformed: ${reason}.`,
    `Parameters.parameter[${index}]`,
  );
}

/** 422 for an operation that is well-formed and can't be applied. The path is repeated without its string literals. */
export function refused(operation: FhirPathOperation, reason: string): FhirError {
  const path = operation.path.slice(0, 200).replace(/'(?:[^'\\]|\\.)*(?:'|$)/g, "'…'");
  const text = `The patch was not applied. Operation ${operation.index} (from 0), ${operation.type} at ${path}: ${reason}.`;
  return new FhirError(422, [issue('processing', 'patch-operation', text, `Parameters.parameter[${operation.index}]`)]);
}

import { badRequest, FhirError, issue } from '../../fhir/error.ts';
import type { Decimals, Json, JsonObject } from '../../fhir/json.ts';
import { type Loose, looseAt } from './working-copy.ts';

/** A JSON Pointer as written and as its decoded tokens; the empty one is the whole document. */
export type Pointer = { readonly text: string; readonly tokens: readonly string[] };

type Place = { readonly index: number; readonly path: Pointer };

export type JsonPatchOperation = Place &
  (
    | { readonly op: 'add' | 'replace' | 'test'; readonly value: Loose }
    | { readonly op: 'move' | 'copy'; readonly from: Pointer }
    | { readonly op: 'remove' }
  );

const operationsMax = 1_000;

/**
 * Reads a JSON Patch document and checks its form, before anything is applied.
 *
 * @throws  FhirError 400 `invalid`; 413 for more than 1,000 operations
 * @see     https://www.rfc-editor.org/rfc/rfc6902#section-3
 */
export function readJsonPatch(patch: Json, decimals: Decimals): JsonPatchOperation[] {
  if (!Array.isArray(patch)) throw badRequest('patch-format', 'A JSON Patch is an array of operations.');
  assertOperationCount(patch.length);
  return patch.map((operation, index) => {
    if (operation === null || typeof operation !== 'object' || Array.isArray(operation)) throw malformed(index, 'it is not an object');
    return readOperation(operation, index, decimals);
  });
}

export function assertOperationCount(count: number): void {
  if (count <= operationsMax) return;
  throw new FhirError(413, [
    issue('too-costly', 'patch-operations', `A patch can have ${operationsMax} operations; send the result as an update.`),
  ]);
}

function readOperation(operation: JsonObject, index: number, decimals: Decimals): JsonPatchOperation {
  const { op } = operation;
  const path = readPointer(operation, 'path', index);
  switch (op) {
    case 'add':
    case 'replace':
    case 'test':
      if (!Object.hasOwn(operation, 'value')) throw malformed(index, `"${op}" needs a "value"`);
      return { op, index, path, value: looseAt(decimals, operation, 'value') };
    case 'move':
    case 'copy': {
      const from = readPointer(operation, 'from', index);
      if (op === 'move' && path.text.startsWith(`${from.text}/`)) throw malformed(index, 'a value can not be moved into itself');
      return { op, index, path, from };
    }
    case 'remove':
      return { op, index, path };
    default:
      throw malformed(index, '"op" must be add, remove, replace, move, copy or test');
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc6901#section-3 */
function readPointer(operation: JsonObject, member: 'path' | 'from', index: number): Pointer {
  const text = Object.hasOwn(operation, member) ? operation[member] : undefined;
  if (typeof text !== 'string') throw malformed(index, `it needs "${member}", a JSON Pointer`);
  if (text !== '' && !text.startsWith('/')) throw malformed(index, `"${member}" must be empty or begin with a slash`);
  if (/~(?![01])/.test(text)) throw malformed(index, `"${member}" has a tilde that is neither ~0 nor ~1`);
  const tokens = text
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (tokens.includes('__proto__')) throw malformed(index, `"${member}" has the name "__proto__"`);
  return { text, tokens };
}

function malformed(index: number, reason: string): FhirError {
  return badRequest('patch-format', `Operation ${index} (from 0) of the JSON Patch is malformed: ${reason}.`);
}

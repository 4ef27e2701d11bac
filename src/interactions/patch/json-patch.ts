import { FhirError, issue } from '../../fhir/error.ts';
import { type Decimals, type Json, type JsonObject, sameValue } from '../../fhir/json.ts';
import { dropEmptied } from './emptied.ts';
import { rewriteValue } from '../links.ts';
import { type JsonPatchOperation, type Pointer, readJsonPatch } from './json-patch-operations.ts';
import { pointerPlace } from './pointer-place.ts';
import {
  assertFits,
  type Container,
  copyIn,
  insertAt,
  type Loose,
  looseAt,
  type PatchContext,
  removeAt,
  setAt,
  type WorkingCopy,
  workingCopy,
} from './working-copy.ts';

/**
 * Applies a JSON Patch, all of it or nothing. The input stays as it is; numbers keep their literals. Arrays and objects that
 * removals left empty are dropped at the end, as FHIR knows none.
 *
 * @param patch  `[{ "op": "replace", "path": "/active", "value": false }]`
 * @throws       FhirError 400 `invalid` for what is no JSON Patch, 413 for one too large, 422 `processing` if an operation
 *               can't be applied or a test fails; no text quotes a value
 * @see          https://www.rfc-editor.org/rfc/rfc6902, https://hl7.org/fhir/R4/http.html#patch
 */
export function applyJsonPatch(
  resource: JsonObject,
  decimals: Decimals,
  patch: Json,
  patchDecimals: Decimals,
  { limits, ...links }: PatchContext,
): { resource: JsonObject; decimals: Decimals } {
  const operations = readJsonPatch(patch, patchDecimals);
  const work = workingCopy(resource, decimals, limits);
  // The whole document is the item of an array, so that the empty pointer is a place like any other.
  const root: Json[] = [work.resource];
  const emptied = new Set<Container>();
  for (const operation of operations) apply(operation, { work, root, patchDecimals, emptied, ...links });
  dropEmptied(work, root, emptied);
  const [result] = root;
  if (result === undefined || result === null || typeof result !== 'object' || Array.isArray(result)) {
    throw new FhirError(422, [issue('processing', 'patch-result', 'The patch leaves no resource.')]);
  }
  return { resource: result, decimals: work.decimals };
}

type State = {
  readonly work: WorkingCopy;
  readonly root: Json[];
  readonly patchDecimals: Decimals;
  /** What something was removed from. */
  readonly emptied: Set<Container>;
} & Omit<PatchContext, 'limits'>;

function apply(operation: JsonPatchOperation, state: State): void {
  const { work, patchDecimals } = state;
  switch (operation.op) {
    case 'add':
      return add(operation, copyIn(work, brought(operation, state), patchDecimals, operation.path.tokens.length), state);
    case 'copy': {
      const source = existing(operation, operation.from, state);
      return add(operation, copyIn(work, looseAt(work.decimals, ...source), work.decimals, operation.path.tokens.length), state);
    }
    case 'move': {
      const source = existing(operation, operation.from, state);
      if (operation.from.text === operation.path.text) return;
      const moved = remove(operation, source, state);
      assertFits(work, moved.value, operation.path.tokens.length);
      return add(operation, moved, state);
    }
    case 'remove':
      remove(operation, existing(operation, operation.path, state), state);
      return;
    case 'replace':
      return setAt(
        work,
        ...existing(operation, operation.path, state),
        copyIn(work, brought(operation, state), patchDecimals, operation.path.tokens.length),
      );
    case 'test':
      return test(operation, state);
  }
}

function add(operation: JsonPatchOperation, value: Loose, { work, root }: State): void {
  const [holder, token] = holderOf(operation, operation.path, root);
  if (!Array.isArray(holder)) return setAt(work, holder, token, value);
  const index = token === '-' ? holder.length : indexOf(token);
  if (index === undefined || index > holder.length) throw refused(operation, 'the index is not one of the array, nor its end');
  if (holder === root) return setAt(work, root, 0, value);
  insertAt(work, holder, index, value);
}

function remove(operation: JsonPatchOperation, [holder, key]: [Container, string | number], { work, root, emptied }: State): Loose {
  if (holder === root) throw refused(operation, 'the resource as a whole can not be removed');
  emptied.add(holder);
  return removeAt(work, holder, key);
}

type Bringing = Extract<JsonPatchOperation, { value: Loose }>;

/** The value of an operation, its links rewritten as those of a resource would be. */
function brought({ value, path }: Bringing, { root, patchDecimals, schema, resolve }: State): Loose {
  if (resolve === undefined) return value;
  const place = pointerPlace(root[0], path.tokens, schema);
  return { ...value, value: rewriteValue(value.value, place, patchDecimals, resolve, schema) };
}

/** Numbers are compared by value here, as RFC 6902 asks: 1.0 equals 1.00. */
function test(operation: Bringing, state: State): void {
  const found = looseAt(state.work.decimals, ...existing(operation, operation.path, state));
  const none: Decimals = new Map();
  if (!sameValue([found.value], none, [brought(operation, state).value], none)) throw refused(operation, 'the test failed');
}

/** The place a pointer leads to, which must be there. */
function existing(operation: JsonPatchOperation, pointer: Pointer, { root }: State): [Container, string | number] {
  const [holder, token] = holderOf(operation, pointer, root);
  if (!Array.isArray(holder)) {
    if (!Object.hasOwn(holder, token)) throw refused(operation, 'there is nothing at this place', pointer);
    return [holder, token];
  }
  const index = indexOf(token);
  if (index === undefined || index >= holder.length) throw refused(operation, 'the index is not one of the array', pointer);
  return [holder, index];
}

/** The object or array that holds the place, which must be there, and the last token. */
function holderOf(operation: JsonPatchOperation, pointer: Pointer, root: Json[]): [Container, string] {
  let holder: Container = root;
  let token = '0';
  for (const next of pointer.tokens) {
    const value: Json | undefined = Array.isArray(holder)
      ? holder[indexOf(token) ?? -1]
      : Object.hasOwn(holder, token)
        ? holder[token]
        : undefined;
    if (value === undefined || value === null || typeof value !== 'object')
      throw refused(operation, 'what the path leads through is not there', pointer);
    holder = value;
    token = next;
  }
  return [holder, token];
}

function indexOf(token: string): number | undefined {
  return /^(?:0|[1-9][0-9]{0,8})$/.test(token) ? Number(token) : undefined;
}

function refused(operation: JsonPatchOperation, reason: string, { text }: Pointer = operation.path): FhirError {
  const place = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
  return new FhirError(422, [
    issue(
      'processing',
      'patch-operation',
      `The patch was not applied. Operation ${operation.index} (from 0), ${operation.op}, ${place}: ${reason}.`,
    ),
  ]);
}

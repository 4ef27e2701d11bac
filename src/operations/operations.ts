import type { Definitions } from '../definitions/load.ts';
import { FhirError, issue } from '../fhir/error.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import type { Answer } from '../interactions/answer.ts';
import type { Context } from '../interactions/context.ts';
import { type Given, plainOf, readArguments } from './arguments.ts';
import { accessLogOperation } from './access-log.ts';
import { diffOperation } from './diff.ts';
import { everythingOperations } from './everything.ts';
import type { Invocation, Level, Operation, ParameterDef } from './operation.ts';
import { snapshotOperation } from './snapshot.ts';
import { terminologyOperations } from './terminology.ts';
import { validateOperation } from './validate.ts';

/** All operations that are answered by this folder. */
export const operations: readonly Operation[] = [
  validateOperation,
  snapshotOperation,
  diffOperation,
  accessLogOperation,
  ...everythingOperations,
  ...terminologyOperations,
];

export type Place = Pick<Invocation, 'type' | 'id'>;

/**
 * The operation at a place.
 *
 * @throws FhirError 404 that names the nearest one
 * @see    https://hl7.org/fhir/R4/operations.html
 */
export function operationAt(code: string, place: Place): Operation {
  const level = levelOf(place);
  const here = operations.filter(
    ({ type, levels }) => levels.includes(level) && (level === 'system' || type === 'Resource' || type === place.type),
  );
  const found = here.find((operation) => operation.code === code);
  if (found !== undefined) return found;
  const codes = here.map((operation) => operation.code);
  const nearest = nearestName(code, codes);
  const elsewhere = operations.filter((operation) => operation.code === code);
  const advice =
    nearest !== undefined
      ? ` Did you mean "$${nearest}"?`
      : elsewhere.length > 0
        ? ` It is at ${elsewhere.flatMap(addressesOf).join(', ')}.`
        : codes.length === 0
          ? ''
          : ` There are ${codes.map((each) => `$${each}`).join(', ')}.`;
  throw new FhirError(404, [issue('not-supported', 'operation-unknown', `There is no such operation at this address.${advice}`)]);
}

/** Runs it with what was given, once that is what its definition asks for. */
export async function runOperation(
  ctx: Context,
  operation: Operation,
  given: Given,
  invocation: Omit<Invocation, 'args' | 'request'>,
): Promise<Answer> {
  const defs = [...(await parametersOf(ctx.definitions, operation)), ...(operation.beside ?? [])];
  const args = readArguments(operation.code, defs, given);
  return operation.run(ctx, { ...invocation, args, request: plainOf(args, defs) });
}

const levelOf = ({ type, id }: Place): Level => (type === undefined ? 'system' : id === undefined ? 'type' : 'instance');

function addressesOf({ type, code, levels }: Operation): string[] {
  const of = type === 'Resource' ? '[type]' : type;
  const paths: Readonly<Record<Level, string>> = { system: `$${code}`, type: `${of}/$${code}`, instance: `${of}/[id]/$${code}` };
  return levels.map((level) => paths[level]);
}

/** Read once for each operation that is called. */
const known = new WeakMap<Definitions, Map<string, Promise<readonly ParameterDef[]>>>();

function parametersOf(definitions: Definitions, { definition }: Operation): Promise<readonly ParameterDef[]> {
  const read = known.get(definitions) ?? new Map<string, Promise<readonly ParameterDef[]>>();
  known.set(definitions, read);
  const found = read.get(definition) ?? readParameters(definitions, definition);
  read.set(definition, found);
  return found;
}

/** R4's definition or ours: trusted, its shape is checked by the tests of the definitions. */
async function readParameters(definitions: Definitions, url: string): Promise<readonly ParameterDef[]> {
  const definition = (await definitions.resource('OperationDefinition', url)) ?? (await definitions.own.find('OperationDefinition', url));
  if (typeof definition !== 'object' || definition === null || !('parameter' in definition)) throw new Error(`no definition ${url}`);
  const parameters = definition.parameter as readonly (ParameterDef & { readonly use: string })[];
  return parameters.filter(({ use }) => use === 'in');
}

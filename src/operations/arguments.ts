import { badRequest, type FhirError, type IssueCode } from '../fhir/error.ts';
import type { Json, JsonObject } from '../fhir/json.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import { formatOf } from '../validation/formats.ts';
import { type Argument, type Arguments, isObject, type ParameterDef } from './operation.ts';

export type Given = {
  /** The decoded query. */
  readonly pairs: readonly (readonly [string, string])[];
  /** The body, if there is one: Parameters, or the one resource the operation takes. */
  readonly body?: Json;
  /** Leave out what isn't known instead of refusing it. */
  readonly lenient: boolean;
};

/** They say how to answer, and are no parameters of an operation. */
const answering: ReadonlySet<string> = new Set(['_format', '_pretty', '_summary', '_elements']);

/**
 * Takes an operation's parameters from URL and body and holds them against their definitions: names, types, how many.
 *
 * @throws FhirError 400 that names what is wrong, and the nearest parameter there is
 * @see    https://hl7.org/fhir/R4/operations.html#request
 */
export function readArguments(code: string, defs: readonly ParameterDef[], given: Given): Arguments {
  const context = { code, lenient: given.lenient };
  const found = [...fromQuery(given.pairs, defs, context), ...fromBody(given.body, defs, context)];
  return gathered(found, defs, `$${code}`, '');
}

type Reading = { readonly code: string; readonly lenient: boolean };
type Found = readonly [name: string, argument: Argument];

function* fromQuery(pairs: Given['pairs'], defs: readonly ParameterDef[], reading: Reading): Generator<Found> {
  for (const [name, text] of pairs) {
    if (answering.has(name)) continue;
    const def = defOf(name, defs, reading, '');
    if (def !== undefined) yield [name, { value: valueOfText(def, text), path: '' }];
  }
}

/** What a text of the URL stands for. */
function valueOfText({ name, type = '' }: ParameterDef, text: string): Json {
  const format = formatOf(type);
  if (format === undefined) {
    throw refused('value', `"${name}" is no simple value (${type === '' ? 'it has parts' : type}): send it by POST, in Parameters.`, '');
  }
  const value = format.json === 'string' ? text : format.json === 'boolean' ? booleanOf(text) : numberOf(text);
  if (!format.accepts(value, [value], 0, new Map())) throw refused('value', `"${name}" must be ${format.rule}.`, '');
  return value;
}

const booleanOf = (text: string): Json => (text === 'true' ? true : text === 'false' ? false : text);
const numberOf = (text: string): Json => (/^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text);

function* fromBody(body: Json | undefined, defs: readonly ParameterDef[], reading: Reading): Generator<Found> {
  if (body === undefined) return;
  if (!isObject(body)) throw refused('structure', `The body of $${reading.code} is a JSON object: Parameters.`, '');
  if (body.resourceType === 'Parameters') {
    yield* fromParameters(body.parameter, defs, reading, 'Parameters.parameter');
    return;
  }
  // "If there is only one parameter which is a resource, it may be the body."
  const [def, another] = defs.filter(({ type }) => type !== undefined && /^[A-Z]/.test(type) && !isDatatype(type));
  if (def === undefined || another !== undefined) {
    throw refused('structure', `The body of $${reading.code} is a resource of type Parameters.`, '');
  }
  if (def.type !== 'Resource' && body.resourceType !== def.type) {
    throw refused('structure', `The body of $${reading.code} is Parameters, or a ${def.type} alone.`, '');
  }
  yield [def.name, { value: body, path: '' }];
}

function* fromParameters(list: Json | undefined, defs: readonly ParameterDef[], reading: Reading, path: string): Generator<Found> {
  if (list === undefined) return;
  if (!Array.isArray(list)) throw refused('structure', `${path} is an array.`, path);
  for (const [index, item] of list.entries()) {
    const place = `${path}[${index}]`;
    if (!isObject(item) || typeof item.name !== 'string') {
      throw refused('required', 'A parameter is an object with "name" and a value, a resource or parts.', place);
    }
    const def = defOf(item.name, defs, reading, place);
    if (def !== undefined) yield [item.name, argumentOf(item, def, reading, place)];
  }
}

function defOf(name: string, defs: readonly ParameterDef[], { code, lenient }: Reading, place: string): ParameterDef | undefined {
  const def = defs.find((each) => each.name === name);
  if (def !== undefined || lenient) return def;
  const names = defs.map((each) => each.name);
  const nearest = nearestName(name, names);
  const told = /^[\w-]{1,64}$/.test(name) ? `"${name}"` : 'This';
  const advice = nearest === undefined ? `It takes ${names.join(', ')}.` : `Did you mean "${nearest}"?`;
  throw refused('not-supported', `${told} is no parameter of $${code}. ${advice}`, place);
}

function argumentOf(item: JsonObject, def: ParameterDef, reading: Reading, place: string): Argument {
  if (def.part !== undefined) {
    const parts = gathered([...fromParameters(item.part, def.part, reading, `${place}.part`)], def.part, `"${def.name}"`, place);
    return { value: partsOf(parts, def.part), path: place };
  }
  const { type = '' } = def;
  const isResource = /^[A-Z]/.test(type) && !isDatatype(type);
  const [key, ...others] = Object.keys(item).filter((name) => name === 'resource' || /^value[A-Z]/.test(name));
  if (key === undefined || others.length > 0 || (key === 'resource') !== isResource) {
    throw refused(
      'structure',
      `"${def.name}" has ${isResource ? `a resource (${type}) as "resource"` : `one value: ${keyOf(type)}`}.`,
      place,
    );
  }
  const value = item[key] ?? null;
  const path = `${place}.${key === 'resource' ? key : 'value'}`;
  if (isResource) {
    if (!isObject(value) || (type !== 'Resource' && value.resourceType !== type)) {
      throw refused('structure', `"${def.name}" is a resource${type === 'Resource' ? '' : ` of type ${type}`}.`, path);
    }
    return { value, path };
  }
  const format = formatOf(type);
  if (!acceptedKeys(type).includes(key))
    throw refused('structure', `"${def.name}" has the type ${type}: write it as ${keyOf(type)}.`, path);
  if (format === undefined ? !isObject(value) : !format.accepts(value, item, key, new Map())) {
    throw refused('value', `"${def.name}" must be ${format === undefined ? `an object, of type ${type}` : format.rule}.`, path);
  }
  return { value, path };
}

/** Parts as an object, lists where several are allowed. */
function partsOf(parts: Arguments, defs: readonly ParameterDef[]): JsonObject {
  return plainOf(parts, defs);
}

/** Arguments by name as plain values, lists where several are allowed. */
export function plainOf(args: Arguments, defs: readonly ParameterDef[]): JsonObject {
  const plain: JsonObject = {};
  for (const { name, max } of defs) {
    const values = args.get(name)?.map(({ value }) => value) ?? [];
    const [first] = values;
    if (first !== undefined) plain[name] = max === '1' ? first : values;
  }
  return plain;
}

function gathered(found: readonly Found[], defs: readonly ParameterDef[], owner: string, place: string): Arguments {
  const args = new Map<string, Argument[]>();
  for (const [name, argument] of found) args.set(name, [...(args.get(name) ?? []), argument]);
  for (const { name, min, max } of defs) {
    const count = args.get(name)?.length ?? 0;
    if (count < min) throw refused('required', `${owner} needs "${name}".`, place);
    if (max !== '*' && count > Number(max))
      throw refused('structure', `${owner} takes "${name}" ${max === '1' ? 'once' : `${max} times at most`}.`, place);
  }
  return args;
}

/** Clients write a uri as a string, and the reverse: they are told apart by the parameter, not by its spelling. */
const texts = ['string', 'uri', 'url', 'canonical', 'code', 'id', 'markdown'];
const wholes = ['integer', 'positiveInt', 'unsignedInt'];
const moments = ['date', 'dateTime', 'instant'];

function acceptedKeys(type: string): string[] {
  const family = [texts, wholes, moments].find((types) => types.includes(type)) ?? [type];
  return family.map(keyOf);
}

const keyOf = (type: string): string => `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;

/** The datatypes among the types of R4's parameters, which are named like resources. */
const isDatatype = (type: string): boolean =>
  ['Coding', 'CodeableConcept', 'Element', 'Quantity', 'Identifier', 'Reference'].includes(type);

function refused(code: IssueCode, text: string, place: string): FhirError {
  return badRequest('operation-parameter', text, place === '' ? undefined : place, code);
}

import { badRequest, type FhirError } from '../../fhir/error.ts';
import { type Json, sameValue } from '../../fhir/json.ts';
import type { Schema } from '../../fhir/schema.ts';
import { parsePath } from '../../fhirpath/parse.ts';
import { type Node, UnsupportedPath } from '../../fhirpath/syntax.ts';
import { childrenOf, derives, elementsNamed, type Place } from './places.ts';

/** What finding the places of one path needs; the steps are shared by all operations of a patch. */
export type Finder = {
  readonly schema: Schema;
  readonly work: { stepsLeft: number };
  /** Makes the error for a path that can't be followed. */
  readonly refuse: (reason: string) => FhirError;
};

/** Elements looked at by one patch: a path of a client must end in time, however large the resource. */
export const stepsMax = 500_000;

const pathLengthMax = 1_000;
const nestingMax = 32;

/**
 * Finds the elements a path leads to, as places that can be changed.
 *
 * This is an evaluator of our own for the part of FHIRPath that navigates, not the library: its results say where they stand,
 * and what it can be asked to do is bounded, where the library would run `repeat()` or a regular expression of a client to the
 * bitter end. Supported are members, `[index]`, `where()`, `first()`, `last()`, `tail()`, `skip()`, `take()`, `single()`,
 * `extension()`, `ofType()`, `as`; and in conditions `= != in and or xor implies is`, `exists()`, `empty()`, `not()`, `count()`,
 * `hasValue()`, `startsWith()`, `endsWith()`, `contains()`. A choice may be named with its type too: `Patient.deceasedBoolean`.
 *
 * @throws  FhirError 400 for a path beyond this part; what `refuse` makes for an unknown element or several values where one is needed
 * @see     https://hl7.org/fhir/R4/fhirpatch.html#concept, https://hl7.org/fhirpath/N1/
 */
export function findPlaces(path: string, root: Place, finder: Finder): Place[] {
  try {
    return find(parse(path), root, finder);
  } catch (error) {
    if (!(error instanceof UnsupportedPath)) throw error;
    // Not the parser's words: they may repeat a string of the path, which may be a name.
    const text =
      'The path of the patch is not FHIRPath, or beyond what patches support: elements, [index], where(), first(), last(), extension(), ofType() and conditions of these.';
    throw badRequest('patch-path', text, undefined, 'not-supported');
  }
}

function parse(path: string): Node {
  // The parser calls itself at each parenthesis.
  if (path.length > pathLengthMax || path.split('(').length > nestingMax) throw new UnsupportedPath('too long or too deep');
  return parsePath(path);
}

function find(node: Node, focus: Place, finder: Finder): Place[] {
  switch (node.kind) {
    case 'this':
      return [focus];
    case 'name':
      if (node.name.startsWith('%')) throw new UnsupportedPath('a variable');
      if (!isTypeName(node.name)) return members([focus], node.name, finder);
      if (!derives(focus.type, node.name, finder.schema)) throw finder.refuse(`this is a ${focus.type}, not a ${node.name}`);
      return [focus];
    case 'member':
      return members(find(node.from, focus, finder), node.name, finder);
    case 'index':
      return find(node.from, focus, finder).slice(node.index, node.index + 1);
    case 'ofType':
      return find(node.from, focus, finder).filter((place) => derives(place.type, node.type, finder.schema));
    case 'call':
      return callFind(node, focus, finder);
    default:
      throw new UnsupportedPath(`${node.kind} is no path`);
  }
}

/** Types begin with a capital, elements never do. */
function isTypeName(name: string): boolean {
  return /^[A-Z]/.test(name);
}

function members(places: readonly Place[], name: string, finder: Finder): Place[] {
  return places.flatMap((place) => {
    const elements = elementsNamed(place.type, name, finder.schema);
    if (elements.length === 0)
      throw finder.refuse(`there is no element ${/^\w{1,64}$/.test(name) ? name : 'of such a name'} in ${place.type}`);
    const found = childrenOf(place, elements, finder.schema);
    spend(finder, 1 + found.length);
    return found;
  });
}

function spend(finder: Finder, steps: number): void {
  finder.work.stepsLeft -= steps;
  if (finder.work.stepsLeft < 0) throw finder.refuse('the paths of the patch take too long to follow; send the result as an update');
}

type Call = Extract<Node, { kind: 'call' }>;

function callFind(node: Call, focus: Place, finder: Finder): Place[] {
  const [argument] = node.args;
  if (node.name === 'extension') {
    const url = argument?.kind === 'literal' ? argument.value : undefined;
    return members(find(node.from, focus, finder), 'extension', finder).filter((place) => childValue(place, 'url', finder) === url);
  }
  const from = find(node.from, focus, finder);
  switch (node.name) {
    case 'where':
      return from.filter((place) => truth(required(argument), place, finder) === true);
    case 'last':
      return from.slice(-1);
    case 'tail':
      return from.slice(1);
    case 'skip':
      return from.slice(count(argument));
    case 'take':
      return from.slice(0, count(argument));
    case 'single':
      if (from.length > 1) throw finder.refuse('single() finds several elements');
      return from;
    default:
      throw new UnsupportedPath(`${node.name}() is no path`);
  }
}

function childValue(place: Place, name: string, finder: Finder): Json | undefined {
  return childrenOf(place, elementsNamed(place.type, name, finder.schema), finder.schema)[0]?.value;
}

function required(argument: Node | undefined): Node {
  if (argument === undefined) throw new UnsupportedPath('an argument is missing');
  return argument;
}

function count(argument: Node | undefined): number {
  if (argument?.kind !== 'literal' || typeof argument.value !== 'number') throw new UnsupportedPath('a number is expected');
  return argument.value;
}

/** The truth of a condition about one place; undefined is FHIRPath's empty collection. */
function truth(node: Node, focus: Place, finder: Finder): boolean | undefined {
  spend(finder, 1);
  if (node.kind === 'binary') return binaryTruth(node, focus, finder);
  if (node.kind === 'is') {
    const [place, ...others] = find(node.from, focus, finder);
    if (others.length > 0) throw finder.refuse('a condition has several values where one is needed');
    return place === undefined ? undefined : derives(place.type, node.type, finder.schema);
  }
  if (node.kind === 'call') {
    const answer = CONDITIONS.get(node.name)?.(node, focus, finder);
    if (answer !== undefined) return answer.truth;
  }
  const value = single(node, focus, finder);
  return typeof value === 'boolean' ? value : value === undefined ? undefined : true;
}

function binaryTruth(node: Extract<Node, { kind: 'binary' }>, focus: Place, finder: Finder): boolean | undefined {
  const { operator } = node;
  if (operator === '=' || operator === '!=' || operator === 'in') {
    const left = values(node.left, focus, finder);
    const right = values(node.right, focus, finder);
    if (left.length === 0 || right.length === 0) return operator === 'in' && left.length === 1 ? false : undefined;
    if (operator === 'in') return right.some((value) => isEqual(value, one(left, finder)));
    const same = left.length === right.length && left.every((value, index) => isEqual(value, right[index]));
    return same === (operator === '=');
  }
  const left = truth(node.left, focus, finder);
  const right = truth(node.right, focus, finder);
  switch (operator) {
    case 'and':
      return left === false || right === false ? false : left === undefined || right === undefined ? undefined : true;
    case 'or':
      return left === true || right === true ? true : left === undefined || right === undefined ? undefined : false;
    case 'xor':
      return left === undefined || right === undefined ? undefined : left !== right;
    case 'implies':
      return left === false || right === true ? true : left === undefined || right === undefined ? undefined : false;
    default:
      throw new UnsupportedPath(`the operator ${operator}`);
  }
}

function isEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return sameValue([a], new Map(), [b], new Map());
}

type ConditionFunction = (call: Call, focus: Place, finder: Finder) => { readonly truth: boolean | undefined };

/** Functions that answer a condition. */
const CONDITIONS: ReadonlyMap<string, ConditionFunction> = new Map<string, ConditionFunction>([
  [
    'exists',
    ({ from, args: [condition] }, focus, finder) => {
      const found = find(from, focus, finder);
      return { truth: condition === undefined ? found.length > 0 : found.some((place) => truth(condition, place, finder) === true) };
    },
  ],
  ['empty', ({ from }, focus, finder) => ({ truth: find(from, focus, finder).length === 0 })],
  [
    'not',
    ({ from }, focus, finder) => {
      const inner = truth(from, focus, finder);
      return { truth: inner === undefined ? undefined : !inner };
    },
  ],
  [
    'hasValue',
    ({ from }, focus, finder) => {
      const [place, ...others] = find(from, focus, finder);
      return { truth: others.length === 0 && place?.value !== undefined && typeof place.value !== 'object' };
    },
  ],
  ['startsWith', (call, focus, finder) => textTruth(call, focus, finder, (text, part) => text.startsWith(part))],
  ['endsWith', (call, focus, finder) => textTruth(call, focus, finder, (text, part) => text.endsWith(part))],
  ['contains', (call, focus, finder) => textTruth(call, focus, finder, (text, part) => text.includes(part))],
]);

function textTruth(
  { from, args }: Call,
  focus: Place,
  finder: Finder,
  holds: (text: string, part: string) => boolean,
): { truth: boolean | undefined } {
  const text = single(from, focus, finder);
  const part = single(required(args[0]), focus, finder);
  return { truth: typeof text === 'string' && typeof part === 'string' ? holds(text, part) : undefined };
}

function single(node: Node, focus: Place, finder: Finder): Json | undefined {
  return one(values(node, focus, finder), finder);
}

function one(list: readonly Json[], finder: Finder): Json | undefined {
  if (list.length > 1) throw finder.refuse('a condition has several values where one is needed');
  return list[0];
}

function values(node: Node, focus: Place, finder: Finder): Json[] {
  if (node.kind === 'literal') return [node.value];
  if (node.kind === 'union') return node.parts.flatMap((part) => values(part, focus, finder));
  if (node.kind === 'call' && node.name === 'count') return [find(node.from, focus, finder).length];
  return find(node, focus, finder).flatMap(({ value }) => (value === undefined ? [] : [value]));
}

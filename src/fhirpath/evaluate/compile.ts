import type { Schema } from '../../fhir/schema.ts';
import { isTypeName } from '../normalize.ts';
import { type Node, UnsupportedPath } from '../syntax.ts';
import { distinct } from './compare.ts';
import { type Expression, fromItems, fromTruth, number, single } from './expression.ts';
import { COLLECTION_FUNCTIONS, type Signature } from './functions.ts';
import { Item, isOf, type Items, NOTHING, type Types, typeOfResource, typesFrom } from './item.ts';
import { compileMember, countChildren, THIS } from './navigate.ts';
import { compileBinary } from './operators.ts';
import { RESOURCE_FUNCTIONS } from './resource-functions.ts';
import { TEXT_FUNCTIONS } from './text-functions.ts';

const FUNCTIONS: ReadonlyMap<string, Signature> = new Map(
  Object.entries({ ...COLLECTION_FUNCTIONS, ...TEXT_FUNCTIONS, ...RESOURCE_FUNCTIONS }),
);

/** Where a node stands: what `$this` is there, and whether it is evaluated again and again. */
type Place = { readonly self: Expression; readonly types: Types; readonly repeated: boolean };

/**
 * Compiles an expression to closures.
 *
 * @throws  UnsupportedPath for what is left to the library
 */
export function compileExpression(node: Node, schema: Schema): Expression {
  return compile(node, { self: THIS, types: typesFrom(schema), repeated: false });
}

function compile(node: Node, place: Place): Expression {
  if (place.repeated && isRooted(node)) return onceEach(compile(node, { ...place, repeated: false }));
  const { types } = place;
  switch (node.kind) {
    case 'this':
      return place.self;
    case 'nothing':
      return fromItems(() => NOTHING);
    case 'literal':
      return constant(new Item(node.value, types.of(literalType(node.value))));
    case 'moment':
      return compileMoment(node.text, types);
    case 'name':
      return compileName(node.name, place);
    case 'member':
      return compileMember(compile(node.from, place), node.name, types);
    case 'index':
    case 'item':
      return compileIndex(node, place);
    case 'ofType': {
      const from = compile(node.from, place);
      return fromItems((self, evaluation) => from.items(self, evaluation).filter((item) => isOf(item.type, node.type, types)));
    }
    case 'is':
      return compileIs(compile(node.from, place), node.type, types);
    case 'union': {
      const parts = node.parts.map((part) => compile(part, place));
      return fromItems((self, evaluation) =>
        distinct(
          parts.flatMap((part) => part.items(self, evaluation)),
          evaluation,
        ),
      );
    }
    case 'binary':
      return compileBinary(node.operator, compile(node.left, place), compile(node.right, place), types);
    case 'negative': {
      const from = compile(node.from, place);
      return fromItems((self, evaluation) => {
        const value = number(from.items(self, evaluation));
        return value === undefined ? NOTHING : [new Item(-value, types.of('decimal'))];
      });
    }
    case 'call':
      return compileCall(node, place);
  }
}

function constant(item: Item): Expression {
  const items: Items = [item];
  return fromItems(
    () => items,
    () => true,
  );
}

function literalType(value: string | number | boolean): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'decimal';
  return typeof value;
}

function compileMoment(text: string, types: Types): Expression {
  if (text.startsWith('T')) return constant(new Item(text.slice(1), types.of('time')));
  return constant(new Item(text.replace(/T$/, ''), types.of(text.includes('T') ? 'dateTime' : 'date')));
}

const TEXTS: Readonly<Record<string, string>> = {
  '%ucum': 'http://unitsofmeasure.org',
  '%sct': 'http://snomed.info/sct',
  '%loinc': 'http://loinc.org',
};

/** @see https://hl7.org/fhir/R4/fhirpath.html#variables */
function compileName(name: string, place: Place): Expression {
  const { types } = place;
  if (name === '%resource' || name === '%rootResource') {
    const member = name === '%resource' ? 'resource' : 'rootResource';
    return fromItems((_self, { scope }) => [new Item(scope[member], typeOfResource(scope[member], types.of('Resource'), types))]);
  }
  if (name === '%context') return fromItems((_self, evaluation) => [evaluation.context]);
  if (name === '$index') return fromItems((_self, evaluation) => [new Item(evaluation.index, types.of('integer'))]);
  if (name.startsWith('%')) {
    const [, kind, rest] = /^%(vs|ext)-(.+)$/.exec(name) ?? [];
    const url = rest === undefined ? TEXTS[name] : `http://hl7.org/fhir/${kind === 'vs' ? 'ValueSet' : 'StructureDefinition'}/${rest}`;
    if (url === undefined) throw new UnsupportedPath(name);
    return constant(new Item(url, types.of('string')));
  }
  if (!isTypeName(name, types.schema)) return compileMember(place.self, name, types);
  // `Appointment.status`: the item itself, if it is of that type.
  const { self: from } = place;
  return fromItems((self, evaluation) => from.items(self, evaluation).filter((item) => isOf(item.type, name, types)));
}

function compileIndex(node: Extract<Node, { kind: 'index' | 'item' }>, place: Place): Expression {
  const from = compile(node.from, place);
  if (node.kind === 'index') {
    const { index } = node;
    return fromItems((self, evaluation) => from.items(self, evaluation).slice(index, index + 1));
  }
  const at = compile(node.index, place);
  return fromItems((self, evaluation) => {
    const index = number(at.items(self, evaluation));
    return index === undefined || index < 0 ? NOTHING : from.items(self, evaluation).slice(index, index + 1);
  });
}

function compileIs(from: Expression, type: string, types: Types): Expression {
  return fromTruth((self, evaluation) => {
    const item = single(from.items(self, evaluation));
    return item === undefined ? undefined : isOf(item.type, type, types);
  }, types);
}

type Call = Extract<Node, { kind: 'call' }>;

function compileCall(node: Call, place: Place): Expression {
  const { types } = place;
  if (node.name === 'iif') return compileIif(node, place);
  const signature = FUNCTIONS.get(node.name);
  if (signature === undefined || node.args.length < signature.min || node.args.length > signature.max) {
    throw new UnsupportedPath(`${node.name}() with ${node.args.length} arguments`);
  }
  const from = compile(node.from, place);
  if (node.name === 'count' && node.from.kind === 'call' && node.from.name === 'children' && node.from.from.kind === 'this') {
    const counted = place.self;
    return fromItems((self, evaluation) => [
      new Item(
        counted.items(self, evaluation).reduce((sum, item) => sum + countChildren(item), 0),
        types.of('integer'),
      ),
    ]);
  }
  const inner: Place = ITERATING.has(node.name) ? { self: THIS, types, repeated: true } : place;
  return signature.build(
    from,
    node.args.map((argument) => compile(argument, inner)),
    types,
  );
}

/** Functions whose argument is evaluated on each item; other arguments are evaluated where the call stands. */
const ITERATING = new Set(['where', 'select', 'all', 'exists', 'repeat']);

/** `iif(criterion, then, otherwise)`: its arguments are about the whole collection, which may be empty. */
function compileIif(node: Call, place: Place): Expression {
  if (node.args.length < 2 || node.args.length > 3) throw new UnsupportedPath('iif()');
  const from = compile(node.from, place);
  let collection: Items = NOTHING;
  const inner: Place = { ...place, self: fromItems(() => collection) };
  const [criterion, then, otherwise] = node.args.map((argument) => compile(argument, inner));
  return fromItems((self, evaluation) => {
    const before = collection;
    collection = from.items(self, evaluation);
    try {
      const chosen = criterion?.truth(self, evaluation) === true ? then : otherwise;
      return chosen?.items(self, evaluation) ?? NOTHING;
    } finally {
      collection = before;
    }
  });
}

/** Whether what a node finds is the same for all items of an iteration: it begins at a variable, not at the item. */
function isRooted(node: Node): boolean {
  if (node.kind === 'union') return node.parts.every((part) => isFixed(part)) && node.parts.some(isRooted);
  if (node.kind !== 'member' && node.kind !== 'call' && node.kind !== 'ofType' && node.kind !== 'index') return false;
  return isFixed(node);
}

function isFixed(node: Node): boolean {
  switch (node.kind) {
    case 'literal':
    case 'moment':
      return true;
    case 'name':
      return node.name.startsWith('%');
    case 'member':
    case 'ofType':
    case 'index':
      return isFixed(node.from);
    case 'union':
      return node.parts.every(isFixed);
    case 'call':
      return isFixed(node.from) && (ITERATING.has(node.name) || node.name === 'trace' || node.args.every(isFixed));
    default:
      return false;
  }
}

/** Evaluates it once in an evaluation: dom-3 asks each contained resource for all the references of the whole. */
function onceEach(expression: Expression): Expression {
  return fromItems((self, evaluation) => {
    evaluation.found ??= new Map();
    const known = evaluation.found.get(expression);
    if (known !== undefined) return known;
    const items = expression.items(self, evaluation);
    evaluation.found.set(expression, items);
    return items;
  });
}

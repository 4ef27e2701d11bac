import type { Schema } from '../fhir/schema.ts';
import { derivesFrom } from './normalize.ts';
import { type BinaryOperator, type Node, UnsupportedPath } from './syntax.ts';
import { typesOf } from './typing.ts';
import type { CompileSteps, Visit } from './visit.ts';

/** True, false, or undefined for FHIRPath's empty collection. @see https://hl7.org/fhirpath/N1/#boolean-logic */
export type Condition = (item: unknown) => boolean | undefined;

/** What a condition is about: items of `type`. `compileSteps` is handed in, for the two call each other. */
export type ConditionContext = { readonly type: string; readonly schema: Schema; readonly compileSteps: CompileSteps };

/** @throws  UnsupportedPath for what is left to the library */
export function compileCondition(node: Node, context: ConditionContext): Condition {
  switch (node.kind) {
    case 'literal':
      return compileSingle(node, context, (value) => value === true);
    case 'binary':
      return compileBinary(node, context);
    case 'is':
      return compileIs(node, context);
    case 'call':
      return FUNCTIONS[node.name]?.(node, context) ?? compilePathCondition(node, context);
    default:
      return compilePathCondition(node, context);
  }
}

/** Whether a branch computes a truth value instead of leading to elements. */
export function isCondition(node: Node): boolean {
  return node.kind === 'binary' || node.kind === 'is' || (node.kind === 'call' && FUNCTIONS[node.name] !== undefined);
}

type Call = Extract<Node, { kind: 'call' }>;

const FUNCTIONS: Readonly<Record<string, (call: Call, context: ConditionContext) => Condition>> = {
  exists: (call, context) => compileExists(filtered(call), context),
  empty: (call, context) => {
    const exists = compileExists(filtered(call), context);
    return (item) => exists(item) !== true;
  },
  not: (call, context) => {
    if (call.args.length > 0) throw new UnsupportedPath('not() with an argument');
    const condition = compileCondition(call.from, context);
    return (item) => {
      const truth = condition(item);
      return truth === undefined ? undefined : !truth;
    };
  },
  // Not FHIRPath's own, but R4 writes it in one parameter.
  hasExtension: (call, context) => compileExists({ kind: 'call', from: call.from, name: 'extension', args: call.args }, context),
};

/** `exists(condition)` asks the same as `where(condition).exists()`. */
function filtered(call: Call): Node {
  if (call.args.length === 0) return call.from;
  if (call.name === 'exists') return { kind: 'call', from: call.from, name: 'where', args: call.args };
  throw new UnsupportedPath(`${call.name}() with an argument`);
}

function compileExists(node: Node, { type, schema, compileSteps }: ConditionContext): Condition {
  let found = false;
  const find = compileSteps(node, type, schema, () => () => {
    found = true;
  });
  if (find === undefined) return () => false;
  return (item) => {
    found = false;
    find(item, undefined, undefined, ignore);
    return found;
  };
}

/**
 * A path where a truth value is asked for: its one item, true if that is no boolean.
 *
 * @see https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
 */
function compilePathCondition(node: Node, context: ConditionContext): Condition {
  return compileSingle(node, context, (value) => value !== false);
}

function compileBinary(node: Extract<Node, { kind: 'binary' }>, context: ConditionContext): Condition {
  const { operator, left, right } = node;
  if (operator === '=' || operator === '!=' || operator === 'in') return compileComparison(node, context);
  const combine = LOGIC[operator];
  if (combine === undefined) throw new UnsupportedPath(operator);
  const first = compileCondition(left, context);
  const second = compileCondition(right, context);
  return (item) => combine(first(item), second(item));
}

type Truth = boolean | undefined;

const LOGIC: Readonly<Partial<Record<BinaryOperator, (left: Truth, right: Truth) => Truth>>> = {
  and: (left, right) => (left === false || right === false ? false : left && right),
  or: (left, right) => (left === true || right === true ? true : left === undefined ? undefined : right),
  xor: (left, right) => (left === undefined || right === undefined ? undefined : left !== right),
  implies: (left, right) => (left === false || right === true ? true : left === undefined ? undefined : right),
};

/** `path = literal`, `path != literal` and `path in (literal | literal)`; other comparisons are the library's. */
function compileComparison(node: Extract<Node, { kind: 'binary' }>, context: ConditionContext): Condition {
  const { operator, left, right } = node;
  const literals = (right.kind === 'union' ? right.parts : [right]).map((part) => {
    if (part.kind !== 'literal') throw new UnsupportedPath('comparison with a computed value');
    return part.value;
  });
  assertComparable(left, literals, context);
  const [literal] = literals;
  if (operator === 'in') return compileSingle(left, context, (value) => literals.includes(value as string));
  if (literals.length > 1) throw new UnsupportedPath('comparison with several values');
  return compileSingle(left, context, operator === '=' ? (value) => value === literal : (value) => value !== literal);
}

const DATES = new Set(['date', 'dateTime', 'instant', 'time']);

/** Equality is ours where JSON's is FHIRPath's: of primitives, but not of dates with strings, which have rules of their own. */
function assertComparable(left: Node, literals: readonly (string | number | boolean)[], { type, schema }: ConditionContext): void {
  if (left.kind === 'literal') return;
  for (const found of typesOf(left, type, schema)) {
    const isDateText = DATES.has(found) && literals.some((literal) => typeof literal === 'string');
    if (isDateText || schema(found)?.kind !== 'primitive') throw new UnsupportedPath(`comparison of ${found} with a literal`);
  }
}

function compileIs(node: Extract<Node, { kind: 'is' }>, context: ConditionContext): Condition {
  const { type, schema, compileSteps } = context;
  const isOpen = typesOf(node.from, type, schema).some((found) => schema(found)?.abstract === true);
  if (isOpen) throw new UnsupportedPath('is, of a contained resource');
  let count = 0;
  let answer = false;
  const find = compileSteps(node.from, type, schema, (found) => {
    const matches = derivesFrom(found, node.type, schema);
    return () => {
      count++;
      answer = matches;
    };
  });
  return (item) => {
    count = 0;
    find?.(item, undefined, undefined, ignore);
    return count === 1 ? answer : undefined;
  };
}

/** Asks about the one value a path finds; none or several give undefined. */
function compileSingle(node: Node, { type, schema, compileSteps }: ConditionContext, ask: (value: unknown) => boolean): Condition {
  if (node.kind === 'literal') return () => ask(node.value);
  let count = 0;
  let single: unknown;
  const find = compileSteps(node, type, schema, () => (value) => {
    count++;
    single = value;
  });
  return (item) => {
    count = 0;
    find?.(item, undefined, undefined, ignore);
    return count === 1 ? ask(single) : undefined;
  };
}

const ignore: Visit = () => {};

import { badRequest } from '../fhir/error.ts';
import type { Schema } from '../fhir/schema.ts';
import { corrected } from './corrections.ts';
import { compileExpression } from './evaluate/compile.ts';
import { CannotTell, type Evaluation, type Expression, isTrue, STEPS_MAX, spend } from './evaluate/expression.ts';
import { Item, type Types, typeOfResource, typesFrom } from './evaluate/item.ts';
import type { CompileInvariant, Invariant } from './invariant.ts';
import { compileInvariantByLibrary } from './library-invariant.ts';
import { parseExpression } from './parse.ts';
import { UnsupportedPath } from './syntax.ts';

export { prepareLibrary } from './library.ts';

/**
 * By closures of our own, R4's own mistakes corrected; what FHIRPath has beyond these (quantities in expressions, dates that are
 * computed) is the library's.
 */
export const compileInvariant: CompileInvariant = (expression, type, schema) => {
  assertReadable(expression);
  const own = compileOwn(expression, schema);
  return own === undefined ? compileInvariantByLibrary(expression, type, schema) : invariantOf(own, type, typesFrom(schema));
};

/** Whether an expression is evaluated by closures of our own, without the library. */
export function isOwnInvariant(expression: string, schema: Schema): boolean {
  return compileOwn(expression, schema) !== undefined;
}

/** Several times what any published profile has. */
const LENGTH_MAX = 5_000;
const NESTING_MAX = 100;

/** Expressions come from clients, and are parsed and evaluated by functions that call each other. */
function assertReadable(expression: string): void {
  let depth = 0;
  let deepest = 0;
  for (const letter of expression) {
    if (letter === '(' || letter === '[') deepest = Math.max(deepest, ++depth);
    else if (letter === ')' || letter === ']') depth--;
  }
  if (expression.length <= LENGTH_MAX && deepest <= NESTING_MAX) return;
  const limits = `${LENGTH_MAX} characters and ${NESTING_MAX} parentheses within each other`;
  throw badRequest('invariant-too-long', `The expression of an invariant may have ${limits}.`);
}

function compileOwn(expression: string, schema: Schema): Expression | undefined {
  try {
    return compileExpression(parseExpression(corrected(expression)), schema);
  } catch (error) {
    if (error instanceof UnsupportedPath) return undefined;
    throw error;
  }
}

function invariantOf(expression: Expression, name: string, types: Types): Invariant {
  const declared = types.of(name);
  const isOpen = types.schema(name)?.abstract === true;
  return (value, scope, extra) => {
    const type = isOpen && typeof value === 'object' && value !== null ? typeOfResource(value, declared, types) : declared;
    const item = new Item(value ?? undefined, type, extra);
    const { budget } = scope;
    const steps = budget === undefined ? STEPS_MAX : Math.min(STEPS_MAX, budget.left);
    const evaluation: Evaluation = { scope, types, context: item, index: 0, steps, found: undefined };
    try {
      spend(evaluation, 1);
      return isTrue(expression.items(item, evaluation));
    } catch (error) {
      // A RangeError is a stack that is full: of elements nested beyond all reason.
      if (error instanceof CannotTell || error instanceof RangeError) return undefined;
      throw error;
    } finally {
      if (budget !== undefined) budget.left -= steps - evaluation.steps;
    }
  };
}

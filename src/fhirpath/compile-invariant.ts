import { corrected } from './corrections.ts';
import { compileExpression } from './evaluate/compile.ts';
import { CannotTell, type Evaluation, type Expression, isTrue, STEPS_MAX } from './evaluate/expression.ts';
import { Item, type Types, typeOfResource, typesFrom } from './evaluate/item.ts';
import type { CompileInvariant, Invariant } from './invariant.ts';
import { compileInvariantByLibrary } from './library-invariant.ts';
import { parseExpression } from './parse.ts';
import { UnsupportedPath } from './syntax.ts';

export { prepareLibrary } from './library.ts';

/**
 * By closures of our own, R4's own mistakes corrected; what FHIRPath has beyond these (quantities in expressions, dates that are computed) is the library's.
 */
export const compileInvariant: CompileInvariant = (expression, type, schema) => {
  const own = compileOwn(expression, schema);
  return own === undefined ? compileInvariantByLibrary(expression, type, schema) : invariantOf(own, type, typesFrom(schema));
};

/** Whether an expression is evaluated by closures of our own, without the library. */
export function isOwnInvariant(expression: string, schema: Parameters<CompileInvariant>[2]): boolean {
  return compileOwn(expression, schema) !== undefined;
}

function compileOwn(expression: string, schema: Parameters<CompileInvariant>[2]): Expression | undefined {
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
    const evaluation: Evaluation = { scope, types, context: item, index: 0, steps: STEPS_MAX, found: undefined };
    try {
      return isTrue(expression.items(item, evaluation));
    } catch (error) {
      if (error instanceof CannotTell || error instanceof RangeError) return undefined;
      throw error;
    }
  };
}

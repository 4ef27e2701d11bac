import type { Schema } from '../fhir/schema.ts';
import { compileCondition, isCondition } from './conditions.ts';
import { compileByLibrary } from './library.ts';
import { type Branch, branchesFor, derivesFrom, isTypeName } from './normalize.ts';
import { parsePath } from './parse.ts';
import { compileSteps } from './steps.ts';
import { type Node, UnsupportedPath } from './syntax.ts';
import { pathText, sourceText } from './text.ts';
import { resolvedTypes, typesOf } from './typing.ts';
import type { Visit } from './visit.ts';

export { prepareLibrary } from './library.ts';
export type { Visit } from './visit.ts';

/** One place search values come from. */
export type CompiledPath = {
  /** The same for all spellings and parameters that mean the same: `Patient.telecom.where(system='phone')`. */
  readonly path: string;
  /** The datatypes it can end at; empty if only the library knows. */
  readonly types: readonly string[];
  /** From `where(resolve() is Patient)`: only references to these types count. The path finds all references, and doesn't mention it. */
  readonly targets?: readonly string[];
  /** In a composite's component: it begins at `%resource`, so `each` takes the resource instead of the composite's item. */
  readonly onResource?: true;
  /** By closures of our own; else by the library, which `prepareLibrary` has to load before `each` is called. */
  readonly simple: boolean;
  /** Visits all values, in document order. Never throws for a wrongly shaped resource: what has another shape isn't found. */
  readonly each: (resource: object, visit: Visit) => void;
};

/**
 * Compiles a search expression for one type.
 *
 * @param expression  of a SearchParameter, or of a composite's component
 * @param type        what it is evaluated on: a resource type, or what a composite's expression ends at (`Observation.component`)
 * @returns           one path per branch that applies to the type; none if the expression is about other types only
 * @throws            FhirError 400 if it can't be evaluated: no FHIRPath (known once the library is loaded), or it needs other resources
 */
export function compilePaths(expression: string, type: string, schema: Schema): CompiledPath[] {
  const paths = new Map<string, CompiledPath>();
  for (const branch of parseBranches(expression, type, schema)) {
    const compiled = typeof branch === 'string' ? byLibrary(branch, branch, type, schema) : compileBranch(branch, type, schema);
    if (compiled === undefined) continue;
    const twin = paths.get(compiled.path);
    paths.set(compiled.path, twin === undefined ? compiled : joined(twin, compiled));
  }
  return [...paths.values()];
}

/** Branches we can read as trees, the others as texts: one we can't read doesn't take the rest with it. */
function parseBranches(expression: string, type: string, schema: Schema): readonly (Branch | string)[] {
  const whole = unlessUnsupported(() => branchesFor(parsePath(expression), type, schema));
  if (whole !== undefined) return whole;
  const parts = splitTopLevel(expression);
  if (parts.length > 1) return parts.flatMap((part) => parseBranches(part, type, schema));
  const head = /^[\s(]*([A-Za-z]\w*)/.exec(expression)?.[1] ?? '';
  return isTypeName(head, schema) && !derivesFrom(type, head, schema) ? [] : [expression.trim()];
}

/** Splits a text at its outermost `|`, unless it has operators that bind less tightly than those. */
function splitTopLevel(expression: string): string[] {
  const masked = maskNested(expression);
  if (/[=<>~]|\b(?:and|or|xor|implies|in|contains)\b/.test(masked.replaceAll('.contains', ''))) return [expression];
  const parts: string[] = [];
  let from = 0;
  for (let at = masked.indexOf('|'); at >= 0; at = masked.indexOf('|', from)) {
    parts.push(expression.slice(from, at));
    from = at + 1;
  }
  return [...parts, expression.slice(from)];
}

/** The text with everything within quotes, parentheses and brackets blanked out, at its old length. */
function maskNested(expression: string): string {
  let masked = expression.replace(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/g, blank);
  for (;;) {
    const less = masked.replace(/\([^()[\]]*\)|\[[^()[\]]*\]/g, blank);
    if (less === masked) return masked;
    masked = less;
  }
}

function blank(text: string): string {
  return ' '.repeat(text.length);
}

function compileBranch(branch: Branch, type: string, schema: Schema): CompiledPath | undefined {
  const own = unlessUnsupported(() => compileOwn(branch, schema));
  if (own === undefined) return byLibrary(sourceText(branch.node, '$this'), sourceText(branch.node, branch.type), branch.type, schema);
  if (own.types.length === 0) return undefined;
  return branch.type === type ? own : { ...own, onResource: true };
}

function compileOwn({ node: branch, type }: Branch, schema: Schema): CompiledPath {
  if (isCondition(branch)) return compileTruth(branch, type, schema);
  // Only at a path's end: whoever uses the path knows the type from the reference itself, nothing is resolved.
  const targets = branch.kind === 'call' && branch.name === 'where' ? resolvedTypes(branch.args[0]) : undefined;
  const node = valueOfExtension(branch.kind === 'call' && targets !== undefined ? branch.from : branch, type, schema);
  const step = compileSteps(node, type, schema, (found) => (value, holder, key, visit) => visit(value, found, holder, key));
  return {
    path: pathText(node, type, schema),
    types: typesOf(node, type, schema),
    ...(targets === undefined ? {} : { targets }),
    simple: true,
    each: (resource, visit) => step?.(resource, undefined, undefined, visit),
  };
}

/** A truth value is found even where it is false: `Patient?deceased=false` finds those of whom nothing is said. */
function compileTruth(node: Node, type: string, schema: Schema): CompiledPath {
  const condition = compileCondition(node, { type, schema, compileSteps });
  return {
    path: pathText(node, type, schema),
    types: ['boolean'],
    simple: true,
    each: (resource, visit) => {
      const truth = condition(resource);
      if (truth !== undefined) visit(truth, 'boolean', undefined, undefined);
    },
  };
}

/** R4 has expressions that end at an extension; what is searched for is its value. */
function valueOfExtension(node: Node, type: string, schema: Schema): Node {
  const types = typesOf(node, type, schema);
  return types.length === 1 && types[0] === 'Extension' ? { kind: 'member', from: node, name: 'value' } : node;
}

function byLibrary(text: string, path: string, type: string, schema: Schema): CompiledPath {
  const isResource = schema(type)?.kind === 'resource';
  return { path, types: [], simple: false, each: compileByLibrary(text, isResource ? undefined : type) };
}

/** The same place reached under two conditions on its references. */
function joined(one: CompiledPath, other: CompiledPath): CompiledPath {
  if (one.targets === undefined) return one;
  return other.targets === undefined ? other : { ...one, targets: [...new Set([...one.targets, ...other.targets])] };
}

function unlessUnsupported<Result>(attempt: () => Result): Result | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof UnsupportedPath) return undefined;
    throw error;
  }
}

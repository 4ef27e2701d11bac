import { badRequest } from '../fhir/error.ts';
import type { JsonObject } from '../fhir/json.ts';
import type { Schema } from '../fhir/schema.ts';
import { CannotTell } from './evaluate/expression.ts';
import { matches, patternOf, replaceMatches } from './evaluate/pattern.ts';
import type { Invariant, InvariantScope } from './invariant.ts';
import { loadedLibrary } from './library.ts';

type UserInvocations = NonNullable<import('fhirpath').OptionVariants['userInvocationTable']>;

/**
 * Evaluates an invariant by the library: what is beyond our own closures.
 *
 * @returns  undefined if the library isn't loaded
 * @throws   FhirError 400 if the expression is no FHIRPath
 */
export function compileInvariantByLibrary(expression: string, type: string, schema: Schema): Invariant | undefined {
  const loaded = loadedLibrary();
  if (loaded === undefined) return undefined;
  const { library, model } = loaded;
  let scope: InvariantScope | undefined;
  const options = {
    resolveInternalTypes: false,
    traceFn: () => {},
    async: false,
    userInvocationTable: invocations(() => {
      if (scope === undefined) throw new CannotTell('outside an evaluation');
      return scope;
    }),
  } as const;
  const isResource = schema(type)?.kind === 'resource';
  const evaluate = compileOrRefuse(() => {
    const compiled = library.compile(isResource ? expression : { base: type, expression }, model, options);
    assertKnown(compiled);
    return compiled;
  });
  return (item, asked) => {
    const before = scope;
    scope = asked;
    try {
      return isTrue(evaluate(item ?? {}, { resource: asked.resource, rootResource: asked.rootResource }));
    } catch {
      // It ends with an error wherever a resource doesn't fit the expression; which of them is ours is not to be told apart.
      return undefined;
    } finally {
      scope = before;
    }
  };
}

function compileOrRefuse<Result>(compile: () => Result): Result {
  try {
    return compile();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason';
    throw badRequest('invariant-invalid', `The expression is not FHIRPath: ${reason}`);
  }
}

/** What is no text has none. */
function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Functions nobody knows show only in use. Where they are applied to nothing they are called all the same. */
function assertKnown(evaluate: (item: object, variables: Record<string, object>) => unknown): void {
  try {
    evaluate({}, { resource: {}, rootResource: {} });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Not implemented')) throw error;
  }
}

function isTrue(results: readonly unknown[]): boolean {
  return results.length > 1 || (results.length === 1 && valueOf(results[0]) !== false);
}

function valueOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'data' in result ? result.data : result;
}

type Coding = { readonly system?: string; readonly code?: string; readonly coding?: readonly Coding[] };

/** What the library hasn't got, or only asynchronously; and its regular expressions, which could keep the process busy for ever. */
function invocations(scope: () => InvariantScope): UserInvocations {
  const told = (answer: boolean | undefined): boolean => {
    if (answer === undefined) throw new CannotTell('it is not known here');
    return answer;
  };
  return {
    memberOf: {
      fn: (items: readonly (string | Coding)[], valueSet: string) => {
        const [item] = items;
        if (items.length !== 1 || item === undefined) return [];
        const codings = typeof item === 'string' ? [{ code: item }] : (item.coding ?? [item]);
        const answers = codings.map(({ system, code }: Coding) => code !== undefined && scope().memberOf(valueSet, system, code));
        return answers.includes(true) || told(answers.includes(undefined) ? undefined : false);
      },
      arity: { 1: ['String'] },
    },
    conformsTo: {
      fn: ([item]: readonly JsonObject[], profile: string) => (item === undefined ? [] : told(scope().conformsTo(profile, item))),
      arity: { 1: ['String'] },
    },
    resolve: {
      fn: (items: readonly (string | { readonly reference?: string })[]) =>
        items.flatMap((item) => {
          const reference = typeof item === 'string' ? item : item.reference;
          return (reference === undefined ? undefined : scope().resolve(reference)) ?? [];
        }),
      arity: { 0: [] },
    },
    htmlChecks: { fn: () => true, arity: { 0: [] } },
    matches: {
      fn: ([text]: readonly unknown[], pattern: string) => (text === undefined ? [] : matches(patternOf(pattern), textIn(text))),
      arity: { 1: ['String'] },
    },
    replaceMatches: {
      fn: ([text]: readonly unknown[], pattern: string, by: string) =>
        text === undefined ? [] : replaceMatches(patternOf(pattern), textIn(text), by),
      arity: { 2: ['String', 'String'] },
    },
  };
}

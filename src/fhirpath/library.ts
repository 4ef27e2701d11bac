import { badRequest } from '../fhir/error.ts';
import type { Visit } from './visit.ts';

type Loaded = {
  readonly library: typeof import('fhirpath')['default'];
  readonly model: typeof import('fhirpath/fhir-context/r4')['default'];
};

let loaded: Loaded | undefined;

export function loadedLibrary(): Loaded | undefined {
  return loaded;
}

/**
 * Loads the FHIRPath library, which costs memory and start-up: to be awaited before paths are used of which one isn't
 * `simple`, and before a search expression from outside is compiled (only then does a wrong one show at once).
 */
export async function prepareLibrary(): Promise<void> {
  if (loaded !== undefined) return;
  const [library, model] = await Promise.all([import('fhirpath'), import('fhirpath/fhir-context/r4')]);
  loaded = { library: library.default, model: model.default };
}

/**
 * Evaluates a path by the library. It is compiled at once if the library is there, else when it is first used.
 *
 * @param base  the type of the items, if they aren't resources
 * @throws      FhirError 400 if the expression is no FHIRPath, or asks for what can't be known from the resource alone
 */
export function compileByLibrary(text: string, base: string | undefined): (item: object, visit: Visit) => void {
  if (/\b(?:resolve|memberOf|conformsTo)\s*\(/.test(text) || (base !== undefined && text.includes('%'))) {
    throw badRequest(
      'search-expression-unsupported',
      'The expression needs more than it is evaluated on: resolve(), memberOf(), conformsTo() or %.',
    );
  }
  let evaluate = loaded === undefined ? undefined : compileText(text, base);
  return (item, visit) => {
    evaluate ??= compileText(text, base);
    evaluate(item, visit);
  };
}

function compileText(text: string, base: string | undefined): (item: object, visit: Visit) => void {
  if (loaded === undefined) throw new Error('prepareLibrary() has to be awaited before a path that is not simple is used');
  const { library, model } = loaded;
  const options = { resolveInternalTypes: false, traceFn: () => {} } as const;
  const path = base === undefined ? text : { base, expression: text };
  const evaluate = compileOrRefuse(() => {
    const compiled = library.compile(path, model, options);
    compiled({}); // Unknown functions show only in use; what fails where there is nothing fails everywhere.
    return compiled;
  });
  return (item, visit) => {
    for (const found of evaluateOrNothing(() => evaluate(item))) {
      const [type = ''] = library.types([found]);
      const [value] = library.resolveInternalTypes([found]) as unknown[];
      if (value !== undefined && value !== null) visit(value, fhirType(type), undefined, undefined);
    }
  };
}

function compileOrRefuse<Result>(compile: () => Result): Result {
  try {
    return compile();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason';
    throw badRequest('search-expression-invalid', `The expression is not FHIRPath: ${reason}`);
  }
}

/** FHIRPath ends with an error where a resource doesn't fit the expression (two items for one, say). Nothing is found then. */
function evaluateOrNothing(evaluate: () => unknown[]): unknown[] {
  try {
    return evaluate();
  } catch {
    return [];
  }
}

/** `FHIR.Quantity` → `Quantity`, `System.String` → `string`, `System.DateTime` → `dateTime`. */
function fhirType(name: string): string {
  const [namespace, type = ''] = name.split('.');
  if (namespace !== 'System' || type === 'Quantity') return type;
  return type.charAt(0).toLowerCase() + type.slice(1);
}

import { badRequest, FhirError, type IssueCode, issue } from '../fhir/error.ts';

/** 404: what the request names isn't here. */
export function unknown(text: string): FhirError {
  return new FhirError(404, [issue('not-found', 'terminology-unknown', text)]);
}

/** 422: it is understood, and can't be told here. */
export function untellable(text: string, code: IssueCode = 'not-supported'): FhirError {
  return new FhirError(422, [issue(code, code === 'too-costly' ? 'terminology-too-costly' : 'terminology-untold', text)]);
}

/** 400: the parameters don't go together. */
export function misasked(text: string): FhirError {
  return badRequest('terminology-parameters', text);
}

/**
 * Terminology is told as it is now, and of value sets that are named.
 *
 * @throws FhirError 422 for another date, or a value set that only a place in a profile names
 */
export function assertAsked(request: object, now: Date): void {
  const { date, context } = request as { readonly date?: unknown; readonly context?: unknown };
  if (typeof date === 'string' && date.slice(0, 10) !== now.toISOString().slice(0, date.length < 10 ? date.length : 10))
    throw untellable('Codes are told as they are today: leave "date" out.');
  if (context !== undefined) throw untellable('Value sets are not looked for by their context here: name one by "url".');
}

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

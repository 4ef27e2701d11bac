/** The codes of OperationOutcome.issue.code. @see https://hl7.org/fhir/R4/valueset-issue-type.html */
export type IssueCode =
  | 'invalid'
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'security'
  | 'login'
  | 'unknown'
  | 'expired'
  | 'forbidden'
  | 'suppressed'
  | 'processing'
  | 'not-supported'
  | 'duplicate'
  | 'multiple-matches'
  | 'not-found'
  | 'deleted'
  | 'too-long'
  | 'code-invalid'
  | 'extension'
  | 'too-costly'
  | 'business-rule'
  | 'conflict'
  | 'transient'
  | 'lock-error'
  | 'no-store'
  | 'exception'
  | 'timeout'
  | 'incomplete'
  | 'throttled'
  | 'informational';

export type Severity = 'fatal' | 'error' | 'warning' | 'information';

/**
 * One finding, as data. `id` is our stable name for it (`search-unknown-parameter`), rendered as `details.coding`;
 * `text` tells the client what to do and never quotes stored data; `expression` holds FHIRPaths (`Patient.name[0].given`).
 */
export type Issue = {
  readonly severity: Severity;
  readonly code: IssueCode;
  readonly id: string;
  readonly text: string;
  readonly expression?: readonly string[];
  /** What it breaks: an invariant's key or an element's id, and the profile that says so. */
  readonly rule?: Rule;
  /** Where it stands in the text that was sent, both from 1. */
  readonly position?: { readonly line: number; readonly column: number };
};

export type Rule = { readonly profile: string; readonly version?: string; readonly key: string };

/** The one error that ends a request with an answer of its own. Anything else thrown is a fault of ours and becomes a plain 500. */
export class FhirError extends Error {
  readonly status: number;
  readonly issues: readonly Issue[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, issues: readonly Issue[], options: { cause?: unknown; headers?: Readonly<Record<string, string>> } = {}) {
    super(issues[0]?.text ?? `status ${status}`, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'FhirError';
    this.status = status;
    this.issues = issues;
    this.headers = options.headers ?? {};
  }
}

/** What an API refuses in its own words where interactions work for it: they need to know no more of it. */
export class Refusal extends Error {
  readonly status: number;
  /** As the trail tells it: `validation-failed`. */
  readonly reason: string;

  constructor(message: string, status: number, reason: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** An error issue; the common case of `Issue`. */
export function issue(code: IssueCode, id: string, text: string, expression?: string | readonly string[]): Issue {
  const found = { severity: 'error', code, id, text } as const;
  if (expression === undefined) return found;
  return { ...found, expression: typeof expression === 'string' ? [expression] : expression };
}

/** 400: the request itself is wrong. */
export function badRequest(id: string, text: string, expression?: string | readonly string[], code: IssueCode = 'invalid'): FhirError {
  return new FhirError(400, [issue(code, id, text, expression)]);
}

/** 404, the same bytes for every id, whether the resource never existed or the caller may not see it. */
export function notFound(type: string): FhirError {
  return new FhirError(404, [issue('not-found', 'resource-not-found', `No ${type} with this id is known here.`)]);
}

export function forbidden(id: string, text: string): FhirError {
  return new FhirError(403, [issue('forbidden', id, text)]);
}

import { Refusal } from '../fhir/error.ts';

/** One field's fault. `field` is a path in the request: `address.country`, `allergies[0]`. Never holds what was sent. */
export type Detail = { readonly field: string; readonly code: string; readonly message: string };

/** The codes that clients may build on, with their statuses. docs/errors.md explains each. */
export const errorStatuses = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  conflict: 409,
  idempotency_mismatch: 409,
  duplicate: 409,
  deleted: 410,
  version_mismatch: 412,
  too_large: 413,
  unsupported_media_type: 415,
  validation_failed: 422,
  precondition_required: 428,
  rate_limited: 429,
  internal: 500,
  writes_disabled: 503,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof errorStatuses;

export type NativeErrorOptions = { readonly details?: readonly Detail[]; readonly headers?: Readonly<Record<string, string>> };

/** A refusal as the native API tells it: `{ code, message, details?, request_id }`. */
export class NativeError extends Refusal {
  readonly code: ErrorCode;
  readonly details: readonly Detail[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, { details = [], headers = {} }: NativeErrorOptions = {}) {
    super(message, errorStatuses[code], code.replaceAll('_', '-'));
    this.name = 'NativeError';
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

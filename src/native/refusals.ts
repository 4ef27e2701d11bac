import type { FhirError, Issue } from '../fhir/error.ts';
import { type Detail, type ErrorCode, NativeError } from './error.ts';

/** The interactions' refusals in the words of the native API: the same texts, with our codes for their statuses. */
export function nativeRefusal(error: FhirError): NativeError {
  const [first] = error.issues;
  const code = codeOf(error.status, first);
  const details = error.issues.filter(({ expression }) => expression !== undefined).map(detailOf);
  const headers = Object.fromEntries(Object.entries(error.headers).filter(([name]) => kept.has(name)));
  return new NativeError(code, first?.text ?? 'The request was refused.', { details, headers });
}

/** Headers that mean the same on both APIs. */
const kept = new Set(['retry-after', 'www-authenticate', 'connection', 'etag', 'accept-encoding', 'allow']);

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  409: 'conflict',
  410: 'deleted',
  412: 'version_mismatch',
  413: 'too_large',
  414: 'invalid_request',
  415: 'unsupported_media_type',
  422: 'validation_failed',
  428: 'precondition_required',
  429: 'rate_limited',
  431: 'invalid_request',
  503: 'unavailable',
};

function codeOf(status: number, issue: Issue | undefined): ErrorCode {
  if (issue?.code === 'duplicate') return 'duplicate';
  return byStatus[status] ?? 'internal';
}

const detailOf = ({ expression, id, text }: Issue): Detail => ({ field: expression?.[0] ?? '', code: id, message: text });

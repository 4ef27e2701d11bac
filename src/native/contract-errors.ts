import type { ErrorObject } from 'ajv/dist/2020.js';
import { type Detail, NativeError } from './error.ts';

export const invalidRequest = (details: readonly Detail[]): NativeError =>
  new NativeError('invalid_request', 'The request is not as the contract says; see details.', { details });

export function invalidParameters(place: 'path' | 'query' | 'header', errors: readonly ErrorObject[]): NativeError {
  const missing = errors.find(
    ({ keyword, params }) => place === 'header' && keyword === 'required' && params.missingProperty === 'if-match',
  );
  if (missing !== undefined) return new NativeError('precondition_required', 'Send If-Match with the ETag of the version you know.');
  return invalidRequest(detailsOf(errors));
}

export function invalidBody(errors: readonly ErrorObject[]): NativeError {
  return new NativeError('validation_failed', 'The body is not as the contract says; see details.', { details: detailsOf(errors) });
}

const detailsMax = 100;
/** What they are about is told by what is within. That a field might have been null as well is no help with what was sent. */
const branches = new Set(['if', 'oneOf', 'anyOf']);

/** What the schema says, never what was sent. */
function detailsOf(errors: readonly ErrorObject[]): Detail[] {
  const details = errors
    .filter(({ keyword, params }) => !branches.has(keyword) && !(keyword === 'type' && params.type === 'null'))
    .map(({ instancePath, keyword, params, message = '' }) => {
      const path = instancePath
        .slice(1)
        .split('/')
        .filter((part) => part !== '');
      if (keyword === 'required') path.push(String(params.missingProperty));
      if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties')
        path.push(String(params.additionalProperty ?? params.unevaluatedProperty).slice(0, 64));
      return { field: path.join('.').replaceAll(/\.(\d+)/g, '[$1]'), code: codeOf(keyword), message: textOf(keyword, params, message) };
    });
  const one = details.length > 0 ? details : [{ field: '', code: 'invalid', message: 'It fits none of the permitted forms.' }];
  return [...new Map(one.map((detail) => [`${detail.field} ${detail.code}`, detail])).values()].slice(0, detailsMax);
}

const codes: Readonly<Record<string, string>> = {
  required: 'required',
  additionalProperties: 'unknown',
  unevaluatedProperties: 'unknown',
  enum: 'not_one_of',
  const: 'not_one_of',
  format: 'format',
  pattern: 'format',
  type: 'type',
  minLength: 'too_short',
  maxLength: 'too_long',
  minItems: 'too_few',
  maxItems: 'too_many',
  minimum: 'too_small',
  maximum: 'too_large',
};

const codeOf = (keyword: string): string => codes[keyword] ?? 'invalid';

function textOf(keyword: string, params: Readonly<Record<string, unknown>>, message: string): string {
  if (keyword === 'required') return 'It is needed.';
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') return 'There is no such field.';
  if (keyword === 'enum') return `It is one of: ${(params.allowedValues as readonly unknown[]).join(', ')}.`;
  return `It ${message}.`;
}

import { FhirError } from '../../fhir/error.ts';
import { type Detail, NativeError } from '../error.ts';
import { nativeRefusal } from '../refusals.ts';

/**
 * What is wrong with a line: fields and codes. Texts only where they are ours, as those of the validation may repeat a value.
 *
 * @throws what isn't the line's fault
 */
export function faultsOf(error: unknown): readonly Detail[] {
  if (error instanceof NativeError) return error.details.length > 0 ? error.details : [whole(error.code)];
  if (!(error instanceof FhirError) || error.status >= 500 || error.status === 429) throw error;
  const { code, details } = nativeRefusal(error);
  return details.length === 0
    ? [whole(code)]
    : details.map(({ field, code: id }) => ({ field, code: id, message: texts.validation_failed }));
}

const texts = {
  validation_failed: 'What the line makes is not valid.',
  forbidden: 'The caller may not write it.',
} as const;

const whole = (code: string): Detail => ({
  field: '',
  code,
  message: code === 'forbidden' ? texts.forbidden : texts.validation_failed,
});

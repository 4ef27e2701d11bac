import type { Detail } from '../error.ts';
import { invalid } from '../existing.ts';
import { given } from '../parts.ts';
import type { LabResultInput } from './lab-result-view.ts';

/** Of these a value is expected. */
const complete: readonly string[] = ['final', 'amended', 'corrected'];

/** What the contract's schema can't say of a lab result. @throws NativeError 422 */
export function assertLabResult(input: LabResultInput): void {
  const details: Detail[] = [...value(input), ...range(input)];
  const { collected_at: collected, resulted_at: resulted } = input;
  if (resulted != null && Date.parse(resulted) < Date.parse(collected))
    details.push({ field: 'resulted_at', code: 'too_early', message: 'It is not before collected_at.' });
  if (details.length > 0) throw invalid(details);
}

function value(input: LabResultInput): Detail[] {
  const { result_value: number, result_unit: unit, result_comparator: comparator, status } = input;
  const hasText = given(input.result_text) !== undefined;
  if (number != null && hasText) return [{ field: 'result_text', code: 'unexpected', message: 'A result is a number or a text.' }];
  if (number == null && !hasText && complete.includes(status ?? 'final'))
    return [{ field: 'result_value', code: 'required', message: 'A result of this status has a value or a text.' }];
  if (number != null && given(unit) === undefined)
    return [{ field: 'result_unit', code: 'required', message: 'It is needed with a number; a plain number has the unit 1.' }];
  if (number == null && comparator != null)
    return [{ field: 'result_comparator', code: 'unexpected', message: 'It goes with result_value alone.' }];
  return [];
}

function range({ reference_range: limits, result_unit: unit }: LabResultInput): Detail[] {
  if (limits == null) return [];
  const { low, high, text } = limits;
  if (low == null && high == null && given(text) === undefined)
    return [{ field: 'reference_range', code: 'required', message: 'It has a limit or a text.' }];
  if ((low != null || high != null) && given(unit) === undefined)
    return [{ field: 'result_unit', code: 'required', message: 'It is needed with the limits of a range.' }];
  if (low != null && high != null && low > high)
    return [{ field: 'reference_range.high', code: 'too_small', message: 'It is not below the lower limit.' }];
  return [];
}

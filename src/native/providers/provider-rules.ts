import type { Detail } from '../error.ts';
import { invalid } from '../existing.ts';
import { given } from '../parts.ts';
import { isPhone } from '../patients/patient-rules.ts';
import type { ProviderInput } from './provider-view.ts';

/** What the contract's schema can't say of a provider. @throws NativeError 422 */
export function assertProvider({ npi, phone }: ProviderInput): void {
  const details: Detail[] = [];
  const number = given(npi);
  if (number !== undefined && !isNpi(number)) details.push({ field: 'npi', code: 'format', message: 'Its check digit is wrong.' });
  if (given(phone) !== undefined && !isPhone(given(phone) ?? ''))
    details.push({
      field: 'phone',
      code: 'format',
      message: 'It is no number that its country can have. Write it as E.164: +442079460018.',
    });
  if (details.length > 0) throw invalid(details);
}

/**
 * Whether the last digit is the check digit of the others, by the formula of Luhn over them and the prefix 80840.
 *
 * @param npi  ten digits
 * @see        https://www.cms.gov/Regulations-and-Guidance/Administrative-Simplification/NationalProvIdentStand/Downloads/NPIcheckdigit.pdf
 */
export function isNpi(npi: string): boolean {
  if (!/^[12]\d{9}$/.test(npi)) return false;
  const sum = [...`80840${npi}`].reverse().reduce((total, digit, at) => {
    const value = at % 2 === 0 ? Number(digit) : Number(digit) * 2;
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

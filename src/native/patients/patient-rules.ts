import { parsePhoneNumberWithError } from 'libphonenumber-js/max';
import { postcodeValidator, postcodeValidatorExistsForCountry } from 'postcode-validator';
import { languageGrammar } from '../../terminology/grammars/languages.ts';
import { countryGrammar } from '../../terminology/grammars/lists.ts';
import { type Detail, NativeError } from '../error.ts';
import type { PatientInput } from './patient-view.ts';

const agesMax = 120;
const earliest = '1900-01-01';
const countries = countryGrammar();
const languages = languageGrammar();

/** What the contract's schema can't say of a patient. @throws NativeError 422 with every field at fault */
export function assertPatient(input: PatientInput, now = new Date()): void {
  const details = [...names(input), ...birth(input, now), ...identity(input), ...phones(input), ...address(input), ...language(input)];
  if (details.length > 0) throw new NativeError('validation_failed', 'Fields are at fault; see details.', { details });
}

/** The contract's pattern knows the digits 0 to 9; other scripts have others. */
function names({ given_name, middle_name, family_name }: PatientInput): Detail[] {
  return Object.entries({ given_name, middle_name, family_name })
    .filter(([, name]) => /\p{Nd}/u.test(name ?? ''))
    .map(([field]) => ({ field, code: 'format', message: 'It is a name without digits.' }));
}

function birth({ date_of_birth: date }: PatientInput, now: Date): Detail[] {
  // Who was born on it is one year too old today; who was born a day later is not.
  const tooOld = `${now.getUTCFullYear() - agesMax - 1}${now.toISOString().slice(4, 10)}`;
  if (date > now.toISOString().slice(0, 10)) return [{ field: 'date_of_birth', code: 'in_future', message: 'It lies in the future.' }];
  if (date < earliest || date <= tooOld)
    return [
      { field: 'date_of_birth', code: 'too_early', message: `It is not before ${earliest}, and nobody is older than ${agesMax} years.` },
    ];
  return [];
}

function identity({ gender_identity: code, gender_identity_text: text }: PatientInput): Detail[] {
  if (code === 'other' && (text == null || text.trim() === ''))
    return [{ field: 'gender_identity_text', code: 'required', message: 'It is needed with gender_identity "other".' }];
  if (code !== 'other' && text != null)
    return [{ field: 'gender_identity_text', code: 'unexpected', message: 'It goes with gender_identity "other" alone.' }];
  return [];
}

function phones({ phone_e164: own, emergency_contact: contact }: PatientInput): Detail[] {
  const fields: readonly [string, string | null | undefined][] = [
    ['phone_e164', own],
    ['emergency_contact.phone_e164', contact?.phone_e164],
  ];
  return fields
    .filter(([, number]) => number != null && !isPhone(number))
    .map(([field]) => ({ field, code: 'format', message: 'It is no number that its country can have. Write it as E.164: +442079460018.' }));
}

/** Whether it is a number that its country can have, as E.164 writes it. */
export function isPhone(number: string): boolean {
  try {
    const phone = parsePhoneNumberWithError(number);
    return phone.isPossible() && phone.number === number;
  } catch {
    return false;
  }
}

function address({ address: given }: PatientInput): Detail[] {
  const { country, postal_code: code } = given ?? {};
  if (country != null && countries.find(country) === undefined)
    return [{ field: 'address.country', code: 'format', message: 'It is no country of ISO 3166-1, such as DE.' }];
  if (code == null || code === '') return [];
  if (country == null) return [{ field: 'address.country', code: 'required', message: 'It is needed with a postal code.' }];
  if (!postcodeValidatorExistsForCountry(country) || postcodeValidator(code, country)) return [];
  return [{ field: 'address.postal_code', code: 'format', message: `It is no postal code of ${country}.` }];
}

function language({ preferred_language: tag }: PatientInput): Detail[] {
  if (tag == null || languages.find(tag) !== undefined) return [];
  return [{ field: 'preferred_language', code: 'format', message: 'It is no language tag of BCP 47, such as en-GB.' }];
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertPatient } from '../../src/native/patients/patient-rules.ts';
import { type PatientInput, patientView, squeezed } from '../../src/native/patients/patient-view.ts';

const word = fc.stringMatching(/^[A-Za-zÀ-ž][A-Za-zÀ-ž' -]{0,40}$/);
const input: fc.Arbitrary<PatientInput> = fc.record(
  {
    given_name: word,
    middle_name: fc.option(word, { nil: undefined }),
    family_name: word,
    date_of_birth: fc
      .date({ min: new Date('1930-01-01'), max: new Date('2020-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10)),
    sex_at_birth: fc.constantFrom('female', 'male', 'intersex', 'unknown', 'undisclosed'),
    gender_identity: fc.constantFrom('woman', 'man', 'nonbinary', 'undisclosed'),
    email: fc.constantFrom('a@example.org', 'b.c@example.net'),
    phone_e164: fc.constantFrom('+442079460018', '+493012345678'),
    address: fc.record(
      { line1: word, line2: word, city: word, state_province: word, postal_code: fc.constant('10115'), country: fc.constant('DE') },
      { requiredKeys: ['line1', 'country'] },
    ),
    emergency_contact: fc.record({ name: word, phone_e164: fc.constant('+493012345679'), relationship: word }, { requiredKeys: ['name'] }),
    preferred_language: fc.constantFrom('de', 'en-GB', 'zh-Hant-TW'),
    consent_to_contact: fc.boolean(),
  },
  { requiredKeys: ['given_name', 'family_name', 'date_of_birth'] },
) as fc.Arbitrary<PatientInput>;

/** What an answer shows of an input. */
function expected({ given_name, middle_name, family_name, ...rest }: PatientInput) {
  const middle =
    middle_name === undefined || middle_name === null || middle_name.trim() === '' ? {} : { middle_name: squeezed(middle_name) };
  const names = { given_name: squeezed(given_name), family_name: squeezed(family_name), ...middle };
  return { consent_to_contact: false, ...JSON.parse(JSON.stringify({ ...rest, ...names })), patient_id: '', version: 1, is_deleted: false };
}

describe('a patient of the native API', () => {
  test('comes back from FHIR as he was sent', () => {
    fc.assert(
      fc.property(input, (patient) => {
        const { updated_at, ...shown } = patientView.toView(patientView.toResource(patient));
        expect(updated_at).toBeTypeOf('string');
        expect(shown).toEqual(expected(patient));
      }),
    );
  });

  test('replaced by any other, is the other, and keeps what the view does not know', () => {
    const others = {
      identifier: [{ system: 'urn:ehr', value: 'MRN-1' }],
      photo: [{ url: 'https://ehr.example/photo' }],
      generalPractitioner: [{ reference: 'Practitioner/gp' }],
      extension: [{ url: 'https://ehr.example/extension', valueString: 'kept' }],
    };
    fc.assert(
      fc.property(input, input, (before, after) => {
        const stored = patientView.toResource(before);
        const kept = { ...stored, ...others, extension: [...(stored.extension as object[]), ...others.extension] };
        const resource = patientView.toResource(after, kept as never);
        expect(patientView.toView(resource)).toMatchObject(expected(after));
        expect(resource).toMatchObject({
          identifier: others.identifier,
          photo: others.photo,
          generalPractitioner: others.generalPractitioner,
        });
        expect(resource.extension).toContainEqual(others.extension[0]);
      }),
    );
  });

  test('keeps other names, telecoms, addresses and contacts of an EHR when he is replaced', () => {
    const before = {
      resourceType: 'Patient',
      name: [
        { use: 'maiden', family: 'Byron' },
        { use: 'official', family: 'King', given: ['Ada'], prefix: ['Countess'] },
      ],
      telecom: [
        { system: 'phone', use: 'old', value: '+441' },
        { system: 'phone', use: 'work', value: '+442079460000' },
        { system: 'fax', value: '+443' },
      ],
      address: [{ city: 'London' }, { use: 'old', city: 'Kirkby' }],
      text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Ada King</div>' },
    };
    const input: PatientInput = { given_name: 'Ada', family_name: 'Lovelace', date_of_birth: '1985-12-10', phone_e164: '+442079460018' };
    const after = patientView.toResource(input, before);
    expect(after.name).toEqual([
      { use: 'official', family: 'Lovelace', given: ['Ada'], prefix: ['Countess'] },
      { use: 'maiden', family: 'Byron' },
    ]);
    expect(after.telecom).toEqual([
      { system: 'phone', use: 'work', value: '+442079460018' },
      { system: 'phone', use: 'old', value: '+441' },
      { system: 'fax', value: '+443' },
    ]);
    expect(after.address).toEqual([{ use: 'old', city: 'Kirkby' }]);
    expect(after).not.toHaveProperty('text');
  });

  test.each([
    ['a birth in the future', { date_of_birth: '2985-12-10' }, 'date_of_birth', 'in_future'],
    ['a birth before 1900', { date_of_birth: '1899-12-31' }, 'date_of_birth', 'too_early'],
    ['more than 120 years', { date_of_birth: '1905-01-01' }, 'date_of_birth', 'too_early'],
    ['a digit of another script', { given_name: 'Ada٣' }, 'given_name', 'format'],
    ['a country that there is not', { address: { line1: 'x', country: 'XX' } }, 'address.country', 'format'],
    ['a language that there is not', { preferred_language: 'qq' }, 'preferred_language', 'format'],
    ['another gender identity without a text', { gender_identity: 'other' }, 'gender_identity_text', 'required'],
    ['a text without another gender identity', { gender_identity_text: 'x' }, 'gender_identity_text', 'unexpected'],
    ['a number that no country has', { phone_e164: '+99912345678' }, 'phone_e164', 'format'],
    ['a number that is too long for its country', { phone_e164: '+4420794600181' }, 'phone_e164', 'format'],
    ['a postal code without a country', { address: { line1: 'x', postal_code: '1' } }, 'address.country', 'required'],
    [
      'a postal code of another country',
      { address: { line1: 'x', postal_code: 'SW1Y 4JH', country: 'DE' } },
      'address.postal_code',
      'format',
    ],
    ['no language', { preferred_language: 'e' }, 'preferred_language', 'format'],
  ])('is refused with %s', (_, fault, field, code) => {
    const patient = { given_name: 'A', family_name: 'B', date_of_birth: '1985-12-10', ...fault } as PatientInput;
    expect(() => assertPatient(patient, new Date('2026-01-01'))).toThrow(
      expect.objectContaining({ code: 'validation_failed', details: [expect.objectContaining({ field, code })] }),
    );
  });

  test.each([
    ['is 120 years old', { date_of_birth: '1905-01-02' }],
    ['was born today', { date_of_birth: '2026-01-01' }],
    ['has a Roman numeral in his name', { given_name: 'Ludwig Ⅲ' }],
  ])('is taken who %s', (_, fields) => {
    const patient = { given_name: 'A', family_name: 'B', date_of_birth: '1985-12-10', ...fields } as PatientInput;
    expect(() => assertPatient(patient, new Date('2026-01-01'))).not.toThrow();
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isNpi } from '../../src/native/providers/provider-rules.ts';
import { type ProviderInput, providerView, roleFor, specialtyOf } from '../../src/native/providers/provider-view.ts';

const word = fc.stringMatching(/^[A-Za-zÀ-ž][A-Za-zÀ-ž'-]{0,40}( [A-Za-z]{1,10})?$/);
const input: fc.Arbitrary<ProviderInput> = fc.record(
  {
    name: word,
    npi: fc.constantFrom('1234567893', '1003000126'),
    email: fc.constantFrom('a@example.org', 'b.c@example.net'),
    phone: fc.constantFrom('+442079460018', '+493012345678'),
    is_active: fc.boolean(),
  },
  { requiredKeys: ['name'] },
) as fc.Arbitrary<ProviderInput>;

test('a provider comes back from FHIR as sent, and replaced by any other is the other', () => {
  fc.assert(
    fc.property(input, input, (before, after) => {
      const ehr = { identifier: [{ system: 'urn:ehr', value: '1' }], telecom: [{ system: 'fax', value: '+1' }] };
      const stored = providerView.toResource(before);
      expect(providerView.toView(stored)).toMatchObject({ is_active: true, ...before });
      const kept = {
        ...stored,
        identifier: [...ehr.identifier, ...((stored.identifier ?? []) as object[])],
        telecom: [...ehr.telecom, ...((stored.telecom ?? []) as object[])],
      };
      const replaced = providerView.toResource(after, kept as never);
      expect(JSON.parse(JSON.stringify(providerView.toView(replaced)))).toEqual({
        provider_id: '',
        is_active: true,
        ...after,
        version: 1,
        updated_at: '1970-01-01T00:00:00.000Z',
      });
      expect(replaced.identifier).toContainEqual(ehr.identifier[0]);
      expect(replaced.telecom).toContainEqual(ehr.telecom[0]);
    }),
  );
});

test('a role keeps its other specialties when one is replaced', () => {
  const before = {
    resourceType: 'PractitionerRole',
    practitioner: { reference: 'Practitioner/a' },
    specialty: [{ text: 'A' }, { text: 'B' }],
  };
  expect(roleFor('Practitioner/a', 'C', before).specialty).toEqual([{ text: 'C' }, { text: 'B' }]);
  expect(specialtyOf(roleFor('Practitioner/a', undefined))).toBeUndefined();
});

test.each(['1234567893', '1003000126', '2000000002'])('%s is an NPI, and any other last digit makes it none', (npi) => {
  const others = Array.from({ length: 10 }, (_, digit) => `${npi.slice(0, -1)}${digit}`).filter(isNpi);
  expect(others).toHaveLength(1);
  if (npi !== '2000000002') expect(others).toEqual([npi]);
});

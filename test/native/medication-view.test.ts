import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type MedicationInput, medicationView } from '../../src/native/medications/medication-view.ts';

const words = fc.stringMatching(/^[a-z0-9,][a-z0-9, ]{0,30}[a-z0-9,]$/);
const day = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const input: fc.Arbitrary<MedicationInput> = fc.record(
  {
    patient_id: fc.constant('p1'),
    medication_name: words,
    dosage: words,
    frequency: words,
    instructions: words,
    start_date: day,
    end_date: day,
    prescriber_id: fc.constantFrom('d1', 'd2'),
    status: fc.constantFrom('active', 'completed', 'stopped', 'on_hold', 'intended', 'not_taken', 'unknown', 'entered_in_error'),
  },
  { requiredKeys: ['patient_id', 'medication_name', 'status'] },
) as fc.Arbitrary<MedicationInput>;

const server = { medication_id: '', version: 1, updated_at: '1970-01-01T00:00:00.000Z' };

test('a medication comes back from FHIR as sent, and replaced by any other is the other', () => {
  fc.assert(
    fc.property(input, input, (before, after) => {
      const stored = medicationView.toResource(before);
      expect(JSON.parse(JSON.stringify(medicationView.toView(stored)))).toEqual({ ...before, ...server });
      const kept = {
        ...stored,
        note: [{ text: 'EHR' }],
        extension: [{ url: 'urn:ehr', valueString: 'kept' }, ...((stored.extension ?? []) as object[])],
      };
      const replaced = medicationView.toResource(after, kept as never);
      expect(JSON.parse(JSON.stringify(medicationView.toView(replaced)))).toEqual({ ...after, ...server });
      expect(replaced).toMatchObject({ note: [{ text: 'EHR' }] });
      expect(replaced.extension).toContainEqual({ url: 'urn:ehr', valueString: 'kept' });
    }),
  );
});

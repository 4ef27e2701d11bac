import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AppointmentInput, appointmentView, slotsOf } from '../../src/native/appointments/appointment-view.ts';

const words = fc.stringMatching(/^[A-Za-z][A-Za-z ]{0,30}[a-z]$/);
const input: fc.Arbitrary<AppointmentInput> = fc.record(
  {
    patient_id: fc.constant('p1'),
    provider_id: fc.constantFrom('d1', 'd2'),
    starts_at: fc.integer({ min: 28_000_000, max: 32_000_000 }).map((minutes) => new Date(minutes * 60_000).toISOString()),
    duration_minutes: fc.integer({ min: 1, max: 1440 }),
    appointment_type: words,
    status: fc.constantFrom(
      'requested',
      'pending',
      'scheduled',
      'checked_in',
      'arrived',
      'completed',
      'cancelled',
      'no_show',
      'waitlisted',
      'entered_in_error',
    ),
    notes: words,
  },
  { requiredKeys: ['patient_id', 'provider_id', 'starts_at'] },
) as fc.Arbitrary<AppointmentInput>;

function expected({ starts_at, duration_minutes = 30, status = 'scheduled', ...rest }: AppointmentInput) {
  const ends_at = new Date(Date.parse(starts_at) + duration_minutes * 60_000).toISOString();
  return { ...rest, starts_at, ends_at, duration_minutes, status, appointment_id: '', version: 1, updated_at: '1970-01-01T00:00:00.000Z' };
}

test('an appointment comes back from FHIR as sent, and replaced by any other is the other', () => {
  fc.assert(
    fc.property(input, input, (before, after) => {
      const stored = appointmentView.toResource(before);
      expect(appointmentView.toView(stored)).toEqual(expected(before));
      const room = { actor: { reference: 'Location/room' }, status: 'accepted' };
      const kept = { ...stored, priority: 5, cancelationReason: { text: 'x' }, participant: [room, ...(stored.participant as object[])] };
      const replaced = appointmentView.toResource(after, kept as never);
      expect(appointmentView.toView(replaced)).toEqual(expected(after));
      expect(replaced).toMatchObject({ priority: 5 });
      expect(replaced.participant).toContainEqual(room);
      expect('cancelationReason' in replaced).toBe(after.status === 'cancelled' || after.status === 'no_show');
    }),
  );
});

test('an appointment takes the time of the practitioners who did not decline, while it is neither cancelled nor only wished for', () => {
  const participant = [
    { actor: { reference: 'Practitioner/a' }, status: 'accepted' },
    { actor: { reference: 'Practitioner/b' }, status: 'declined' },
    { actor: { reference: 'Patient/p' }, status: 'accepted' },
  ];
  const times = { start: '2026-03-04T09:30:00+01:00', end: '2026-03-04T09:00:00Z' };
  expect(slotsOf({ resourceType: 'Appointment', status: 'booked', participant, ...times })).toEqual([
    { provider: 'a', from: Date.parse('2026-03-04T08:30:00Z'), until: Date.parse('2026-03-04T09:00:00Z') },
  ]);
  for (const status of ['proposed', 'waitlist', 'cancelled', 'noshow', 'entered-in-error'])
    expect(slotsOf({ resourceType: 'Appointment', status, participant, ...times })).toEqual([]);
});

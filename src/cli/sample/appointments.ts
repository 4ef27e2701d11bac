import { DAY_MS, dateTimeOf, instantOf, MINUTE_MS, workdayOf } from './calendar.ts';
import { coding, concept, type Resource, SYSTEM } from './coding.ts';
import { clinicianReference, locationReference } from './directory.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';
import { atClinicHour, type Schedule, type Visit } from './visits.ts';

type Slot = {
  readonly start: number;
  readonly minutes: number;
  readonly created: number;
  readonly reason: 'CHECKUP' | 'FOLLOWUP' | 'ROUTINE';
};

const REASONS = {
  CHECKUP: 'A routine check-up, such as an annual physical',
  FOLLOWUP: 'A follow up visit from a previous appointment',
  ROUTINE: 'Routine appointment - default if not valued',
} as const;

/** Appointments kept, missed and cancelled in the last two years, and those to come. */
export function appointments(person: Person, schedule: Schedule, patient: string, asOf: number, random: Random): Resource[] {
  const found: Resource[] = [];
  for (const visit of schedule.visits) {
    if (visit.acute !== undefined || visit.start < person.until - 730 * DAY_MS) continue;
    if (random.chance(0.6)) found.push(appointment(person, keptSlot(visit, random), 'fulfilled', 'accepted', patient));
    if (random.chance(0.12)) {
      const slot = { ...keptSlot(visit, random), start: atClinicHour(person, workdayOf(visit.start - random.int(3, 20) * DAY_MS), random) };
      if (random.chance(0.5)) found.push(appointment(person, slot, 'noshow', 'accepted', patient));
      else found.push(appointment(person, slot, 'cancelled', 'declined', patient, concept(SYSTEM.cancellation, 'pat', 'Patient')));
    }
  }
  if (person.death !== undefined || !random.chance(0.75)) return found;
  const start = atClinicHour(person, workdayOf(Math.max(schedule.nextDue, asOf + 2 * DAY_MS)), random);
  const isAgreed = random.chance(0.8);
  const created = asOf - random.int(1, 40) * DAY_MS;
  found.push(
    appointment(
      person,
      { start, minutes: 30, created, reason: 'FOLLOWUP' },
      isAgreed ? 'booked' : 'proposed',
      isAgreed ? 'accepted' : 'needs-action',
      patient,
    ),
  );
  return found;
}

function keptSlot(visit: Visit, random: Random): Slot {
  const minutes = (visit.end - visit.start) / MINUTE_MS;
  return {
    start: visit.start,
    minutes,
    created: visit.start - random.int(2, 90) * DAY_MS,
    reason: visit.kind === 'follow-up' ? 'FOLLOWUP' : 'CHECKUP',
  };
}

function appointment(person: Person, slot: Slot, status: string, answer: string, patient: string, cancelationReason?: unknown): Resource {
  return {
    resourceType: 'Appointment',
    status,
    ...(cancelationReason === undefined ? {} : { cancelationReason }),
    serviceCategory: [{ text: 'Outpatient' }],
    specialty: [{ coding: [coding(SYSTEM.snomed, person.physician.specialty.code, person.physician.specialty.display)] }],
    appointmentType: concept(SYSTEM.appointmentReason, slot.reason, REASONS[slot.reason]),
    description: `${slot.reason === 'FOLLOWUP' ? 'Follow-up' : 'Check-up'} with ${person.physician.display}`,
    start: instantOf(slot.start),
    end: instantOf(slot.start + slot.minutes * MINUTE_MS),
    minutesDuration: slot.minutes,
    created: dateTimeOf(slot.created, person.site.offset),
    participant: [
      { actor: { reference: patient }, required: 'required', status: answer },
      { actor: clinicianReference(person.physician), required: 'required', status: status === 'proposed' ? 'tentative' : 'accepted' },
      { actor: locationReference(person.site), required: 'information-only', status: 'accepted' },
    ],
  };
}

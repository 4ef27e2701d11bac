import { dateTimeOf } from './calendar.ts';
import { coding, concept, type Resource, SYSTEM } from './coding.ts';
import { clinicianReference, locationReference, organizationReference } from './directory.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';
import type { Visit, VisitKind } from './visits.ts';

const KINDS: Readonly<
  Record<VisitKind, { readonly act: readonly [string, string]; readonly type: readonly [string, string]; readonly reason: string }>
> = {
  'well-child': { act: ['AMB', 'ambulatory'], type: ['410620009', 'Well child visit'], reason: 'Well child visit' },
  'check-up': { act: ['AMB', 'ambulatory'], type: ['185349003', 'Encounter for check up'], reason: 'Routine check-up' },
  'follow-up': { act: ['AMB', 'ambulatory'], type: ['390906007', 'Follow-up encounter'], reason: 'Follow-up of chronic illness' },
  acute: { act: ['AMB', 'ambulatory'], type: ['185345009', 'Encounter for symptom'], reason: 'Acute complaint' },
  emergency: { act: ['EMER', 'emergency'], type: ['50849002', 'Emergency room admission'], reason: 'Emergency' },
  inpatient: { act: ['IMP', 'inpatient encounter'], type: ['32485007', 'Hospital admission'], reason: 'Admission' },
};

/** @param reason  fullUrl of the Condition that brought the patient in, if there is one */
export function encounter(person: Person, visit: Visit, patient: string, reason: string | undefined, random: Random): Resource {
  const kind = KINDS[visit.kind];
  const offset = person.site.offset;
  const period = { start: dateTimeOf(visit.start, offset), end: dateTimeOf(visit.end, offset) };
  const isInpatient = visit.kind === 'inpatient';
  return {
    resourceType: 'Encounter',
    identifier: [{ system: SYSTEM.record, value: `V-${person.recordNumber}-${Math.floor(visit.start / 60_000)}` }],
    status: 'finished',
    class: coding(SYSTEM.actCode, ...kind.act),
    type: [concept(SYSTEM.snomed, ...kind.type)],
    subject: { reference: patient },
    participant: [
      {
        type: [concept(SYSTEM.participation, isInpatient ? 'ATND' : 'PPRF', isInpatient ? 'attender' : 'primary performer')],
        period,
        individual: clinicianReference(visit.clinician),
      },
    ],
    period,
    reasonCode: [visit.acute === undefined ? { text: kind.reason } : concept(SYSTEM.snomed, visit.acute.snomed, visit.acute.display)],
    ...(reason === undefined
      ? {}
      : { diagnosis: [{ condition: { reference: reason }, use: concept(SYSTEM.diagnosisRole, 'CC', 'Chief complaint'), rank: 1 }] }),
    ...(isInpatient
      ? {
          hospitalization: {
            dischargeDisposition: random.chance(0.9)
              ? concept(SYSTEM.discharge, 'home', 'Home')
              : concept(SYSTEM.discharge, 'snf', 'Skilled nursing facility'),
          },
        }
      : {}),
    location: [{ location: locationReference(person.site), status: 'completed' }],
    serviceProvider: organizationReference(person.site),
  };
}

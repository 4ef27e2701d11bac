import { DAY_MS, dateOf, dateTimeOf, YEAR_MS } from './calendar.ts';
import { concept, type Resource, quantity, SYSTEM } from './coding.ts';
import type { Course, Treatment } from './course.ts';
import { clinicianReference } from './directory.ts';
import { DRUGS, type Drug, type DrugKey } from './drugs.ts';
import { narrative } from './narrative.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';
import type { Visit } from './visits.ts';

const ROUTES: Readonly<Record<Drug['route'], readonly [code: string, display: string]>> = {
  oral: ['26643006', 'Oral route'],
  inhaled: ['447694001', 'Respiratory tract route'],
  injected: ['34206005', 'Subcutaneous route'],
};

const ENDED = { replaced: 'Replaced by a stronger drug', 'not-tolerated': 'Not tolerated', done: 'No longer needed' } as const;

/** The drugs of a course that were taken while the record covers. */
export function treatmentsWithin(person: Person, course: Course): readonly Treatment[] {
  return course.treatments.filter(
    (treatment) => treatment.start < person.until && (treatment.end === undefined || treatment.end > person.from),
  );
}

/** @param reason  fullUrl of the Condition it is taken for */
export function medicationStatement(
  person: Person,
  treatment: Treatment,
  patient: string,
  reason: string | undefined,
  random: Random,
): Resource {
  const drug: Drug = DRUGS[treatment.drug];
  const end = treatment.end !== undefined && treatment.end < person.until ? treatment.end : undefined;
  const status =
    end === undefined
      ? person.death === undefined
        ? 'active'
        : 'completed'
      : treatment.ended === 'not-tolerated'
        ? 'stopped'
        : 'completed';
  const start = treatment.start < person.from ? dateOf(treatment.start).slice(0, 7) : dateOf(treatment.start);
  return {
    resourceType: 'MedicationStatement',
    text: narrative(drug.display, [
      ['Taken', drug.instruction],
      ['Since', start],
      ['Until', end === undefined ? undefined : dateOf(end)],
      ['Status', status],
    ]),
    status,
    ...(end === undefined || treatment.ended === undefined ? {} : { statusReason: [{ text: ENDED[treatment.ended] }] }),
    category: concept(SYSTEM.statementCategory, 'outpatient', 'Outpatient'),
    medicationCodeableConcept: concept(SYSTEM.rxnorm, drug.code, drug.display),
    subject: { reference: patient },
    effectivePeriod: { start, ...(end === undefined ? {} : { end: dateOf(end) }) },
    dateAsserted: dateTimeOf(Math.max(treatment.start, person.from), person.site.offset),
    informationSource: random.chance(0.2) ? { reference: patient } : clinicianReference(person.physician),
    ...(reason === undefined ? {} : { reasonReference: [{ reference: reason }] }),
    dosage: [dosage(drug)],
  };
}

/** The prescriptions written at one visit: for a short illness, and renewals of what is taken. */
export function prescriptions(
  person: Person,
  visit: Visit,
  course: Course,
  patient: string,
  encounter: string,
  random: Random,
): Resource[] {
  const found: Resource[] = [];
  const acute = visit.acute?.drug;
  if (acute !== undefined) found.push(medicationRequest(person, visit, acute, patient, encounter, visit.start + 12 * DAY_MS));
  if (visit.kind !== 'follow-up') return found;
  for (const treatment of course.treatments) {
    const isTaken = treatment.start <= visit.start && (treatment.end === undefined || treatment.end > visit.start);
    if (isTaken && random.chance(0.3))
      found.push(medicationRequest(person, visit, treatment.drug, patient, encounter, visit.start + 0.4 * YEAR_MS));
  }
  return found;
}

function medicationRequest(person: Person, visit: Visit, key: DrugKey, patient: string, encounter: string, until: number): Resource {
  const drug: Drug = DRUGS[key];
  const isOver = until < person.until || person.death !== undefined;
  return {
    resourceType: 'MedicationRequest',
    identifier: [{ system: SYSTEM.record, value: `P-${person.recordNumber}-${Math.floor(visit.start / 60_000)}-${drug.code}` }],
    status: isOver ? 'completed' : 'active',
    intent: 'order',
    category: [concept(SYSTEM.requestCategory, 'outpatient', 'Outpatient')],
    priority: 'routine',
    medicationCodeableConcept: concept(SYSTEM.rxnorm, drug.code, drug.display),
    subject: { reference: patient },
    encounter: { reference: encounter },
    authoredOn: dateTimeOf(visit.end, person.site.offset),
    requester: clinicianReference(visit.clinician),
    dosageInstruction: [dosage(drug)],
    dispenseRequest: {
      validityPeriod: { start: dateOf(visit.start), end: dateOf(until) },
      numberOfRepeatsAllowed: visit.acute === undefined ? 5 : 0,
      quantity: quantity(drug.monthly, 0, drug.dose[1], drug.dose[2]),
      expectedSupplyDuration: quantity(visit.acute === undefined ? 30 : 10, 0, 'days', 'd'),
    },
    substitution: { allowedBoolean: true },
  };
}

function dosage(drug: Drug) {
  const [value, unit, ucum] = drug.dose;
  return {
    sequence: 1,
    text: drug.instruction,
    ...(drug.daily === 0 ? { asNeededBoolean: true } : { timing: { repeat: { frequency: drug.daily, period: 1, periodUnit: 'd' } } }),
    route: concept(SYSTEM.snomed, ...ROUTES[drug.route]),
    doseAndRate: [{ doseQuantity: quantity(value, 0, unit, ucum) }],
  };
}

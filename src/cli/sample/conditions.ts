import { dateOf, dateTimeOf, YEAR_MS } from './calendar.ts';
import { type Coding, coding, concept, type Resource, SYSTEM } from './coding.ts';
import type { Course } from './course.ts';
import { clinicianReference } from './directory.ts';
import { FOLLOWING, ILLNESSES, type IllnessDefinition } from './illnesses.ts';
import { narrative } from './narrative.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';
import type { Visit } from './visits.ts';

/** A problem on someone's list. `recorded` is when it was written down: a visit's start, or before the record begins. */
export type Problem = {
  readonly definition: Pick<IllnessDefinition, 'snomed' | 'icd10' | 'display' | 'text' | 'sensitive'>;
  readonly onset: number;
  readonly end: number | undefined;
  readonly recorded: number;
  readonly category: 'problem-list-item' | 'encounter-diagnosis';
};

/** The chronic illnesses of a life, and what is concluded from measurements at the visits. */
export function chronicProblems(person: Person, course: Course, visits: readonly Visit[]): Problem[] {
  const seenAfter = (time: number): number => Math.min(person.until, visits.find((visit) => visit.start >= time)?.start ?? time);
  const drawn = course.illnesses.map(
    (illness): Problem => ({
      definition: ILLNESSES[illness.key],
      onset: illness.onset,
      end: illness.end,
      recorded: illness.noticed < person.from ? illness.noticed : seenAfter(illness.noticed),
      category: 'problem-list-item',
    }),
  );
  const measured: Problem[] = [];
  const conclude = (key: keyof typeof FOLLOWING, holds: (visit: Visit) => boolean): void => {
    const visit = visits.find(holds);
    if (visit === undefined) return;
    measured.push({
      definition: FOLLOWING[key],
      onset: visit.start - 0.2 * YEAR_MS,
      end: undefined,
      recorded: visit.start,
      category: 'problem-list-item',
    });
  };
  const isAdult = (visit: Visit): boolean => visit.start - person.birth > 18 * YEAR_MS;
  const hasDiabetes = course.illnesses.some((illness) => illness.key === 'diabetes');
  conclude('kidney3', (visit) => isAdult(visit) && course.stateAt(visit.start).egfr < 60 && course.stateAt(visit.start).egfr >= 30);
  conclude('kidney4', (visit) => isAdult(visit) && course.stateAt(visit.start).egfr < 30);
  conclude('obesity', (visit) => isAdult(visit) && course.stateAt(visit.start).bmi >= 30);
  if (!hasDiabetes) conclude('prediabetes', (visit) => isAdult(visit) && course.stateAt(visit.start).a1c >= 5.75);
  return [...drawn, ...measured];
}

export function acuteProblem(visit: Visit, person: Person, random: Random): Problem | undefined {
  const { acute } = visit;
  if (acute === undefined) return undefined;
  const end = visit.start + random.int(...acute.days) * 86_400_000;
  return {
    definition: { ...acute, text: acute.display },
    onset: visit.start - random.int(0, 4) * 86_400_000,
    end: end < person.until ? end : undefined,
    recorded: visit.start,
    category: 'encounter-diagnosis',
  };
}

export function condition(person: Person, problem: Problem, patient: string, encounter: string | undefined, random: Random): Resource {
  const { definition, end } = problem;
  const offset = person.site.offset;
  const isChronic = problem.category === 'problem-list-item';
  const clinical: Coding =
    end === undefined ? coding(SYSTEM.conditionClinical, 'active', 'Active') : coding(SYSTEM.conditionClinical, 'resolved', 'Resolved');
  // People remember the year of an old illness, doctors write down the day of a new one.
  const onset = isChronic && problem.onset < person.from ? dateOf(problem.onset).slice(0, random.pick([4, 7])) : dateOf(problem.onset);
  return {
    resourceType: 'Condition',
    ...(definition.sensitive ? { meta: { security: [coding(SYSTEM.confidentiality, 'R', 'restricted')] } } : {}),
    text: narrative(definition.text, [
      ['Since', onset],
      ['Until', end === undefined ? undefined : dateOf(end)],
      ['Status', clinical.display],
    ]),
    clinicalStatus: { coding: [clinical] },
    verificationStatus: { coding: [coding(SYSTEM.conditionVerification, 'confirmed', 'Confirmed')] },
    category: [
      isChronic
        ? concept(SYSTEM.conditionCategory, 'problem-list-item', 'Problem List Item')
        : concept(SYSTEM.conditionCategory, 'encounter-diagnosis', 'Encounter Diagnosis'),
    ],
    code: {
      coding: [coding(SYSTEM.snomed, definition.snomed, definition.display), { system: SYSTEM.icd10, code: definition.icd10 }],
      text: definition.text,
    },
    subject: { reference: patient },
    ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    onsetDateTime: onset,
    ...(end === undefined ? {} : { abatementDateTime: dateOf(end) }),
    recordedDate: problem.recorded < person.from ? dateOf(problem.recorded).slice(0, 7) : dateTimeOf(problem.recorded, offset),
    recorder: clinicianReference(person.physician),
  };
}

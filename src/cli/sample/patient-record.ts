import { allergies } from './allergies.ts';
import { appointments } from './appointments.ts';
import { acuteProblem, chronicProblems, condition } from './conditions.ts';
import { type Course, liveThrough } from './course.ts';
import type { Site } from './directory.ts';
import { encounter } from './encounters.ts';
import { ILLNESSES } from './illnesses.ts';
import { immunizations } from './immunizations.ts';
import { addLabs } from './labs.ts';
import { medicationStatement, prescriptions, treatmentsWithin } from './medications.ts';
import type { Occasion } from './observations.ts';
import { patient } from './patient.ts';
import { makePerson, type Person, type PersonOptions } from './person.ts';
import { randomOf } from './random.ts';
import { makeTransaction, type Transaction, writeTransaction } from './transaction.ts';
import { planVisits, type Visit } from './visits.ts';
import { vitalSigns } from './vitals.ts';

/** Each topic draws from a stream of its own, so that a change to one leaves the others as they were. */
const TOPIC = {
  ids: 1,
  person: 2,
  course: 3,
  visits: 4,
  patient: 5,
  problems: 6,
  vitals: 7,
  labs: 8,
  drugs: 9,
  allergies: 10,
  shots: 11,
  appointments: 12,
} as const;

/**
 * One patient with all that is known about him, as a transaction Bundle in one line. The same options and directory give the
 * same text; other patients of the run play no part in it.
 */
export function patientRecord(options: PersonOptions, directory: readonly Site[]): string {
  const stream = (topic: keyof typeof TOPIC) => randomOf(options.seed, options.index, TOPIC[topic]);
  const person = makePerson(options, directory, stream('person'));
  const course = liveThrough(person, stream('course'));
  const schedule = planVisits(person, course, stream('visits'));
  const transaction = makeTransaction(stream('ids'));
  const patientUrl = transaction.add(patient(person, options.asOf, stream('patient')));

  const { encounters, problems } = addEncounters(transaction, person, course, schedule.visits, patientUrl, stream);
  const drugs = stream('drugs');
  schedule.visits.forEach((visit, v) => {
    const encounterUrl = encounters[v] ?? '';
    const occasion: Occasion = { person, visit, patient: patientUrl, encounter: encounterUrl, at: visit.start + 4 * 60_000 };
    // A stream for each visit: how many values one visit takes does not shift the next.
    for (const resource of vitalSigns(occasion, course, randomOf(options.seed, options.index, TOPIC.vitals, v))) transaction.add(resource);
    addLabs(transaction, occasion, course, randomOf(options.seed, options.index, TOPIC.labs, v));
    for (const resource of prescriptions(person, visit, course, patientUrl, encounterUrl, drugs)) transaction.add(resource);
  });
  for (const treatment of treatmentsWithin(person, course)) {
    transaction.add(medicationStatement(person, treatment, patientUrl, problems.get(ILLNESSES[treatment.reason].snomed), drugs));
  }
  const rest = [
    ...allergies(person, patientUrl, stream('allergies')),
    ...immunizations(person, schedule.visits, encounters, patientUrl, stream('shots')),
    ...appointments(person, schedule, patientUrl, options.asOf, stream('appointments')),
  ];
  for (const resource of rest) transaction.add(resource);
  return writeTransaction(transaction.entries);
}

/** Adds the encounters and the problems found at them; returns their fullUrls, those of chronic problems by code. */
function addEncounters(
  transaction: Transaction,
  person: Person,
  course: Course,
  visits: readonly Visit[],
  patientUrl: string,
  stream: (topic: keyof typeof TOPIC) => ReturnType<typeof randomOf>,
): { readonly encounters: readonly string[]; readonly problems: ReadonlyMap<string, string> } {
  const random = stream('problems');
  const encounters: string[] = [];
  for (const visit of visits) {
    const acute = acuteProblem(visit, person, random);
    // The encounter names its diagnosis and the diagnosis its encounter: a circle that only a transaction can create.
    const encounterUrl = transaction.reserve();
    const reason = acute === undefined ? undefined : transaction.add(condition(person, acute, patientUrl, encounterUrl, random));
    encounters.push(transaction.add(encounter(person, visit, patientUrl, reason, random), encounterUrl));
  }
  const problems = new Map<string, string>();
  for (const problem of chronicProblems(person, course, visits)) {
    const at = visits.findIndex((visit) => visit.start === problem.recorded);
    problems.set(problem.definition.snomed, transaction.add(condition(person, problem, patientUrl, encounters[at], random)));
  }
  return { encounters, problems };
}

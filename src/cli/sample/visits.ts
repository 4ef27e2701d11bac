import { ageAt, DAY_MS, MINUTE_MS, workdayOf, YEAR_MS } from './calendar.ts';
import type { Course } from './course.ts';
import type { Clinician } from './directory.ts';
import { ACUTE, type AcuteIllness } from './illnesses.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';

export type VisitKind = 'well-child' | 'check-up' | 'follow-up' | 'acute' | 'emergency' | 'inpatient';

export type Visit = {
  readonly kind: VisitKind;
  readonly start: number;
  readonly end: number;
  readonly clinician: Clinician;
  /** Why, for those that weren't planned. */
  readonly acute?: AcuteIllness;
};

/** The visits within the record's time, earliest first, and when the next planned one is due. */
export type Schedule = { readonly visits: readonly Visit[]; readonly nextDue: number };

/** Months after birth at which a child is seen; from three years on once a year. */
const WELL_CHILD_MONTHS = [0.5, 1, 2, 4, 6, 9, 12, 15, 18, 24, 30];

export function planVisits(person: Person, course: Course, random: Random): Schedule {
  const planned: Visit[] = [];
  let time = firstDue(person, random);
  while (time < person.until) {
    const visit = plannedVisit(person, course, time, random);
    if (visit.start >= person.from && visit.end < person.until && !random.chance(0.05)) planned.push(visit);
    time += interval(person, course, time, random);
  }
  const visits = [...planned, ...unplanned(person, course, random)].sort((a, b) => a.start - b.start);
  // Nobody is in two rooms at once: of two visits on one day the first stays.
  const kept = visits.filter((visit, i) => i === 0 || visit.start - (visits[i - 1]?.start ?? 0) > DAY_MS);
  return { visits: kept, nextDue: time };
}

function firstDue(person: Person, random: Random): number {
  const age = ageAt(person.birth, person.from);
  return age < 0.1 ? person.birth + 14 * DAY_MS : person.from + random.float() * (age < 18 ? 0.8 : 1) * YEAR_MS;
}

function interval(person: Person, course: Course, time: number, random: Random): number {
  const age = ageAt(person.birth, time);
  const jitter = 0.85 + 0.3 * random.float();
  if (age < 3) {
    const months = age * 12;
    const next = WELL_CHILD_MONTHS.find((month) => month > months + 0.4) ?? 36;
    return Math.max(14 * DAY_MS, ((next - months) / 12) * YEAR_MS);
  }
  const burden = course.illnesses.filter(
    (illness) => illness.key !== 'rhinitis' && time >= illness.noticed && (illness.end === undefined || time < illness.end),
  ).length;
  const years = burden === 0 ? (age < 18 ? 1 : age < 50 ? 1.8 : 1.1) : burden < 3 ? 0.5 : 0.3;
  return years * jitter * YEAR_MS;
}

function plannedVisit(person: Person, course: Course, time: number, random: Random): Visit {
  const age = ageAt(person.birth, time);
  const isIll = course.illnesses.some((illness) => time >= illness.noticed && (illness.end === undefined || time < illness.end));
  const kind: VisitKind =
    age < 18 ? (isIll && random.chance(0.4) ? 'follow-up' : 'well-child') : isIll && random.chance(0.75) ? 'follow-up' : 'check-up';
  const needsHeart = course.illnesses.some(
    (illness) => (illness.key === 'heartFailure' || illness.key === 'atrialFibrillation') && time >= illness.noticed,
  );
  const clinician = kind === 'follow-up' && needsHeart && random.chance(0.4) ? specialist(person, 'heart', random) : person.physician;
  const start = atClinicHour(person, workdayOf(time), random);
  return { kind, start, end: start + random.pick([15, 20, 30, 45]) * MINUTE_MS, clinician };
}

function unplanned(person: Person, course: Course, random: Random): Visit[] {
  const visits: Visit[] = [];
  const isFrail = course.illnesses.some((illness) => illness.key === 'heartFailure' || illness.key === 'copd');
  const rate = ageAt(person.birth, person.until) < 10 ? 1.4 : isFrail ? 1.1 : 0.6;
  for (let time = person.from; ; ) {
    time += (-Math.log(random.float() || 0.5) / rate) * YEAR_MS;
    if (time >= person.until - 30 * DAY_MS) return visits;
    const acute = acuteIllness(person, time, random);
    if (acute === undefined) continue;
    const draw = random.float();
    if (draw < (isFrail ? 0.12 : 0.025)) visits.push(urgent(person, 'inpatient', time, random.int(26, 190) * 60, acute, random));
    else if (draw < 0.16) visits.push(urgent(person, 'emergency', time, random.int(70, 420), acute, random));
    else {
      const start = atClinicHour(person, workdayOf(time), random);
      visits.push({ kind: 'acute', start, end: start + random.pick([10, 15, 20]) * MINUTE_MS, clinician: person.physician, acute });
    }
  }
}

function acuteIllness(person: Person, time: number, random: Random): AcuteIllness | undefined {
  const age = ageAt(person.birth, time);
  const possible = ACUTE.filter(
    (one) => age >= one.ages[0] && age < one.ages[1] && (one.since === undefined || time >= Date.parse(one.since)),
  );
  return possible.length === 0 ? undefined : random.weighted(possible);
}

function urgent(person: Person, kind: VisitKind, time: number, minutes: number, acute: AcuteIllness, random: Random): Visit {
  const start = Math.floor(time / MINUTE_MS) * MINUTE_MS;
  return {
    kind,
    start,
    end: Math.min(start + minutes * MINUTE_MS, person.until),
    clinician: specialist(person, 'emergency', random),
    acute,
  };
}

function specialist(person: Person, specialty: Clinician['specialty']['short'], random: Random): Clinician {
  return random.pick(person.site.clinicians.filter((clinician) => clinician.specialty.short === specialty));
}

/** A quarter of an hour between 8:00 and 16:45 by the clinic's clock. */
export function atClinicHour(person: Person, day: number, random: Random): number {
  return day + (8 * 60 + random.int(0, 35) * 15 - person.site.offset) * MINUTE_MS;
}

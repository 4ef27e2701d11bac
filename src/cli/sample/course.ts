import { ageAt, DAY_MS, YEAR_MS } from './calendar.ts';
import type { DrugKey } from './drugs.ts';
import { ILLNESSES, type IllnessDefinition, type IllnessKey } from './illnesses.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';

/** `noticed`: when it was diagnosed; until then it works unseen. */
export type Illness = { readonly key: IllnessKey; readonly onset: number; readonly noticed: number; readonly end: number | undefined };

export type Treatment = {
  readonly drug: DrugKey;
  readonly reason: IllnessKey;
  readonly start: number;
  end: number | undefined;
  /** Why it was ended: something else works better, it wasn't borne, or it is needed no more. */
  ended: 'replaced' | 'not-tolerated' | 'done' | undefined;
};

/** Body values at one time, true ones: measuring adds its own error. */
export type State = {
  bmi: number;
  systolic: number;
  a1c: number;
  ldl: number;
  hdl: number;
  triglycerides: number;
  /** mL/min/1.73 m² */
  egfr: number;
  hemoglobin: number;
  tsh: number;
};

/** How a person's illnesses went and what was done about them. */
export type Course = {
  readonly illnesses: readonly Illness[];
  readonly treatments: readonly Treatment[];
  stateAt(time: number): State;
};

const STEP_MS = YEAR_MS / 4;
/** Illnesses are treated from this age on; the values change only in adults. */
const FIRST_AGE = 2;
const ADULT_AGE = 18;

/**
 * Lives a person's life in quarters of a year. Illnesses push the values away from normal, doctors notice and treat, drugs
 * pull them back: a trend in the record is the trace of this, not noise around a mean.
 */
export function liveThrough(person: Person, random: Random): Course {
  const illnesses = drawIllnesses(person, random);
  const treatments: Treatment[] = [];
  const start = person.birth + FIRST_AGE * YEAR_MS;
  const state = startingState(person, random);
  const traits = {
    adherence: random.chance(0.15) ? 0.35 : 0.7 + 0.3 * random.float(),
    kidney: random.normal(0.85, 0.25),
    lipids: random.normal(1, 0.15),
  };
  const states: State[] = [{ ...state }];
  for (let time = start; time < person.until; time += STEP_MS) {
    if (ageAt(person.birth, time) >= ADULT_AGE) advance(state, time, person, illnesses, treatments, traits);
    treat(state, time, illnesses, treatments, random);
    states.push({ ...state });
  }
  return { illnesses, treatments, stateAt: (time) => between(states, (time - start) / STEP_MS) };
}

function drawIllnesses(person: Person, random: Random): Illness[] {
  const found: Illness[] = [];
  for (const [key, definition] of Object.entries(ILLNESSES) as [IllnessKey, IllnessDefinition][]) {
    // Drawn in any case, so that a risk that changes doesn't shift the draws after it.
    const share = random.float();
    const age = Math.max(definition.onset.min, random.normal(definition.onset.mean, definition.onset.deviation));
    const years =
      definition.lasts === undefined ? undefined : definition.lasts[0] + random.float() * (definition.lasts[1] - definition.lasts[0]);
    const onset = person.birth + age * YEAR_MS;
    const noticed = onset + definition.hidden * (0.5 + random.float()) * YEAR_MS;
    if (share >= definition.risk(person) || noticed >= person.until) continue;
    const end = years === undefined ? undefined : onset + years * YEAR_MS;
    found.push({ key, onset, noticed, end: end !== undefined && end < person.until ? end : undefined });
  }
  return found;
}

function startingState(person: Person, random: Random): State {
  const isFemale = person.sex === 'female';
  return {
    bmi: person.leanBmi,
    systolic: 110,
    a1c: random.normal(5.2, 0.18),
    ldl: Math.max(55, random.normal(102, 18)),
    hdl: Math.max(28, random.normal(isFemale ? 57 : 47, 9)),
    triglycerides: Math.max(45, random.normal(105, 32)),
    egfr: random.normal(118, 6),
    hemoglobin: random.normal(isFemale ? 13.6 : 15.1, 0.6),
    tsh: Math.max(0.6, random.normal(1.9, 0.6)),
  };
}

type Traits = { readonly adherence: number; readonly kidney: number; readonly lipids: number };

/** Years a drug has been taken at that time, 0 if it isn't. */
function takenYears(treatments: readonly Treatment[], time: number, ...drugs: readonly DrugKey[]): number {
  const taken = treatments.find((t) => drugs.includes(t.drug) && t.start <= time && (t.end === undefined || t.end > time));
  return taken === undefined ? 0 : (time - taken.start) / YEAR_MS + 0.25;
}

/** Moves the values on by a quarter of a year. */
function advance(
  state: State,
  time: number,
  person: Person,
  illnesses: readonly Illness[],
  treatments: readonly Treatment[],
  traits: Traits,
): void {
  const quarter = STEP_MS / YEAR_MS;
  const age = ageAt(person.birth, time);
  const yearsWith = (key: IllnessKey): number => {
    const illness = illnesses.find((candidate) => candidate.key === key);
    return illness === undefined || time < illness.onset || (illness.end !== undefined && time > illness.end)
      ? 0
      : (time - illness.onset) / YEAR_MS + 0.1;
  };
  // A drug reaches its full effect within half a year, as far as it is taken.
  const effect = (full: number, ...drugs: DrugKey[]): number =>
    full * traits.adherence * Math.min(1, takenYears(treatments, time, ...drugs) * 2);
  const towards = (value: number, goal: number, speed: number): number => value + (goal - value) * speed;

  state.bmi += quarter * (age < 60 ? 0.09 : -0.05) * (person.leanBmi > 25 ? 1.6 : 1);
  if (yearsWith('hypothyroidism') > 0 && state.tsh > 8) state.bmi += quarter * 0.3;

  const pressure =
    104 + 0.28 * (age - 18) + 0.75 * (state.bmi - 24) + (yearsWith('hypertension') > 0 ? 14 + Math.min(16, yearsWith('hypertension')) : 0);
  state.systolic = towards(
    state.systolic,
    pressure - effect(11, 'lisinopril', 'losartan') - effect(9, 'amlodipine') - effect(8, 'hydrochlorothiazide'),
    0.6,
  );

  const sugar =
    yearsWith('diabetes') > 0
      ? 6.9 + 0.35 * Math.min(4, yearsWith('diabetes')) + 0.12 * Math.max(0, Math.min(18, yearsWith('diabetes')) - 4)
      : 5.25 + approaching(illnesses, time) + 0.012 * Math.max(0, state.bmi - 25);
  state.a1c = towards(
    state.a1c,
    Math.max(5, sugar - effect(1.2, 'metformin') - effect(0.8, 'empagliflozin') - effect(1.9, 'glargine')),
    0.5,
  );

  const fats = (100 + 0.45 * (Math.min(age, 62) - 18) + (yearsWith('hyperlipidemia') > 0 ? 42 : 0)) * traits.lipids;
  state.ldl = towards(state.ldl, fats * (1 - effect(0.4, 'atorvastatin20') - effect(0.53, 'atorvastatin80')), 0.6);
  state.triglycerides = towards(state.triglycerides, 95 + 4 * Math.max(0, state.bmi - 25) + 22 * Math.max(0, state.a1c - 6), 0.1);

  const sugarHarm = Math.max(0, state.a1c - 7) * 0.9;
  const pressureHarm = Math.max(0, state.systolic - 132) * 0.06;
  const shield = 1 - 0.35 * Math.min(1, effect(1, 'lisinopril', 'losartan')) - 0.3 * Math.min(1, effect(1, 'empagliflozin'));
  state.egfr = Math.max(12, state.egfr - quarter * traits.kidney * (0.8 + (sugarHarm + pressureHarm) * shield));

  const fullHemoglobin = person.sex === 'female' ? 13.6 : 15.1;
  const anemic = yearsWith('anemia') > 0 ? 9.6 + effect(3.6, 'iron') : fullHemoglobin - Math.max(0, 45 - state.egfr) * 0.07;
  state.hemoglobin = towards(state.hemoglobin, Math.min(anemic, fullHemoglobin), 0.7);
  const thyroid = yearsWith('hypothyroidism') > 0 ? Math.max(2.2, 11 - effect(9, 'levothyroxine')) : Math.min(state.tsh, 3.5);
  state.tsh = towards(state.tsh, thyroid, 0.6);
}

/** In the five years before diabetes the sugar already rises. */
function approaching(illnesses: readonly Illness[], time: number): number {
  const diabetes = illnesses.find((illness) => illness.key === 'diabetes');
  if (diabetes === undefined) return 0;
  const years = (diabetes.onset - time) / YEAR_MS;
  return years > 5 ? 0 : (5 - years) * 0.26;
}

const FIRST_DRUGS: Readonly<Partial<Record<IllnessKey, readonly DrugKey[]>>> = {
  diabetes: ['metformin'],
  hypertension: ['lisinopril'],
  hyperlipidemia: ['atorvastatin20'],
  asthma: ['albuterol', 'fluticasone'],
  copd: ['albuterol', 'fluticasone'],
  hypothyroidism: ['levothyroxine'],
  depression: ['sertraline'],
  osteoarthritis: ['acetaminophen'],
  anemia: ['iron'],
  atrialFibrillation: ['apixaban'],
  heartFailure: ['furosemide'],
};

/** What a doctor does about the state of things in this quarter. */
function treat(state: State, time: number, illnesses: readonly Illness[], treatments: Treatment[], random: Random): void {
  const begin = (drug: DrugKey, reason: IllnessKey): void => {
    if (!treatments.some((t) => t.drug === drug))
      treatments.push({ drug, reason, start: time + random.int(3, 80) * DAY_MS, end: undefined, ended: undefined });
  };
  const stop = (drug: DrugKey, ended: NonNullable<Treatment['ended']>): void => {
    const running = treatments.find((t) => t.drug === drug && t.end === undefined && t.start < time);
    if (running !== undefined) Object.assign(running, { end: time, ended });
  };
  for (const illness of illnesses) {
    if (time < illness.noticed) continue;
    const drugs = FIRST_DRUGS[illness.key] ?? [];
    if (illness.end !== undefined && time >= illness.end) for (const drug of drugs) stop(drug, 'done');
    else if (random.chance(0.4)) for (const drug of drugs) begin(drug, illness.key);
  }
  const taken = (...drugs: DrugKey[]): number => takenYears(treatments, time, ...drugs);
  if (taken('lisinopril') > 0 && taken('lisinopril') < 1 && random.chance(0.04)) {
    stop('lisinopril', 'not-tolerated');
    begin('losartan', 'hypertension');
  }
  if (state.systolic > 138 && taken('lisinopril', 'losartan') > 1) begin('amlodipine', 'hypertension');
  if (state.systolic > 142 && taken('amlodipine') > 1) begin('hydrochlorothiazide', 'hypertension');
  if (state.a1c > 7.4 && taken('metformin') > 1) begin('empagliflozin', 'diabetes');
  if (state.a1c > 8.3 && taken('empagliflozin') > 1) begin('glargine', 'diabetes');
  if (state.egfr < 30) stop('metformin', 'not-tolerated');
  if (state.ldl > 105 && taken('atorvastatin20') > 1.5 && random.chance(0.3)) {
    stop('atorvastatin20', 'replaced');
    begin('atorvastatin80', 'hyperlipidemia');
  }
}

/** The state at a fraction between two steps. */
function between(states: readonly State[], position: number): State {
  const index = Math.max(0, Math.min(states.length - 1, Math.floor(position)));
  const [a, b] = [states[index], states[Math.min(states.length - 1, index + 1)]];
  if (a === undefined || b === undefined) throw new RangeError('a course has a first state');
  const share = Math.max(0, Math.min(1, position - index));
  const mixed = { ...a };
  for (const name of Object.keys(a) as (keyof State)[]) mixed[name] = a[name] + (b[name] - a[name]) * share;
  return mixed;
}

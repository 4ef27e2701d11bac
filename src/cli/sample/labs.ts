import { ageAt, dateTimeOf, instantOf, MINUTE_MS } from './calendar.ts';
import { coding, concept, SYSTEM } from './coding.ts';
import type { Course, State } from './course.ts';
import { organizationReference } from './directory.ts';
import {
  A1C,
  GLUCOSE,
  CHOLESTEROL,
  LDL,
  HDL,
  TRIGLYCERIDES,
  CREATININE,
  EGFR,
  POTASSIUM,
  SODIUM,
  UREA,
  ALBUMINURIA,
  HEMOGLOBIN,
  HEMATOCRIT,
  LEUKOCYTES,
  PLATELETS,
  TSH,
} from './lab-measures.ts';
import { narrative } from './narrative.ts';
import { codeOf, interpret, judgedValue, type Measure, type Occasion, observation } from './observations.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';
import type { Transaction } from './transaction.ts';

type Result = readonly [measure: Measure, value: number];
type Panel = { readonly loinc: string; readonly display: string; readonly results: readonly Result[] };

/** Adds the laboratory work of a visit: what the patient's illnesses ask for, grouped into reports. */
export function addLabs(transaction: Transaction, occasion: Occasion, course: Course, random: Random): void {
  const { person, visit, at } = occasion;
  const age = ageAt(person.birth, at);
  if (age < 18 || visit.kind === 'acute') return;
  const state = course.stateAt(at);
  const has = (...keys: string[]): boolean => course.illnesses.some((illness) => keys.includes(illness.key) && illness.noticed <= at);
  const isYearly = visit.kind === 'check-up' || random.chance(0.3);
  if (has('diabetes') || (isYearly && age > 35)) report(transaction, occasion, sugarPanel(state, has('diabetes'), random), random);
  if (isYearly || has('diabetes', 'hypertension', 'heartFailure'))
    report(transaction, occasion, metabolicPanel(person, state, age, random), random);
  if ((isYearly && age > 30) || (has('hyperlipidemia') && random.chance(0.6)))
    report(transaction, occasion, lipidPanel(state, random), random);
  if (isYearly || has('anemia') || visit.kind === 'inpatient')
    report(transaction, occasion, bloodCount(state, visit.acute?.fever === true, random), random);
  if (has('hypothyroidism'))
    report(transaction, occasion, { loinc: '3016-3', display: TSH.display, results: [[TSH, noisy(state.tsh, 0.08, random)]] }, random);
}

/** A measured value: the true one with the method's and the day's error, as a share of it. */
function noisy(value: number, share: number, random: Random): number {
  return Math.max(value * 0.3, random.normal(value, value * share));
}

function sugarPanel(state: State, isDiabetic: boolean, random: Random): Panel {
  const a1c = noisy(state.a1c, 0.02, random);
  // The mean glucose that an HbA1c stands for; a single value strays from it.
  const glucose = noisy(28.7 * a1c - 46.7 - (a1c < 6 ? 12 : 0), 0.12, random);
  const results: Result[] = [
    [A1C, a1c],
    [GLUCOSE, glucose],
  ];
  if (isDiabetic)
    results.push([ALBUMINURIA, noisy(8 + Math.max(0, state.a1c - 6.5) * 14 + Math.max(0, 75 - state.egfr) * 2.4, 0.3, random)]);
  return { loinc: '55399-0', display: 'Diabetes tracking panel', results };
}

function lipidPanel(state: State, random: Random): Panel {
  const ldl = Math.round(noisy(state.ldl, 0.06, random));
  const hdl = Math.round(noisy(state.hdl, 0.05, random));
  const triglycerides = Math.round(noisy(state.triglycerides, 0.15, random));
  // LDL is calculated from the others, so the four agree. @see https://pubmed.ncbi.nlm.nih.gov/4337382/
  return {
    loinc: '24331-1',
    display: 'Lipid 1996 panel - Serum or Plasma',
    results: [
      [CHOLESTEROL, ldl + hdl + triglycerides / 5],
      [LDL, ldl],
      [HDL, hdl],
      [TRIGLYCERIDES, triglycerides],
    ],
  };
}

function metabolicPanel(person: Person, state: State, age: number, random: Random): Panel {
  const creatinine = Number(noisy(creatinineFor(state.egfr, age, person.sex), 0.05, random).toFixed(2));
  const egfr = Math.min(130, filtrationRate(creatinine, age, person.sex));
  const results: Result[] = [
    [SODIUM, random.normal(139.5, 1.8)],
    [POTASSIUM, random.normal(4.2 + Math.max(0, 45 - state.egfr) * 0.02, 0.25)],
    [UREA, noisy(13 + Math.max(0, 70 - state.egfr) * 0.45, 0.15, random)],
    [CREATININE, creatinine],
    [EGFR, egfr],
  ];
  return { loinc: '24321-2', display: 'Basic metabolic 2000 panel - Serum or Plasma', results };
}

function bloodCount(state: State, isInfected: boolean, random: Random): Panel {
  const hemoglobin = noisy(state.hemoglobin, 0.02, random);
  const results: Result[] = [
    [LEUKOCYTES, Math.max(2.2, random.normal(isInfected ? 11.2 : 6.8, 1.5))],
    [HEMOGLOBIN, hemoglobin],
    [HEMATOCRIT, hemoglobin * 2.98 + random.normal(0, 0.4)],
    [PLATELETS, Math.max(90, random.normal(252, 48))],
  ];
  return { loinc: '58410-2', display: 'CBC panel - Blood by Automated count', results };
}

/** The CKD-EPI formula of 2021: creatinine in mg/dL to mL/min/1.73 m². @see https://doi.org/10.1056/NEJMoa2102953 */
export function filtrationRate(creatinine: number, age: number, sex: 'female' | 'male'): number {
  const { kappa, alpha, factor } = CKD_EPI[sex];
  const ratio = creatinine / kappa;
  return 142 * Math.min(ratio, 1) ** alpha * Math.max(ratio, 1) ** -1.2 * 0.9938 ** age * factor;
}

/** The creatinine that gives this filtration rate: the formula turned round. */
export function creatinineFor(rate: number, age: number, sex: 'female' | 'male'): number {
  const { kappa, alpha, factor } = CKD_EPI[sex];
  const share = rate / (142 * 0.9938 ** age * factor);
  return kappa * share ** (share > 1 ? 1 / alpha : -1 / 1.2);
}

const CKD_EPI = { female: { kappa: 0.7, alpha: -0.241, factor: 1.012 }, male: { kappa: 0.9, alpha: -0.302, factor: 1 } } as const;

function report(transaction: Transaction, occasion: Occasion, panel: Panel, random: Random): void {
  const { person, patient, encounter, at } = occasion;
  const delay = random.int(50, 400);
  const drawn = at + 5 * MINUTE_MS;
  const results = panel.results.map(([measure, value]) => {
    const isSpoilt = random.chance(0.004);
    const absent = { dataAbsentReason: concept(SYSTEM.absent, 'error', 'Error', 'Specimen hemolyzed') };
    const status =
      !isSpoilt && random.chance(0.006) ? { status: 'corrected', note: [{ text: 'Corrected after the analyzer was recalibrated.' }] } : {};
    const body = { ...(isSpoilt ? absent : judgedValue(measure, value)), ...status };
    return transaction.add(observation({ ...occasion, at: drawn }, 'laboratory', codeOf(measure), body, delay));
  });
  const odd = panel.results.filter(([measure, value]) => interpret(measure, value) !== 'N').map(([measure]) => measure.text);
  const conclusion = odd.length === 0 ? 'All results are within the reference range.' : `Outside the reference range: ${odd.join(', ')}.`;
  transaction.add({
    resourceType: 'DiagnosticReport',
    text: narrative(panel.display, [
      ['Collected', dateTimeOf(drawn, person.site.offset)],
      ['Conclusion', conclusion],
    ]),
    identifier: [{ system: SYSTEM.record, value: `L-${person.recordNumber}-${Math.floor(at / MINUTE_MS)}-${panel.loinc}` }],
    status: 'final',
    category: [{ coding: [coding(SYSTEM.diagnosticService, 'LAB', 'Laboratory')] }],
    code: concept(SYSTEM.loinc, panel.loinc, panel.display),
    subject: { reference: patient },
    encounter: { reference: encounter },
    effectiveDateTime: dateTimeOf(drawn, person.site.offset),
    issued: instantOf(drawn + (delay + 3) * MINUTE_MS),
    performer: [organizationReference(person.site)],
    result: results.map((reference) => ({ reference })),
    conclusion,
  });
}

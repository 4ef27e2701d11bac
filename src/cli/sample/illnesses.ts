import type { Person } from './person.ts';

/** A chronic illness as the sample knows it. */
export type IllnessDefinition = {
  readonly snomed: string;
  readonly icd10: string;
  readonly display: string;
  readonly text: string;
  /** Seen more closely: shared with those who need it only. */
  readonly sensitive?: true;
  /** The share of such people who get it in a long life, and the age at which they do. */
  readonly risk: (person: Person) => number;
  readonly onset: { readonly mean: number; readonly deviation: number; readonly min: number };
  /** Years, about, that it goes unnoticed. */
  readonly hidden: number;
  /** Years after which it is over. */
  readonly lasts?: readonly [low: number, high: number];
};

export type IllnessKey = keyof typeof ILLNESSES;

const smokes = (person: Person): number => (person.smoking === 'never' ? 0 : 1);
const female = (person: Person): boolean => person.sex === 'female';

/** Chronic illnesses with the order in which they are drawn; the shares are roughly those of the United States. */
export const ILLNESSES = {
  diabetes: {
    snomed: '44054006',
    icd10: 'E11.9',
    display: 'Diabetes mellitus type 2',
    text: 'Type 2 diabetes',
    risk: (person) => 0.1 + 0.03 * Math.max(0, person.leanBmi - 23),
    onset: { mean: 53, deviation: 11, min: 26 },
    hidden: 2,
  },
  hypertension: {
    snomed: '59621000',
    icd10: 'I10',
    display: 'Essential hypertension',
    text: 'High blood pressure',
    risk: (person) => 0.42 + 0.02 * (person.leanBmi - 24),
    onset: { mean: 51, deviation: 12, min: 24 },
    hidden: 2,
  },
  hyperlipidemia: {
    snomed: '55822004',
    icd10: 'E78.5',
    display: 'Hyperlipidemia',
    text: 'High cholesterol',
    risk: () => 0.42,
    onset: { mean: 49, deviation: 12, min: 22 },
    hidden: 3,
  },
  asthma: {
    snomed: '195967001',
    icd10: 'J45.909',
    display: 'Asthma',
    text: 'Asthma',
    risk: () => 0.09,
    onset: { mean: 11, deviation: 8, min: 2 },
    hidden: 0.3,
  },
  copd: {
    snomed: '13645005',
    icd10: 'J44.9',
    display: 'Chronic obstructive lung disease',
    text: 'COPD',
    risk: (person) => 0.01 + 0.25 * smokes(person),
    onset: { mean: 62, deviation: 7, min: 42 },
    hidden: 2,
  },
  hypothyroidism: {
    snomed: '40930008',
    icd10: 'E03.9',
    display: 'Hypothyroidism',
    text: 'Underactive thyroid',
    risk: (person) => (female(person) ? 0.11 : 0.03),
    onset: { mean: 47, deviation: 14, min: 15 },
    hidden: 1,
  },
  depression: {
    snomed: '35489007',
    icd10: 'F32.A',
    display: 'Depressive disorder',
    text: 'Depression',
    sensitive: true,
    risk: (person) => (female(person) ? 0.18 : 0.1),
    onset: { mean: 35, deviation: 14, min: 14 },
    hidden: 0.3,
    lasts: [1, 9],
  },
  osteoarthritis: {
    snomed: '396275006',
    icd10: 'M19.90',
    display: 'Osteoarthritis',
    text: 'Osteoarthritis',
    risk: () => 0.3,
    onset: { mean: 63, deviation: 9, min: 42 },
    hidden: 1,
  },
  anemia: {
    snomed: '87522002',
    icd10: 'D50.9',
    display: 'Iron deficiency anemia',
    text: 'Iron deficiency anemia',
    risk: (person) => (female(person) ? 0.14 : 0.02),
    onset: { mean: 33, deviation: 11, min: 13 },
    hidden: 0.3,
    lasts: [0.5, 2],
  },
  atrialFibrillation: {
    snomed: '49436004',
    icd10: 'I48.91',
    display: 'Atrial fibrillation',
    text: 'Atrial fibrillation',
    risk: () => 0.14,
    onset: { mean: 74, deviation: 8, min: 55 },
    hidden: 0.3,
  },
  heartFailure: {
    snomed: '84114007',
    icd10: 'I50.9',
    display: 'Heart failure',
    text: 'Heart failure',
    risk: (person) => 0.08 + 0.06 * smokes(person),
    onset: { mean: 76, deviation: 7, min: 58 },
    hidden: 0.3,
  },
  rhinitis: {
    snomed: '367498001',
    icd10: 'J30.2',
    display: 'Seasonal allergic rhinitis',
    text: 'Hay fever',
    risk: () => 0.15,
    onset: { mean: 17, deviation: 9, min: 4 },
    hidden: 0.3,
  },
} as const satisfies Readonly<Record<string, IllnessDefinition>>;

/** An illness that isn't drawn but follows from what is measured. */
export const FOLLOWING = {
  kidney3: { snomed: '433144002', icd10: 'N18.30', display: 'Chronic kidney disease stage 3', text: 'Chronic kidney disease, stage 3' },
  kidney4: { snomed: '431857002', icd10: 'N18.4', display: 'Chronic kidney disease stage 4', text: 'Chronic kidney disease, stage 4' },
  prediabetes: { snomed: '15777000', icd10: 'R73.03', display: 'Prediabetes', text: 'Prediabetes' },
  obesity: { snomed: '162864005', icd10: 'E66.9', display: 'Body mass index 30+ - obesity', text: 'Obesity' },
} as const;

/** Short illnesses that bring people in: for whom, how long (days), and what helps. */
export type AcuteIllness = {
  readonly weight: number;
  readonly snomed: string;
  readonly icd10: string;
  readonly display: string;
  readonly ages: readonly [low: number, high: number];
  readonly days: readonly [low: number, high: number];
  readonly fever?: true;
  /** Not known before this date. */
  readonly since?: string;
  readonly drug?: 'amoxicillin' | 'ibuprofen' | 'acetaminophen' | 'albuterol';
};

export const ACUTE: readonly AcuteIllness[] = [
  { weight: 20, snomed: '195662009', icd10: 'J02.9', display: 'Acute viral pharyngitis', ages: [1, 100], days: [5, 12], fever: true },
  { weight: 14, snomed: '444814009', icd10: 'J01.90', display: 'Viral sinusitis', ages: [4, 100], days: [7, 20], drug: 'acetaminophen' },
  {
    weight: 12,
    snomed: '10509002',
    icd10: 'J20.9',
    display: 'Acute bronchitis',
    ages: [2, 100],
    days: [7, 21],
    fever: true,
    drug: 'albuterol',
  },
  {
    weight: 12,
    snomed: '65363002',
    icd10: 'H66.90',
    display: 'Otitis media',
    ages: [0.3, 9],
    days: [6, 14],
    fever: true,
    drug: 'amoxicillin',
  },
  {
    weight: 8,
    snomed: '43878008',
    icd10: 'J02.0',
    display: 'Streptococcal sore throat',
    ages: [3, 45],
    days: [6, 12],
    fever: true,
    drug: 'amoxicillin',
  },
  { weight: 12, snomed: '279039007', icd10: 'M54.50', display: 'Low back pain', ages: [20, 100], days: [10, 60], drug: 'ibuprofen' },
  {
    weight: 8,
    snomed: '68566005',
    icd10: 'N39.0',
    display: 'Urinary tract infectious disease',
    ages: [8, 100],
    days: [4, 10],
    drug: 'amoxicillin',
  },
  { weight: 6, snomed: '25064002', icd10: 'R51.9', display: 'Headache', ages: [10, 100], days: [1, 5], drug: 'acetaminophen' },
  { weight: 3, snomed: '16114001', icd10: 'S82.899A', display: 'Fracture of ankle', ages: [6, 100], days: [42, 90], drug: 'ibuprofen' },
  { weight: 5, snomed: '840539006', icd10: 'U07.1', display: 'COVID-19', ages: [1, 100], days: [6, 25], fever: true, since: '2020-03-01' },
];

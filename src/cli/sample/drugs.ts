/** What the sample prescribes: RxNorm, and how it is taken. */
export type Drug = {
  readonly code: string;
  readonly display: string;
  readonly dose: readonly [value: number, unit: string, ucum: string];
  /** Times a day; 0 when needed only. */
  readonly daily: number;
  readonly route: 'oral' | 'inhaled' | 'injected';
  readonly instruction: string;
  /** Tablets, doses or millilitres in a month's supply. */
  readonly monthly: number;
};

const tablet = ['tablet', '{tbl}'] as const;
const puff = ['puff', '{puff}'] as const;

export type DrugKey = keyof typeof DRUGS;

export const DRUGS = {
  metformin: oral('861007', 'metformin hydrochloride 500 MG Oral Tablet', 2, 'Take 1 tablet twice daily with meals'),
  empagliflozin: oral('1545658', 'empagliflozin 10 MG Oral Tablet', 1, 'Take 1 tablet every morning'),
  glargine: {
    code: '311041',
    display: 'insulin glargine 100 UNT/ML Injectable Solution',
    dose: [14, 'unit', '[IU]'],
    daily: 1,
    route: 'injected',
    instruction: 'Inject 14 units under the skin at bedtime',
    monthly: 10,
  },
  lisinopril: oral('314076', 'lisinopril 10 MG Oral Tablet', 1, 'Take 1 tablet daily'),
  losartan: oral('979492', 'losartan potassium 50 MG Oral Tablet', 1, 'Take 1 tablet daily'),
  amlodipine: oral('197361', 'amlodipine 5 MG Oral Tablet', 1, 'Take 1 tablet daily'),
  hydrochlorothiazide: oral('310798', 'hydrochlorothiazide 25 MG Oral Tablet', 1, 'Take 1 tablet every morning'),
  atorvastatin20: oral('617312', 'atorvastatin 20 MG Oral Tablet', 1, 'Take 1 tablet at bedtime'),
  atorvastatin80: oral('259255', 'atorvastatin 80 MG Oral Tablet', 1, 'Take 1 tablet at bedtime'),
  levothyroxine: oral('966222', 'levothyroxine sodium 0.075 MG Oral Tablet', 1, 'Take 1 tablet daily on an empty stomach'),
  sertraline: oral('312941', 'sertraline 50 MG Oral Tablet', 1, 'Take 1 tablet daily'),
  apixaban: oral('1364445', 'apixaban 5 MG Oral Tablet', 2, 'Take 1 tablet twice daily'),
  furosemide: oral('310429', 'furosemide 20 MG Oral Tablet', 1, 'Take 1 tablet every morning'),
  iron: oral('310325', 'ferrous sulfate 325 MG Oral Tablet', 1, 'Take 1 tablet daily between meals'),
  ibuprofen: oral('310965', 'ibuprofen 200 MG Oral Tablet', 0, 'Take 1 to 2 tablets every 6 hours as needed for pain'),
  acetaminophen: oral('313782', 'acetaminophen 325 MG Oral Tablet', 0, 'Take 2 tablets every 6 hours as needed'),
  amoxicillin: {
    code: '308191',
    display: 'amoxicillin 500 MG Oral Capsule',
    dose: [1, 'capsule', '{capsule}'],
    daily: 3,
    route: 'oral',
    instruction: 'Take 1 capsule three times daily until finished',
    monthly: 30,
  },
  albuterol: {
    code: '745679',
    display: '200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler',
    dose: [2, ...puff],
    daily: 0,
    route: 'inhaled',
    instruction: 'Inhale 2 puffs every 4 to 6 hours as needed',
    monthly: 1,
  },
  fluticasone: {
    code: '895994',
    display: '120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler',
    dose: [2, ...puff],
    daily: 2,
    route: 'inhaled',
    instruction: 'Inhale 2 puffs twice daily; rinse mouth after use',
    monthly: 1,
  },
} as const satisfies Readonly<Record<string, Drug>>;

function oral(code: string, display: string, daily: number, instruction: string): Drug {
  return { code, display, dose: [1, ...tablet], daily, route: 'oral', instruction, monthly: Math.max(1, daily) * 30 };
}

/** What an explanation is made of. Nothing in it tells who the patient is. */
export type ResultFacts = {
  /** A LOINC code. */
  readonly code?: string;
  readonly value?: number;
  readonly comparator?: string;
  /** A UCUM code. */
  readonly unit?: string;
  readonly low?: number;
  readonly high?: number;
  /** A word of the native API: `critical_low`. */
  readonly interpretation?: string;
  readonly isFinal: boolean;
  /** In the same unit. */
  readonly previous?: { readonly value: number; readonly daysBefore: number };
  /** `40-49` */
  readonly ageBand?: string;
  readonly sex?: string;
};

export type Explained = { readonly text: string; readonly source: 'rules' | 'model' };

/** Puts a result into words for the patient. @throws where it can't */
export type Explainer = (facts: ResultFacts) => Promise<Explained>;

export const disclaimer =
  'This is general information and no medical advice or diagnosis. Talk to your care team about what the result means for you.';

import type { ObjectRule } from './objects.ts';
import { standardRule } from './invariants.ts';
import { reportChild } from './walk.ts';
import { isPlainDiv } from './narrative-scan.ts';
import { type NarrativeFault, faultsIn } from './narrative-parse.ts';

/**
 * A narrative is well-formed XHTML of nothing but text, formatting, links and images.
 *
 * @see https://hl7.org/fhir/R4/narrative.html#xhtml, invariants txt-1 and txt-2
 */
export const narrativeRule: ObjectRule = (walk, { div }) => {
  if (typeof div !== 'string' || isPlainDiv(div)) return;
  for (const { kind, sentence } of faultsIn(div)) {
    const key = KEYS[kind];
    const rule = key === undefined ? undefined : standardRule('Narrative', key);
    reportChild(walk, '`div`', key === undefined ? 'structure' : 'invariant', `narrative-${kind}`, sentence, rule);
  }
};

const KEYS: Readonly<Partial<Record<NarrativeFault['kind'], string>>> = {
  element: 'txt-1',
  attribute: 'txt-1',
  active: 'txt-1',
  empty: 'txt-2',
};

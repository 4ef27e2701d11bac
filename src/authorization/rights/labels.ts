import type { Coded } from './consent.ts';

const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const ofConfidentiality = new Set(['U', 'L', 'M', 'N', 'R', 'V']);

/** A label as configuration writes it: `R`, `HIV`, or `system|code`. Short ones are of v3-Confidentiality and v3-ActCode. */
export function labelOf(text: string): Required<Coded> {
  const bar = text.lastIndexOf('|');
  if (bar !== -1) return { system: text.slice(0, bar), code: text.slice(bar + 1) };
  return { system: ofConfidentiality.has(text) ? confidentiality : actCode, code: text };
}

/**
 * What takes rows away for a label. A code of HL7's may stand under no system, an older name of its system or an OID, and means the same;
 * one of another system may stand under none.
 */
export function looselyOf(label: Coded): readonly Coded[] {
  const { system, code } = label;
  if (system === undefined || system === '') return [label];
  return system === confidentiality || system === actCode ? [{ code }] : [label, { system: '', code }];
}

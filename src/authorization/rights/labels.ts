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

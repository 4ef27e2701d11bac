import type { JsonObject } from '../fhir/json.ts';
import { isQuotable, nearestTo, quoted, tellUnchecked } from './bindings.ts';
import type { ObjectRule } from './objects.ts';
import { note, noteChild, reportChild, type Walk, verdictOf } from './walk.ts';

/**
 * What every Coding has to keep, bound or not: its system is one, has its code, and calls it so.
 *
 * @see https://hl7.org/fhir/R4/datatypes.html#Coding
 */
export const codingRule: ObjectRule = (walk, coding) => {
  const { system, code } = coding;
  if (typeof system === 'string') {
    if (!checkSystem(walk, system)) return;
    if (typeof code === 'string') checkCode(walk, coding, system, code);
  } else if (typeof code === 'string' && system === undefined && coding._system === undefined) {
    const sentence = 'has a code without a system, so that nobody can tell what it means: add the system.';
    note(walk, 'warning', 'code-invalid', 'binding-system-missing', sentence);
  }
};

/** A unit's text is free, but its code is one; a wrong one is a fault only where a value set is bound, as R4's own examples have many. */
export const quantityRule: ObjectRule = (walk, quantity) => {
  const { system, code } = quantity;
  if (typeof system !== 'string' || !checkSystem(walk, system) || typeof code !== 'string') return;
  const verdict = verdictOf(walk, { valueSet: undefined, system, code });
  if (verdict?.kind === 'unchecked') tellUnchecked(walk, verdict.why);
  if (verdict?.kind !== 'out') return;
  const advice = system === UCUM ? 'write the unit as UCUM does, such as "mmol/L" or "{beats}/min".' : 'use a code that it has.';
  noteChild(
    walk,
    'code',
    'warning',
    'code-invalid',
    'binding-unit',
    () => `is ${quoted(code)}, which ${isQuotable(system) ? system : 'its code system'} does not have: ${advice}${nearestTo(verdict)}`,
  );
};

const UCUM = 'http://unitsofmeasure.org';
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const VALUE_SET = /^https?:\/\/(?:terminology\.)?hl7\.org\/(?:.*\/)?ValueSet\//;

function checkSystem(walk: Walk, system: string): boolean {
  if (!ABSOLUTE.test(system)) {
    const sentence = 'must be the absolute URI of a code system, such as "http://loinc.org" or "urn:oid:2.16.840.1.113883.6.1".';
    reportChild(walk, 'system', 'code-invalid', 'binding-system-relative', sentence);
    return false;
  }
  if (VALUE_SET.test(system)) {
    const sentence = 'names a value set and must name a code system: write the system that the value set takes this code from.';
    reportChild(walk, 'system', 'code-invalid', 'binding-system-value-set', sentence);
    return false;
  }
  return true;
}

function checkCode(walk: Walk, coding: JsonObject, system: string, code: string): void {
  const { version, display } = coding;
  const verdict = verdictOf(walk, { valueSet: undefined, system, code, ...(typeof version === 'string' ? { version } : {}) });
  if (verdict === undefined) return;
  if (verdict.kind === 'unchecked') return tellUnchecked(walk, verdict.why);
  if (verdict.kind === 'out') {
    if (!verdict.unknown) return;
    const named = isQuotable(system) ? system : 'its code system';
    const sentence = `is ${quoted(code)}, which ${named} does not have: use one of its codes.${nearestTo(verdict)}`;
    return reportChild(walk, 'code', 'code-invalid', 'binding-code-unknown', sentence);
  }
  if (verdict.inactive === true) {
    const sentence = () => `is ${quoted(code)}, which is not in use any more: see whether another has taken its place.`;
    noteChild(walk, 'code', 'warning', 'code-invalid', 'binding-inactive', sentence);
  }
  if (typeof display !== 'string' || verdict.displays.length === 0 || isAmong(display, verdict.displays)) return;
  const expected = verdict.displays.slice(0, 3).map((each) => JSON.stringify(each));
  const sentence = `has as display other words than the code system has for ${quoted(code)}: write ${expected.join(' or ')}, and your own words in the text of the CodeableConcept.`;
  note(walk, 'warning', 'value', 'binding-display', sentence);
}

/** Exact in most cases; else as people compare words. */
function isAmong(display: string, displays: readonly string[]): boolean {
  if (displays.includes(display)) return true;
  const folded = fold(display);
  return displays.some((each) => fold(each) === folded);
}

function fold(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase();
}

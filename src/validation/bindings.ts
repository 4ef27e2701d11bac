import type { Rule } from '../fhir/error.ts';
import type { Json, JsonObject } from '../fhir/json.ts';
import type { BindingDef } from '../fhir/schema.ts';
import type { CodeVerdict } from '../terminology/verdict.ts';
import type { ValueRule } from './elements.ts';
import type { ObjectRule } from './objects.ts';
import { note, type Walk, verdictOf } from './walk.ts';

/** A value set, and what a code that isn't in it is told as. */
type Bound = {
  readonly valueSet: string;
  readonly severity: 'error' | 'warning';
  readonly strength: string;
  readonly rule?: Rule | undefined;
};

/** What stands for the code of a value: for what has several, one of them has to be in the value set. */
type Coded = { readonly system: string | undefined; readonly version?: string; readonly code: string };

/**
 * The checks of a binding for an element of a type that has codes in it: Coding, CodeableConcept, or a kind of Quantity.
 *
 * @see https://hl7.org/fhir/R4/terminologies.html#strength
 */
export function codeRules(type: string, binding: BindingDef, rule?: Rule): ObjectRule[] {
  return boundsOf(binding, rule).map((bound) => (walk, value) => {
    if (type === 'CodeableConcept') checkConcept(walk, value, bound);
    else checkOne(walk, value, bound);
  });
}

/** The same for a primitive: a `code`, or a `uri` or `string` that is one. */
export function valueRule(binding: BindingDef, rule?: Rule): ValueRule[] {
  return boundsOf(binding, rule).map((bound) => (walk, value) => {
    if (typeof value !== 'string') return;
    const verdict = verdictOf(walk, { valueSet: bound.valueSet, system: undefined, code: value });
    if (verdict !== undefined && !stands(verdict)) reportVerdict(walk, bound, verdict, quoted(value));
  });
}

/** Weaker bindings ask nothing, unless they name a value set that no code may be outside of. */
function boundsOf({ strength, valueSet, max }: BindingDef, rule: Rule | undefined): Bound[] {
  const bounds: Bound[] = [];
  if (strength === 'required') bounds.push({ valueSet, severity: 'error', strength: 'required', rule });
  if (strength === 'extensible') bounds.push({ valueSet, severity: 'warning', strength: 'extensible', rule });
  if (max !== undefined) bounds.push({ valueSet: max, severity: 'error', strength: 'maximum', rule });
  return bounds;
}

function checkOne(walk: Walk, value: JsonObject, bound: Bound): void {
  const coded = codedIn(value);
  // Without a code there is text, a number or an extension; that a Coding lacks its code is told only where one is required.
  if (coded === undefined) {
    if (bound.strength === 'required') reportMissing(walk, bound);
    return;
  }
  const verdict = verdictOf(walk, { valueSet: bound.valueSet, ...coded });
  if (verdict !== undefined && !stands(verdict)) reportVerdict(walk, bound, verdict, named(coded));
}

/** One of the codings has to be in the value set; the others may say the same in other code systems. */
function checkConcept(walk: Walk, value: JsonObject, bound: Bound): void {
  const { coding } = value;
  let told: { readonly verdict: CodeVerdict; readonly coded: Coded } | undefined;
  let untold = false;
  for (const item of Array.isArray(coding) ? coding : []) {
    const coded = codedIn(item);
    if (coded === undefined) continue;
    const verdict = verdictOf(walk, { valueSet: bound.valueSet, ...coded });
    if (verdict === undefined) untold = true;
    else if (stands(verdict)) return;
    else if (told === undefined || verdict.kind === 'unchecked') told = { verdict, coded };
  }
  if (untold) return;
  if (told === undefined) return reportMissing(walk, bound);
  reportVerdict(walk, bound, told.verdict, named(told.coded));
}

/** A code that is in the set only to group others is none to be used. */
function stands(verdict: CodeVerdict): boolean {
  return verdict.kind === 'in' && verdict.abstract !== true;
}

function codedIn(item: Json): Coded | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item) || typeof item.code !== 'string') return undefined;
  const system = typeof item.system === 'string' ? item.system : '';
  return typeof item.version === 'string' ? { system, version: item.version, code: item.code } : { system, code: item.code };
}

function reportMissing(walk: Walk, { valueSet, severity, strength, rule }: Bound): void {
  if (strength === 'maximum') return;
  // Of a value set that isn't here nobody knows whether it is one; no code at all is in those that are.
  const verdict = verdictOf(walk, { valueSet, system: '', code: '' });
  if (verdict === undefined) return;
  if (verdict.kind === 'unchecked') return tellUnchecked(walk, verdict.why);
  const must = severity === 'error' ? 'must' : 'should';
  note(walk, severity, 'code-invalid', 'binding-missing', `has no code and ${must} have one from ${valueSet}: add it.`, rule);
}

function reportVerdict(walk: Walk, bound: Bound, verdict: CodeVerdict, code: string): void {
  const { valueSet, severity, strength, rule } = bound;
  if (verdict.kind === 'unchecked') {
    if (severity === 'error') walk.doubts++;
    return tellUnchecked(walk, verdict.why);
  }
  if (verdict.kind === 'in') {
    const sentence = `has ${code}, which is abstract: it only groups others in the value set ${valueSet}. Use one of those.`;
    return note(walk, severity, 'code-invalid', 'binding-abstract', sentence, rule);
  }
  const ending = strength === 'extensible' ? ', unless none of those fits' : '';
  const sentence = (): string =>
    `has ${code}, which is not in the value set ${valueSet} (${strength} binding): use one of its codes${ending}.${nearestTo(verdict)}`;
  note(walk, severity, 'code-invalid', `binding-${strength}`, sentence, rule);
}

/** What couldn't be asked is told once. */
export function tellUnchecked(walk: Walk, why: string): void {
  if (why === '' || walk.told.has(why)) return;
  walk.told.add(why);
  note(walk, 'information', 'not-supported', 'binding-unchecked', `was not checked: ${why}`);
}

/** ` Did you mean "final" (Final)?`, or nothing. */
export function nearestTo({ nearest }: Extract<CodeVerdict, { kind: 'out' }>): string {
  if (nearest === undefined) return '';
  return ` Did you mean ${JSON.stringify(nearest.code)}${nearest.display === undefined ? '' : ` (${nearest.display})`}?`;
}

function named({ system, code }: Coded): string {
  if (system === undefined || system === '') return `${quoted(code)} of no code system`;
  return `${quoted(code)} of ${isQuotable(system) ? system : 'a code system'}`;
}

/** A code is quoted if it looks like one: it may be text that got into the wrong place. */
export function quoted(code: string): string {
  return isQuotable(code) ? `the code ${JSON.stringify(code)}` : 'a code';
}

export function isQuotable(text: string): boolean {
  return text.length <= 100 && /^[\x21-\x7e]+$/.test(text);
}

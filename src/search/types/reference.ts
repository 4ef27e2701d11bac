import { token } from '../../encryption/token.ts';
import { parseReference, type Reference } from '../../fhir/references.ts';
import { anyOf, type Condition, nothing } from '../condition.ts';
import type { SearchElement } from '../registry.ts';
import { isRecord, type PlanContext, type Sink, textOf } from '../sink.ts';
import { type SearchValue, unescape } from '../values.ts';
import { addCoded, codedCondition, present } from './token.ts';

/** The 64-bit key of a resource's place, `Type/id`: what rows are found by and references join on. */
export function refKeyOf(key: PlanContext['key'], type: string, id: string): bigint {
  return token(key, 'ref', type, id);
}

/**
 * Reference parameters: a token per target (`Type/id` for ours, the URL for others', both and canonicals with and without their
 * version), and for ours a fact to join on, whether or not the target exists yet.
 *
 * @see https://hl7.org/fhir/R4/search.html#reference
 */
export function extractReference(element: SearchElement, value: unknown, sink: Sink): void {
  const { path } = element;
  if (typeof value === 'string') return addTarget(element, value, sink);
  if (!isRecord(value)) return;
  const reference = textOf(value.reference);
  if (reference !== undefined) addTarget(element, reference, sink);
  const type = element.narrowed ? typeOf(value, reference, sink.base) : undefined;
  if (type !== undefined) sink.tokens.add(['p', path, type]);
  if (isRecord(value.identifier)) addCoded(identifierPath(path), textOf(value.identifier.system), textOf(value.identifier.value), sink);
}

function addTarget(element: SearchElement, text: string, sink: Sink): void {
  const reference = parseReference(text, sink.base);
  for (const target of textsOf(reference, text, keyedBy(element, sink.key))) sink.tokens.add(['r', element.path, target]);
  for (const start of versionStarts(text)) sink.tokens.add(['r', element.path, 'below', start]);
  if (reference.kind === 'local') {
    const target = refKeyOf(sink.key, reference.type, reference.id);
    if (!sink.facts.references.some((fact) => fact.param === element.number && fact.target === target)) {
      sink.facts.references.push({ param: element.number, target });
    }
  }
}

/** The type of a Reference's target: as its text tells, on whatever server, else as it says itself. */
function typeOf(value: Readonly<Record<string, unknown>>, text: string | undefined, base: string): string | undefined {
  const reference = text === undefined ? undefined : parseReference(text, base);
  const told = reference !== undefined && 'type' in reference ? reference.type : undefined;
  return told ?? textOf(value.type);
}

/** Whether the element has a reference that counts for a parameter of these targets. */
export function presentReference(element: SearchElement, targets: readonly string[] | undefined, context: PlanContext): Condition {
  if (targets === undefined) return present(element, context);
  return anyOf(targets.map((type) => ({ kind: 'all-tokens', tokens: [token(context.key, 'p', element.path, type)] })));
}

/** What a reference value's target may be searched by: its place with and without version; nothing inside the resource itself. */
export function targetTexts(value: unknown, base: string): string[] {
  const text = typeof value === 'string' ? value : isRecord(value) ? textOf(value.reference) : undefined;
  return text === undefined ? [] : textsOf(parseReference(text, base), text);
}

function textsOf(reference: Reference, text: string, place = placeOf): string[] {
  if (reference.kind === 'local') {
    const at = place(reference.type, reference.id);
    return reference.version === undefined ? [at] : [at, `${at}/_history/${reference.version}`];
  }
  if (reference.kind === 'contained' || reference.kind === 'invalid') return [];
  const bar = text.indexOf('|');
  const unversioned = bar > 0 ? text.slice(0, bar) : text.replace(/\/_history\/[A-Za-z0-9\-.]{1,64}$/, '');
  return unversioned === text ? [text] : [text, unversioned];
}

type Place = (type: string, id: string) => string;

const placeOf: Place = (type, id) => `${type}/${id}`;

/** How resources of ours are named in the tokens of an element. */
function keyedBy({ audited }: SearchElement, key: PlanContext['key']): Place {
  if (audited !== 'by-key') return placeOf;
  return (type, id) => (type === 'Patient' ? keyedPatient(refKeyOf(key, type, id)) : placeOf(type, id));
}

/** A Patient in the tokens of an element that names Patients by their keys. */
export const keyedPatient = (refKey: bigint): string => `Patient/#${refKey}`;

/**
 * Of a canonical with a version the versions it belongs to: `u|1`, `u|1.2` of `u|1.2.3`, without itself. Canonicals form
 * hierarchies by their versions.
 */
function versionStarts(text: string): string[] {
  const bar = text.indexOf('|');
  if (bar <= 0) return [];
  const starts: string[] = [];
  for (let dot = text.indexOf('.', bar); dot !== -1 && starts.length < versionPartsMax; dot = text.indexOf('.', dot + 1))
    starts.push(text.slice(0, dot));
  return starts;
}

const versionPartsMax = 8;

/** Logical references are searched like identifiers, under a path of their own. */
const identifierPath = (path: string): string => `${path}.identifier`;

/** The resource a reference value names, if it is one of ours. */
export function localTarget(value: unknown, base: string): { readonly type: string; readonly id: string } | undefined {
  const text = typeof value === 'string' ? value : isRecord(value) ? textOf(value.reference) : undefined;
  if (text === undefined) return undefined;
  const reference = parseReference(text, base);
  return reference.kind === 'local' ? reference : undefined;
}

export type ReferenceTargets = { readonly targets: readonly string[]; readonly modifier?: string };

/** `id`, `Type/id`, an absolute URL (ours or not), a canonical; `:Type` names the type of a bare id, `:identifier` looks at the logical reference. */
export function referenceCondition(element: SearchElement, value: SearchValue, asked: ReferenceTargets, context: PlanContext): Condition {
  const one = (...parts: string[]): Condition => ({ kind: 'all-tokens', tokens: [token(context.key, 'r', element.path, ...parts)] });
  const place = keyedBy(element, context.key);
  if (asked.modifier === 'identifier') return codedCondition(identifierPath(element.path), value, context);
  const text = unescape(value.text);
  if (asked.modifier === 'above' || asked.modifier === 'below') return versionsCondition(element, text, asked.modifier, context);
  if (/^[A-Za-z0-9\-.]{1,64}$/.test(text)) {
    const types = asked.modifier === undefined ? asked.targets : [asked.modifier];
    return anyOf([...types.map((type) => one(place(type, text))), one(text)]);
  }
  const reference = parseReference(text, context.base);
  if (reference.kind !== 'local') return one(text);
  const wrongType =
    asked.modifier !== undefined ? reference.type !== asked.modifier : asked.targets.length > 0 && !asked.targets.includes(reference.type);
  const version = reference.version === undefined ? '' : `/_history/${reference.version}`;
  return wrongType ? nothing : one(`${place(reference.type, reference.id)}${version}`);
}

/**
 * `:below` a canonical: its versions, or with one those that begin with it; `:above`: the versions it begins with. Hierarchies
 * of resources are resolved before planning.
 */
function versionsCondition(element: SearchElement, text: string, modifier: 'above' | 'below', context: PlanContext): Condition {
  const of = (...parts: string[]): bigint => token(context.key, 'r', element.path, ...parts);
  return {
    kind: 'any-token',
    tokens: modifier === 'below' ? [of(text), of('below', text)] : [of(text), ...versionStarts(text).map((start) => of(start))],
  };
}

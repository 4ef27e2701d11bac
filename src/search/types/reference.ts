import { token } from '../../encryption/token.ts';
import { parseReference } from '../../fhir/references.ts';
import { anyOf, type Condition, nothing } from '../condition.ts';
import type { SearchElement } from '../registry.ts';
import { isRecord, type PlanContext, type Sink, textOf } from '../sink.ts';
import { type SearchValue, splitUnescaped, unescape } from '../values.ts';

/** The 64-bit key of a resource's place, `Type/id`: what rows are found by and references join on. */
export function refKeyOf(key: PlanContext['key'], type: string, id: string): bigint {
  return token(key, 'ref', type, id);
}

/**
 * Reference parameters: a token per target (`Type/id` for ours, the URL for others', the canonical with and without its
 * version), and for ours a fact to join on, whether or not the target exists yet.
 *
 * @see https://hl7.org/fhir/R4/search.html#reference
 */
export function extractReference(element: SearchElement, value: unknown, sink: Sink): void {
  const { path } = element;
  if (typeof value === 'string') {
    addTarget(element, value, sink);
    return;
  }
  if (!isRecord(value)) return;
  const reference = textOf(value.reference);
  if (reference !== undefined) addTarget(element, reference, sink);
  if (isRecord(value.identifier)) {
    const system = textOf(value.identifier.system);
    const text = textOf(value.identifier.value);
    if (text !== undefined) sink.tokens.add(['r', path, 'i', text]);
    if (text !== undefined && system !== undefined) sink.tokens.add(['r', path, 'i', system, text]);
  }
}

function addTarget(element: SearchElement, text: string, sink: Sink): void {
  const { path } = element;
  const reference = parseReference(text, sink.base);
  if (reference.kind === 'local') {
    sink.tokens.add(['r', path, `${reference.type}/${reference.id}`]);
    const target = refKeyOf(sink.key, reference.type, reference.id);
    if (!sink.facts.references.some((fact) => fact.param === element.number && fact.target === target)) {
      sink.facts.references.push({ param: element.number, target });
    }
    return;
  }
  if (reference.kind === 'contained' || reference.kind === 'invalid') return;
  sink.tokens.add(['r', path, text]);
  const bar = text.indexOf('|');
  if (bar > 0) sink.tokens.add(['r', path, text.slice(0, bar)]);
}

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
  if (asked.modifier === 'identifier') {
    return one(
      'i',
      ...splitUnescaped(value.text, '|')
        .map(unescape)
        .filter((part) => part !== ''),
    );
  }
  const text = unescape(value.text);
  if (/^[A-Za-z0-9\-.]{1,64}$/.test(text)) {
    const types = asked.modifier === undefined ? asked.targets : [asked.modifier];
    return anyOf([...types.map((type) => one(`${type}/${text}`)), one(text)]);
  }
  const reference = parseReference(text, context.base);
  if (reference.kind !== 'local') return one(text);
  const wrongType =
    asked.modifier !== undefined ? reference.type !== asked.modifier : asked.targets.length > 0 && !asked.targets.includes(reference.type);
  return wrongType ? nothing : one(`${reference.type}/${reference.id}`);
}

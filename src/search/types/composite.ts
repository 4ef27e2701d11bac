import { token } from '../../encryption/token.ts';
import { isId, parseReference } from '../../fhir/references.ts';
import type { Component, CompositeItem, Pair } from '../composites.ts';
import type { SearchElement } from '../elements.ts';
import type { PlanContext, Sink } from '../sink.ts';
import { type SearchValue, splitUnescaped, unescape } from '../values.ts';
import { isBlindDate } from './blind-date.ts';
import { addDate } from './date.ts';
import { addQuantity } from './quantity.ts';
import { targetTexts } from './reference.ts';
import { fullCodes } from './token.ts';

/**
 * Composite parameters: for each item the pairs of its values. A code is paired in full (`system|code`, `|code`); with
 * another code or a reference that is one token, with a date or a quantity a fact whose `pair` is the token of the first.
 * What a search names in less than full is found by its components and compared again after opening.
 *
 * @see https://hl7.org/fhir/R4/search.html#composite
 */
export function extractItem(item: CompositeItem, resource: object, sink: Sink): void {
  const { pairs, whole, components } = item;
  if (whole && pairs.length === 0) return;
  item.items(resource, (found) => {
    if (typeof found !== 'object' || found === null) return;
    for (const pair of pairs) extractPair(pair, resource, found, sink);
    // Of the resource as a whole the components' own marks say it.
    if (!whole && components.every((places) => places.some((place) => hasValue(place, resource, found))))
      sink.tokens.add(presentParts(item));
  });
}

/** The token of an item that has a value of each component. */
export const presentParts = ({ path }: CompositeItem): string[] => ['p', path];

function hasValue({ each, onResource }: Component, resource: object, item: object): boolean {
  let found = false;
  each(onResource ? resource : item, () => {
    found = true;
  });
  return found;
}

function extractPair(pair: Pair, resource: object, item: object, sink: Sink): void {
  // Most items lack the second value (a component has one datatype of many), and then the first isn't looked at.
  let firsts: readonly (readonly string[])[] | undefined;
  pair.second.each(pair.second.onResource ? resource : item, (value, type) => {
    firsts ??= formsOf(pair.first, resource, item, sink);
    for (const first of firsts) addPair(pair, first, value, type, sink);
  });
}

function formsOf(component: Component, resource: object, item: object, sink: Sink): string[][] {
  const forms: string[][] = [];
  component.each(component.onResource ? resource : item, (value, type) => {
    forms.push(...formsOfValue(component, value, type, sink));
  });
  return forms;
}

function formsOfValue({ kind }: Component, value: unknown, type: string, sink: Sink): string[][] {
  return kind === 'reference' ? targetTexts(value, sink.base).map((text) => [text]) : fullCodes(value, type);
}

function addPair(pair: Pair, first: readonly string[], value: unknown, type: string, sink: Sink): void {
  switch (pairing(pair)) {
    case 'fact_date':
      return addDate({ param: pair.number, pair: pairToken(first, sink) }, value, type, sink);
    case 'fact_quantity':
      return addQuantity({ param: pair.number, pair: pairToken(first, sink) }, value, type, sink);
    case 'token':
      for (const second of formsOfValue(pair.second, value, type, sink)) sink.tokens.add(pairParts(pair, first, second));
      return;
    case undefined:
      return;
  }
}

/** How the pairs are kept; not at all where the second is a date that must not stand in clear. */
export function pairing({ second }: Pair): 'fact_date' | 'fact_quantity' | 'token' | undefined {
  if (second.kind === 'date') return isBlindDate(second.element.path) ? undefined : 'fact_date';
  return second.kind === 'quantity' ? 'fact_quantity' : 'token';
}

/** The token of two values that are both compared for equality. */
export function pairParts(pair: Pair, first: readonly string[], second: readonly string[]): string[] {
  return ['x', pair.path, ...first, ...second];
}

/** The fact's `param` says which pair it is of, so the token needn't. */
export function pairToken(first: readonly string[], { key }: Pick<Sink, 'key'>): bigint {
  return token(key, 'x', ...first);
}

/**
 * A search value as the forms that `extractItem` pairs: a code in full, or the places a reference names.
 *
 * @returns undefined where it says less: a code without its system, a system alone, or what pairs aren't kept of
 */
export function formsAsked({ kind, element, targets }: Component, value: SearchValue, context: PlanContext): string[][] | undefined {
  if (kind === 'token') return codesAsked(element, value);
  if (kind !== 'reference') return undefined;
  const text = unescape(value.text);
  if (isId(text)) return [...targets.map((type) => [`${type}/${text}`]), [text]];
  const reference = parseReference(text, context.base);
  if (reference.kind !== 'local') return [[text]];
  const version = reference.version === undefined ? '' : `/_history/${reference.version}`;
  return [[`${reference.type}/${reference.id}${version}`]];
}

function codesAsked({ types, system: implied }: SearchElement, { text }: SearchValue): string[][] | undefined {
  const parts = splitUnescaped(text, '|');
  const system = parts.length === 1 ? undefined : unescape(parts[0] ?? '');
  const code = unescape(parts.slice(parts.length === 1 ? 0 : 1).join('|'));
  if (code === '') return undefined;
  if (types.length > 0 && types.every((type) => type === 'code')) {
    // The system of a `code` is that of its binding, and isn't stored.
    if (system === undefined) return [['c', code.toLowerCase()]];
    if (implied === undefined) return undefined;
    return system === implied ? [['c', code.toLowerCase()]] : [];
  }
  if (system === undefined) return undefined;
  const form = (spelling: string): string[] => (system === '' ? ['n', spelling] : ['sc', system, spelling]);
  if (types.length > 0 && types.every((type) => type === 'CodeableConcept' || type === 'Coding')) return [form(code.toLowerCase())];
  return types.length > 0 && types.every((type) => type === 'Identifier') ? [form(code)] : undefined;
}

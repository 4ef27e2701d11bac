import { token } from '../../encryption/token.ts';
import type { Component, Pair } from '../pairs.ts';
import type { Sink } from '../sink.ts';
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
export function extractPair(pair: Pair, resource: object, sink: Sink): void {
  pair.items(resource, (item) => {
    if (typeof item !== 'object' || item === null) return;
    // Most items lack the second value (a component has one datatype of many), and then the first isn't looked at.
    let firsts: readonly (readonly string[])[] | undefined;
    pair.second.each(pair.second.onResource ? resource : item, (value, type) => {
      firsts ??= formsOf(pair.first, resource, item, sink);
      for (const first of firsts) addPair(pair, first, value, type, sink);
    });
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
  switch (pair.second.kind) {
    case 'date':
      return addDate({ param: pair.number, pair: pairToken(first, sink) }, value, type, sink);
    case 'quantity':
      return addQuantity({ param: pair.number, pair: pairToken(first, sink) }, value, type, sink);
    default:
      for (const second of formsOfValue(pair.second, value, type, sink)) sink.tokens.add(['x', pair.path, ...first, ...second]);
  }
}

/** The fact's `param` says which pair it is of, so the token needn't. */
export function pairToken(first: readonly string[], { key }: Pick<Sink, 'key'>): bigint {
  return token(key, 'x', ...first);
}

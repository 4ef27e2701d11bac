import { token } from '../../encryption/token.ts';
import { badRequest } from '../../fhir/error.ts';
import { allOf } from '../condition.ts';
import type { ValueMatch } from '../match.ts';
import type { SearchElement } from '../registry.ts';
import { isRecord, type PlanContext, type Sink, textOf } from '../sink.ts';
import { type SearchValue, unescape } from '../values.ts';
import { wordsOf } from './normalise.ts';

/**
 * Of each word these many first letters are kept; a search for others is compared again after opening. All twelve beginnings
 * of a word would double the tokens of an Observation.
 */
const prefixLengths = [3, 6, 10] as const;
/** Words of one text beyond these are not found. */
const wordsMax = 256;
const typesWithText = new Set(['CodeableConcept', 'Coding', 'Identifier']);

/**
 * `:text`: every word of the search begins a word of the value's text: of CodeableConcept.text, Coding.display, Identifier.type.text.
 *
 * @see https://hl7.org/fhir/R4/search.html#token
 */
export function extractText({ path }: SearchElement, value: unknown, type: string, sink: Sink): void {
  for (const text of textsOf(value, type)) {
    for (const word of textWords(text)) {
      for (const length of prefixLengths) if (word.length >= length) sink.tokens.add(['w', path, word.slice(0, length)]);
    }
  }
}

function textsOf(value: unknown, type: string): string[] {
  if (!isRecord(value)) return [];
  if (type === 'Coding') return [textOf(value.display) ?? ''];
  if (type === 'Identifier') return isRecord(value.type) ? [textOf(value.type.text) ?? ''] : [];
  if (type !== 'CodeableConcept') return [];
  const codings: readonly unknown[] = Array.isArray(value.coding) ? value.coding : [];
  return [textOf(value.text) ?? '', ...codings.flatMap((coding) => textsOf(coding, 'Coding'))];
}

function textWords(text: string): string[] {
  return text === '' ? [] : wordsOf(text).slice(0, wordsMax);
}

/** @throws FhirError 400 if the element's values have no text, or nothing is asked for */
export function textMatch(element: SearchElement, value: SearchValue, param: string, context: PlanContext): ValueMatch {
  if (element.types.length > 0 && !element.types.some((type) => typesWithText.has(type)))
    throw badRequest('search-unknown-modifier', `"${param}:text": the values of "${param}" are codes without a text.`);
  const asked = [...new Set(wordsOf(unescape(value.text)))];
  if (asked.length === 0) throw badRequest('search-invalid-value', `A value of "${param}:text" has nothing to search for.`);
  const test = (found: unknown, type: string): boolean => {
    const words = textsOf(found, type).flatMap(textWords);
    return asked.every((start) => words.some((word) => word.startsWith(start)));
  };
  const known = asked.flatMap((word) => longestPrefix(word) ?? []);
  if (known.length === 0)
    return { condition: { kind: 'all-tokens', tokens: [token(context.key, 'p', element.path)] }, decided: false, test, broad: true };
  const condition = allOf(known.map((prefix) => ({ kind: 'all-tokens', tokens: [token(context.key, 'w', element.path, prefix)] })));
  // Of several words the tokens don't tell whether they are of one value.
  return { condition, decided: asked.length === 1 && known[0] === asked[0], test };
}

function longestPrefix(word: string): string | undefined {
  const length = prefixLengths.findLast((each) => each <= word.length);
  return length === undefined ? undefined : word.slice(0, length);
}

import { formatInstant } from '../fhir/dates.ts';
import { byCodePoint, sortedParts } from './extract.ts';
import type { SearchElement, SearchParam } from './registry.ts';
import { isRecord, textOf } from './sink.ts';
import { isBlindDate } from './types/blind-date.ts';
import { intervalOf } from './types/date.ts';

/** Tokens, references and uris are stored as hashes, strings and blind dates as their beginning: their order is in the opened resource alone. */
export function opensToSort(param: SearchParam): boolean {
  if (param.code === '_id') return false;
  if (param.type === 'date') return param.elements.some(({ element }) => isBlindDate(element.path));
  return param.type === 'string' || param.type === 'token' || param.type === 'uri' || param.type === 'reference';
}

/**
 * What a resource sorts by: of several values the one that comes first in the direction asked for, as text whose code point order is
 * theirs; null if it has none.
 *
 * @see https://hl7.org/fhir/R4/search.html#sort
 */
export function textsBy(param: SearchParam, descending: boolean): (resource: object) => string | null {
  return (resource) => {
    const texts = param.elements.flatMap(({ element }) => textsOf(element, resource).map(beginningOf)).sort(byCodePoint);
    return (descending ? texts.at(-1) : texts[0]) ?? null;
  };
}

/** A page link holds the texts of its place, and has to fit into a URL. */
const lettersMax = 128;

function beginningOf(text: string): string {
  return text.length <= lettersMax ? text : [...text.slice(0, 2 * lettersMax)].slice(0, lettersMax).join('');
}

function textsOf(element: SearchElement, resource: object): string[] {
  if (element.kind === 'string') return sortedParts(element, resource);
  const texts: string[] = [];
  element.each(resource, (value, type) => {
    texts.push(...(element.kind === 'date' ? startOf(value, type) : element.kind === 'token' ? codesOf(value) : targetsOf(value)));
  });
  return texts;
}

/** A date sorts by its first moment in either direction, as dates do that PostgreSQL can order. */
function startOf(value: unknown, type: string): string[] {
  const interval = intervalOf(value, type);
  return interval === undefined ? [] : [formatInstant(interval.lo)];
}

/** Codes and values without regard to case, whatever their systems; a concept or contact without any by its text. */
function codesOf(value: unknown): string[] {
  if (typeof value === 'boolean' || typeof value === 'number') return [String(value)];
  if (typeof value === 'string' && value !== '') return [value.toLowerCase()];
  if (!isRecord(value)) return [];
  if (Array.isArray(value.coding)) {
    const codes = value.coding.flatMap((coding: unknown) => codesOf(coding));
    if (codes.length > 0) return codes;
  }
  const text = textOf(value.code) ?? textOf(value.value) ?? textOf(value.display) ?? textOf(value.text);
  return text === undefined ? [] : [text.toLowerCase()];
}

/** A uri by itself, a reference by its text, or else by the identifier or the display that stands for it. */
function targetsOf(value: unknown): string[] {
  if (!isRecord(value)) return [textOf(value)].flatMap((text) => text ?? []);
  const identifier = isRecord(value.identifier) ? textOf(value.identifier.value) : undefined;
  return [textOf(value.reference) ?? identifier ?? textOf(value.display)].flatMap((text) => text ?? []);
}

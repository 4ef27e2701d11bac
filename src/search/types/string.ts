import { token } from '../../encryption/token.ts';
import { allOf, type Condition } from '../condition.ts';
import type { SearchElement } from '../registry.ts';
import { isRecord, type PlanContext, type Sink, textOf } from '../sink.ts';
import { unescape, type SearchValue } from '../values.ts';
import { present } from './token.ts';

/** Prefix tokens reach this far; a longer search value is compared again after opening. */
export const prefixMax = 12;
/** Longer values get no trigrams but a mark: `:contains` must open them. */
const trigramTextMax = 100;

/**
 * Lower case, without marks, white space folded: what the default string search compares.
 * @see https://hl7.org/fhir/R4/search.html#string
 */
export function normalise(text: string): string {
  // Plain lower-case ASCII, the common case of a second pass, needs no Unicode tables.
  const decomposed = /^[\x21-\x7e ]*$/.test(text) ? text : text.normalize('NFKD').replace(/\p{M}+/gu, '');
  return decomposed.toLowerCase().replace(/\s+/g, ' ').trim();
}

/** The strings of a value that each count on their own: name and address parts, or the string itself. */
export function stringParts(value: unknown, type: string): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (!isRecord(value)) return [];
  const names = type === 'HumanName' ? nameParts : type === 'Address' ? addressParts : undefined;
  if (names === undefined) return [];
  return names.flatMap((name) => {
    const part = value[name];
    return (Array.isArray(part) ? part : [part]).flatMap((item) => textOf(item) ?? []);
  });
}

const nameParts = ['family', 'given', 'text', 'prefix', 'suffix'];
const addressParts = ['line', 'city', 'district', 'state', 'postalCode', 'country', 'text'];

export function extractString(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  const { path } = element;
  for (const raw of stringParts(value, type)) {
    sink.tokens.add(['s', path, 'e', raw]);
    const text = normalise(raw);
    sink.tokens.addPrefixes(['s', path, 'p'], text, prefixMax);
    if (isRecord(value) && raw === value.text)
      for (const word of text.split(' ').slice(1)) sink.tokens.addPrefixes(['s', path, 'p'], word, prefixMax);
    addTrigrams(path, text, sink);
  }
}

function addTrigrams(path: string, text: string, sink: Sink): void {
  if (text.length > trigramTextMax) sink.tokens.add(['s', path, 'l']);
  else for (const trigram of trigramsOf(text)) sink.tokens.add(['s', path, '3', trigram]);
}

function trigramsOf(text: string): string[] {
  const points = [...text];
  return points.slice(2).map((_, at) => points.slice(at, at + 3).join(''));
}

/** What a string clause asks of the tokens, and the test on the opened resource where tokens can't tell. */
export type StringMatch = { readonly condition: Condition; readonly test?: (part: string) => boolean };

export function stringMatch(element: SearchElement, value: SearchValue, modifier: string | undefined, context: PlanContext): StringMatch {
  const raw = unescape(value.text);
  const one = (...parts: string[]): Condition => ({ kind: 'all-tokens', tokens: [token(context.key, 's', element.path, ...parts)] });
  if (modifier === 'exact') return { condition: one('e', raw) };
  const wanted = normalise(raw);
  if (modifier === 'contains') return containsMatch(element, wanted, one, context);
  const points = [...wanted];
  const condition = points.length === 0 ? present(element, context) : one('p', points.slice(0, prefixMax).join(''));
  if (points.length <= prefixMax) return { condition };
  return { condition, test: (part) => startsWith(normalise(part), wanted) };
}

/** From the start of the part, or of a word of it: words only have tokens where a whole text was split. */
const startsWith = (text: string, wanted: string): boolean => text.startsWith(wanted) || text.includes(` ${wanted}`);

function containsMatch(element: SearchElement, wanted: string, one: (...parts: string[]) => Condition, context: PlanContext): StringMatch {
  const test = (part: string): boolean => normalise(part).includes(wanted);
  const trigrams = [...new Set(trigramsOf(wanted))];
  if (trigrams.length === 0) return { condition: present(element, context), test };
  return { condition: { kind: 'or', of: [allOf(trigrams.map((trigram) => one('3', trigram))), one('l')] }, test };
}

/**
 * What a string sorts by without being opened: code points of its first two letters, the coarsest order that still
 * keeps pages small. Inside equal buckets the opened strings decide.
 */
export function sortBucket(text: string): bigint {
  const [first = 0, second = 0] = [...normalise(text)].slice(0, 2).map((letter) => letter.codePointAt(0) ?? 0);
  return BigInt(first) * 0x200000n + BigInt(second);
}

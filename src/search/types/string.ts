import { token } from '../../encryption/token.ts';
import { badRequest } from '../../fhir/error.ts';
import { allOf, anyOf, type Condition } from '../condition.ts';
import type { ValueMatch } from '../match.ts';
import type { SearchElement } from '../registry.ts';
import { isRecord, type PlanContext, type Sink, textOf } from '../sink.ts';
import { unescape, type SearchValue } from '../values.ts';
import { normalise } from './normalise.ts';
import { partNames } from './part-names.ts';
import { present } from './token.ts';

/** Prefix tokens reach this many code points; a longer search value is compared again after opening. */
const prefixMax = 12;
/** Longer values get no trigrams but a mark: `:contains` must open them. */
const trigramTextMax = 100;

/** The strings of a value that each count on their own: name and address parts, or the string itself. */
export function stringParts(value: unknown, type: string): string[] {
  return partsOf('', value, type).map(({ raw }) => raw);
}

type Part = { readonly path: string; readonly raw: string };

/**
 * Each part with the path that its tokens are kept under. The parts of a name or an address are kept under their own
 * (`Patient.name.family`), so that `name` and `family` share what is stored.
 */
function partsOf(path: string, value: unknown, type: string): Part[] {
  if (typeof value === 'string') return value === '' ? [] : [{ path, raw: value }];
  if (!isRecord(value)) return [];
  return (partNames[type] ?? []).flatMap((name) => {
    const part = value[name];
    return (Array.isArray(part) ? part : [part]).flatMap((item) => {
      const raw = textOf(item);
      return raw === undefined ? [] : { path: `${path}.${name}`, raw };
    });
  });
}

/** Under which paths an element's tokens may be. */
function pathsOf({ path, types }: SearchElement): string[] {
  return types.length === 0 ? [path] : types.flatMap((type) => partNames[type]?.map((name) => `${path}.${name}`) ?? path);
}

export function extractString(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  for (const { path, raw } of partsOf(element.path, value, type)) {
    sink.tokens.add(['s', path, 'e', raw]);
    const text = normalise(raw);
    if (element.audited === 'few') {
      addFew(path, text, sink);
      continue;
    }
    for (const start of startsOf(text, raw, value)) sink.tokens.addPrefixes(['s', path, 'p'], start, prefixMax);
    addTrigrams(path, text, sink);
  }
}

/** Of an audit event's string these many first letters are kept: a search by others opens what has the next shorter ones. */
const fewLengths = [3, 7, 12] as const;

function addFew(path: string, text: string, sink: Sink): void {
  const points = [...text];
  for (const length of fewLengths) if (points.length >= length) sink.tokens.add(['s', path, 'p', points.slice(0, length).join('')]);
}

/** Where a search may start in a part: at its beginning, and in the text of a whole name or address also at each word. */
function startsOf(normalised: string, raw: string, value: unknown): string[] {
  if (!isRecord(value) || raw !== value.text) return [normalised];
  const starts = [normalised];
  for (let at = normalised.indexOf(' '); at !== -1; at = normalised.indexOf(' ', at + 1)) starts.push(normalised.slice(at + 1));
  return starts;
}

function addTrigrams(path: string, text: string, sink: Sink): void {
  if (text.length > trigramTextMax) sink.tokens.add(['s', path, 'l']);
  else for (const trigram of trigramsOf(text)) sink.tokens.add(['s', path, '3', trigram]);
}

function trigramsOf(text: string): string[] {
  if (!/[\ud800-\udfff]/.test(text)) return Array.from({ length: Math.max(0, text.length - 2) }, (_, at) => text.slice(at, at + 3));
  const points = [...text];
  return points.slice(2).map((_, at) => points.slice(at, at + 3).join(''));
}

/**
 * Starts with (normalised), `:exact` or `:contains`. Tokens decide up to 12 letters; a longer value, and every `:contains`, is
 * compared again after opening.
 *
 * @throws FhirError 400 if the value has no letter, digit or sign left once it is normalised: it would match everything
 */
export function stringMatch(element: SearchElement, value: SearchValue, clause: StringClause, context: PlanContext): ValueMatch {
  const raw = unescape(value.text);
  const paths = [...new Set(pathsOf(element))];
  const any = (...parts: string[]): Condition => anyOf(paths.map((path) => stringToken(context, path, ...parts)));
  if (clause.modifier === 'exact')
    return { condition: any('e', raw), decided: true, test: (found, type) => stringParts(found, type).includes(raw) };
  const wanted = normalise(raw);
  if (wanted === '') throw badRequest('search-invalid-value', `A value of "${clause.param}" has nothing to search for.`);
  if (clause.modifier === 'contains') return containsMatch(element, wanted, paths, context);
  const points = [...wanted];
  const test = (found: unknown, type: string): boolean =>
    stringParts(found, type).some((part) => startsOf(normalise(part), part, found).some((start) => start.startsWith(wanted)));
  if (element.audited === 'few') {
    const length = fewLengths.findLast((each) => each <= points.length);
    if (length === undefined) return { condition: present(element, context), decided: false, test, broad: true };
    return { condition: any('p', points.slice(0, length).join('')), decided: points.length === length, test };
  }
  return { condition: any('p', points.slice(0, prefixMax).join('')), decided: points.length <= prefixMax, test };
}

export type StringClause = { readonly param: string; readonly modifier: string | undefined };

function containsMatch(element: SearchElement, wanted: string, paths: readonly string[], context: PlanContext): ValueMatch {
  const test = (found: unknown, type: string): boolean => stringParts(found, type).some((part) => normalise(part).includes(wanted));
  const trigrams = [...new Set(trigramsOf(wanted))];
  if (trigrams.length === 0 || element.audited === 'few')
    return { condition: present(element, context), decided: false, test, broad: true };
  const inOne = paths.flatMap((path) => [
    allOf(trigrams.map((trigram) => stringToken(context, path, '3', trigram))),
    stringToken(context, path, 'l'),
  ]);
  return { condition: anyOf(inOne), decided: false, test };
}

function stringToken(context: PlanContext, path: string, ...parts: string[]): Condition {
  return { kind: 'all-tokens', tokens: [token(context.key, 's', path, ...parts)] };
}

/**
 * What a string sorts by without being opened: code points of its first two letters, the coarsest order that still
 * keeps pages small. Inside equal buckets the opened strings decide.
 */
export function sortBucket(text: string): bigint {
  const letters = normalise(text);
  const first = letters.codePointAt(0) ?? 0;
  const second = letters.codePointAt(first > 0xffff ? 2 : 1) ?? 0;
  return BigInt(first * 0x200000 + second);
}

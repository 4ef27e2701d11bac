import { byCodePoint } from './extract.ts';
import { isExact, mayBeMissing, type SortTerm } from './sort.ts';

/** A row's place in the order: what is stored for each term, what was opened for those that need it, and the row itself. */
export type Position = {
  readonly values: readonly (string | null)[];
  readonly texts?: readonly (string | null)[];
  readonly rid: number;
};

/** Where a page begins: after this place, or before it when reading backwards; at it when it is included. */
export type From = { readonly position: Position; readonly backwards?: true; readonly inclusive?: true };

/**
 * A part of the order that is read on its own: rows that have a value of the first term, then those that have none, in the order of
 * the terms after it. An index scanned backwards gives nulls first, and they are always last.
 */
export type Segment = {
  readonly first: 'present' | 'missing' | 'any';
  /** What orders the segment's rows. */
  readonly terms: readonly SortTerm[];
  /** Where `terms` begin in the whole list. */
  readonly from: number;
};

export function segmentsOf(sort: readonly SortTerm[]): Segment[] {
  const [first] = sort;
  if (first?.stored === undefined || !mayBeMissing(first)) return [{ first: 'any', terms: sort, from: 0 }];
  const present: Segment = { first: 'present', terms: sort, from: 0 };
  const isAsked = first.stored.kind === 'fact' && first.stored.asked !== undefined;
  return isAsked ? [present] : [present, { first: 'missing', terms: sort.slice(1), from: 1 }];
}

/** The segments that are still to be read, in reading order. */
export function segmentsFrom(sort: readonly SortTerm[], from: From | undefined): Segment[] {
  const all = segmentsOf(sort);
  const forwards = from === undefined || all.length === 1 ? all : from.position.values[0] === null ? all.slice(1) : all;
  if (from?.backwards !== true) return forwards;
  return from.position.values[0] === null ? all.toReversed() : all.slice(0, 1);
}

/** Whether the position is one of the segment's: else all of the segment follows it. */
export function isWithin(segment: Segment, { values }: Position): boolean {
  return segment.first === 'any' || (segment.first === 'missing') === (values[0] === null);
}

/** The terms by which PostgreSQL can put a segment's rows in order: up to the first that has to be opened, with its stored beginning. */
export function orderedTerms({ terms }: Segment): readonly SortTerm[] {
  const coarse = terms.findIndex((term) => !isExact(term));
  if (coarse === -1) return terms;
  return terms.slice(0, terms[coarse]?.stored === undefined ? coarse : coarse + 1);
}

/** Some of the segment's order is known only once the rows are opened. */
export const isOpened = ({ terms }: Segment): boolean => terms.some((term) => !isExact(term));

/** In what direction equal rows follow each other: with the first term, so that an index of (value, rid) gives both. */
export const ridDescends = ({ first, terms }: Segment): boolean => first !== 'missing' && terms[0]?.descending === true;

/** Compares two rows of a segment, forwards. Rows without a value come after those with one, whatever the direction. */
export function comparePositions(segment: Segment, a: Position, b: Position): number {
  for (const [at, term] of segment.terms.entries()) {
    const place = segment.from + at;
    const difference = compareTerm(term, a, b, place);
    if (difference !== 0) return difference;
  }
  return ridDescends(segment) ? b.rid - a.rid : a.rid - b.rid;
}

function compareTerm(term: SortTerm, a: Position, b: Position, at: number): number {
  const sign = term.descending ? -1 : 1;
  const stored = term.stored === undefined ? 0 : nullsLast(a.values[at], b.values[at], sign, storedOrder(term.stored.cast));
  if (stored !== 0 || isExact(term)) return stored;
  return nullsLast(a.texts?.[at], b.texts?.[at], sign, byCodePoint);
}

function nullsLast(
  a: string | null | undefined,
  b: string | null | undefined,
  sign: number,
  compare: (a: string, b: string) => number,
): number {
  const [left, right] = [a ?? undefined, b ?? undefined];
  if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
  return sign * compare(left, right);
}

/** Compares values as PostgreSQL prints them; of instants in UTC the text order is that of time. Buckets fit a double. */
function storedOrder(cast: 'timestamptz' | 'text' | 'float8' | 'int8'): (a: string, b: string) => number {
  return cast === 'timestamptz' || cast === 'text' ? byText : byNumber;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function byNumber(a: string, b: string): number {
  const [left, right] = [Number(a), Number(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

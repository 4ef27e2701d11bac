import { parseFhirDate } from '../../fhir/dates.ts';
import { anyOf, type Bound, type Condition, holdsBound } from '../condition.ts';
import type { ValueMatch } from '../match.ts';
import type { SearchElement } from '../registry.ts';
import { type FactPlace, isRecord, type PlanContext, type Sink } from '../sink.ts';
import { type SearchValue, unescape } from '../values.ts';
import { type DateValue, parseDateValue } from './date-value.ts';
import { blindDateCondition, extractBlindDate, isBlindDate } from './blind-date.ts';

/** A half-open interval in epoch ms; open ends are ±Infinity. */
export type Interval = { readonly lo: number; readonly hi: number };

/** Date parameters keep each value as the interval it stands for. @see https://hl7.org/fhir/R4/search.html#date */
export function extractDate(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  if (isBlindDate(element.path)) {
    if (typeof value === 'string') extractBlindDate(element, value, sink);
    return;
  }
  addDate({ param: element.number, pair: 0n }, value, type, sink);
}

/** Adds the value's interval, once; what is no date is left out. */
export function addDate({ param, pair }: FactPlace, value: unknown, type: string, sink: Sink): void {
  const interval = intervalOf(value, type);
  if (interval === undefined) return;
  const { lo, hi } = interval;
  const known = sink.facts.dates.some((fact) => fact.param === param && fact.pair === pair && fact.lo === lo && fact.hi === hi);
  if (!known) sink.facts.dates.push({ param, pair, lo, hi });
}

/** date, dateTime, instant, Period (open ends reach to infinity), Timing (from its first to its last event or its bounds). */
export function intervalOf(value: unknown, type: string): Interval | undefined {
  if (typeof value === 'string') {
    const date = parseFhirDate(value);
    return date === undefined ? undefined : { lo: date.from, hi: date.until };
  }
  if (!isRecord(value)) return undefined;
  return type === 'Timing' ? timingInterval(value) : periodInterval(value);
}

function periodInterval(period: Readonly<Record<string, unknown>>): Interval | undefined {
  const start = typeof period.start === 'string' ? parseFhirDate(period.start) : undefined;
  const end = typeof period.end === 'string' ? parseFhirDate(period.end) : undefined;
  if (start === undefined && end === undefined) return undefined;
  return { lo: start?.from ?? Number.NEGATIVE_INFINITY, hi: end?.until ?? Number.POSITIVE_INFINITY };
}

function timingInterval(timing: Readonly<Record<string, unknown>>): Interval | undefined {
  const events = (Array.isArray(timing.event) ? timing.event : []).flatMap((event) =>
    typeof event === 'string' ? (parseFhirDate(event) ?? []) : [],
  );
  const bounds = isRecord(timing.repeat) && isRecord(timing.repeat.boundsPeriod) ? periodInterval(timing.repeat.boundsPeriod) : undefined;
  const intervals = [...events.map(({ from, until }) => ({ lo: from, hi: until })), ...(bounds === undefined ? [] : [bounds])];
  if (intervals.length === 0) return undefined;
  return { lo: Math.min(...intervals.map(({ lo }) => lo)), hi: Math.max(...intervals.map(({ hi }) => hi)) };
}

/** An instant is a point: it is asked of a column as such. @see https://hl7.org/fhir/R4/search.html#date */
function instantMatch(value: SearchValue, param: string, context: PlanContext): ValueMatch {
  const { prefix, from, until } = parseDateValue(unescape(value.text), param);
  const condition = timeCondition('clinical_at', { prefix, from, until }, context.now);
  const test = (found: unknown, type: string): boolean => {
    const { lo } = intervalOf(found, type) ?? {};
    return lo !== undefined && holdsAt(condition, lo);
  };
  return { condition, decided: true, test };
}

function holdsAt(condition: Condition, ms: number): boolean {
  switch (condition.kind) {
    case 'updated':
      return holdsBound({ lo: ms, hi: ms }, { column: 'lo', operator: condition.operator, value: condition.ms });
    case 'not':
      return !holdsAt(condition.of, ms);
    case 'and':
      return condition.of.every((part) => holdsAt(part, ms));
    default:
      throw new Error('a time is bounded by nothing else');
  }
}

/** Blind dates are kept by the day: a search value with a time is compared again after opening. */
export function dateMatch(element: SearchElement, value: SearchValue, param: string, context: PlanContext): ValueMatch {
  if (element.audited === 'column') return instantMatch(value, param, context);
  const date = parseDateValue(unescape(value.text), param);
  const alternatives = alternativesOf(date, context.now);
  const test = (found: unknown, type: string): boolean => isWithin(intervalOf(found, type), alternatives);
  if (isBlindDate(element.path)) return { condition: blindDateCondition(element, date, context), decided: date.dayPrecise, test };
  return { condition: anyOf(alternatives.map((bounds) => factOf(element, bounds))), decided: true, test };
}

function factOf(element: SearchElement, bounds: readonly Bound[]): Condition {
  return { kind: 'fact', table: 'fact_date', params: [element.number], bounds };
}

function isWithin(interval: Interval | undefined, alternatives: readonly (readonly Bound[])[]): boolean {
  return interval !== undefined && alternatives.some((bounds) => bounds.every((bound) => holdsBound(interval, bound)));
}

/**
 * The prefixes as bounds on a stored interval [lo, hi), by the specification's ranges: `eq`, the search interval contains the
 * stored one; `gt`, the stored one reaches above it; `sa`, it starts after it; `ap`, they overlap when the search interval is
 * widened by a tenth of its distance from now.
 *
 * @returns alternatives, each a list of bounds that must all hold
 * @see     https://hl7.org/fhir/R4/search.html#prefix
 */
function alternativesOf(date: DateValue, now: number): readonly (readonly Bound[])[] {
  const { from, until } = date;
  const all = (...bounds: Bound[]): Bound[][] => [bounds];
  switch (date.prefix) {
    case 'eq':
      // An interval that begins there ends after it, which the index can ride.
      return all(
        { column: 'hi', operator: '>', value: from },
        { column: 'hi', operator: '<=', value: until },
        { column: 'lo', operator: '>=', value: from },
      );
    case 'ne':
      return [[{ column: 'lo', operator: '<', value: from }], [{ column: 'hi', operator: '>', value: until }]];
    case 'gt':
      return all({ column: 'hi', operator: '>', value: until });
    case 'lt':
      return all({ column: 'lo', operator: '<', value: from });
    case 'ge':
      return all({ column: 'hi', operator: '>', value: from });
    case 'le':
      return all({ column: 'lo', operator: '<', value: until });
    case 'sa':
      return all({ column: 'hi', operator: '>', value: until }, { column: 'lo', operator: '>=', value: until });
    case 'eb':
      return all({ column: 'hi', operator: '<=', value: from });
    case 'ap': {
      const slack = Math.abs(now - (from + until) / 2) * 0.1;
      return all({ column: 'lo', operator: '<', value: until + slack }, { column: 'hi', operator: '>', value: from - slack });
    }
  }
}

/** `_lastUpdated` as a condition on the row's own column: a stored instant is a point. */
export function updatedCondition(value: SearchValue, context: PlanContext): Condition {
  return timeCondition('last_updated', parseDateValue(unescape(value.text), '_lastUpdated'), context.now);
}

function timeCondition(
  column: 'last_updated' | 'clinical_at',
  { prefix, from, until }: Pick<DateValue, 'prefix' | 'from' | 'until'>,
  now: number,
): Condition {
  const at = (operator: Bound['operator'], ms: number): Condition => ({ kind: 'updated', column, operator, ms });
  const within = (lo: number, hi: number): Condition => ({ kind: 'and', of: [at('>=', lo), at('<', hi)] });
  switch (prefix) {
    case 'eq':
      return within(from, until);
    case 'ne':
      return { kind: 'not', of: within(from, until) };
    case 'gt':
    case 'sa':
      return at('>=', until);
    case 'lt':
    case 'eb':
      return at('<', from);
    case 'ge':
      return at('>=', from);
    case 'le':
      return at('<', until);
    case 'ap': {
      const slack = Math.abs(now - (from + until) / 2) * 0.1;
      return within(from - slack, until + slack);
    }
  }
}

import { token } from '../../encryption/token.ts';
import { parseFhirDate } from '../../fhir/dates.ts';
import { type Condition, nothing } from '../condition.ts';
import type { SearchElement } from '../registry.ts';
import type { PlanContext, Sink } from '../sink.ts';
import type { DateValue } from './date-value.ts';

/**
 * Birth and death dates of persons never stand in clear, so they have no range index. Each leaves a token for every calendar
 * unit that contains it (millennium … day) and one that marks its own precision; a range becomes a cover of such units.
 * A date of 1970 has the node `year 1970` and the marker `year 1970`; 1970-06-15 has nodes down to its day.
 */
const units = ['millennium', 'century', 'decade', 'year', 'month', 'day'] as const;
type Unit = (typeof units)[number];

/** Nodes and markers a cover may need: 31 days, 11 months, 9 each of years, decades, centuries and millennia, on one side of a boundary. */
const coverMax = 128;

export function isBlindDate(path: string): boolean {
  // However a parameter that was added writes it: `Patient.birthDate[0]`.
  return /\.birthDate\b/.test(path) || /^Patient\.deceased\b/.test(path);
}

export function extractBlindDate(element: SearchElement, text: string, sink: Sink): void {
  const date = parseFhirDate(text);
  if (date === undefined) return;
  const own: Unit = date.precision === 'year' || date.precision === 'month' ? date.precision : 'day';
  const label = labelsAt(date.from);
  for (const unit of units.slice(0, units.indexOf(own) + 1)) sink.tokens.add(['d', element.path, 'in', unit, label[unit]]);
  sink.tokens.add(['d', element.path, 'of', own, label[own]]);
  const year = BigInt(new Date(date.from).getUTCFullYear());
  sink.facts.sorts.push({ param: element.number, low: year, high: year });
}

/**
 * Day precision is all that is kept. A search value with a time finds all days that may match: the opened value decides.
 */
export function blindDateCondition(element: SearchElement, date: DateValue, context: PlanContext): Condition {
  const start = dayStart(date.from);
  const end = dayStart(date.until - 1) + dayMs;
  const cover = (from: number, until: number, edges: readonly number[]): Condition => {
    const nodes = coverOf(from, until).map(({ unit, label }) => token(context.key, 'd', element.path, 'in', unit, label));
    const markers = edges.flatMap(straddling).map(({ unit, label }) => token(context.key, 'd', element.path, 'of', unit, label));
    const tokens = [...new Set([...nodes, ...markers])];
    return tokens.length === 0 ? nothing : { kind: 'any-token', tokens };
  };
  const known: Condition = { kind: 'all-tokens', tokens: [token(context.key, 'p', element.path)] };
  const equal = date.dayPrecise ? cover(start, end, []) : nothing;
  switch (date.prefix) {
    case 'eq':
      return cover(start, end, []);
    case 'ne':
      return { kind: 'and', of: [known, { kind: 'not', of: equal }] };
    case 'gt':
      return cover(date.dayPrecise ? end : start, lastDay, [date.dayPrecise ? end : start]);
    case 'lt':
      return cover(firstDay, date.dayPrecise ? start : end, [date.dayPrecise ? start : end]);
    case 'ge':
      return cover(start, lastDay, [start]);
    case 'le':
      return cover(firstDay, end, [end]);
    case 'sa':
      return cover(date.dayPrecise ? end : start, lastDay, []);
    case 'eb':
      return cover(firstDay, date.dayPrecise ? start : end, []);
    case 'ap': {
      const slack = Math.abs(context.now - (date.from + date.until) / 2) * 0.1;
      const from = Math.max(firstDay, dayStart(date.from - slack));
      const until = Math.min(lastDay, dayStart(date.until + slack) + dayMs);
      return cover(from, until, [from, until]);
    }
  }
}

const dayMs = 86_400_000;
const firstDay = utc(1, 0, 1);
const lastDay = utc(10_000, 0, 1);

function utc(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  return date.getTime();
}

const dayStart = (ms: number): number => Math.floor(ms / dayMs) * dayMs;

function labelsAt(ms: number): Record<Unit, string> {
  const text = new Date(ms).toISOString();
  return {
    millennium: text.slice(0, 1),
    century: text.slice(0, 2),
    decade: text.slice(0, 3),
    year: text.slice(0, 4),
    month: text.slice(0, 7),
    day: text.slice(0, 10),
  };
}

/** The first moment after the unit that holds `ms`. Years before 1 don't exist, so the first millennium is year 0 to 999. */
function unitEnd(unit: Unit, ms: number): number {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  switch (unit) {
    case 'day':
      return dayStart(ms) + dayMs;
    case 'month':
      return utc(year, date.getUTCMonth() + 1, 1);
    default: {
      const span = unit === 'year' ? 1 : unit === 'decade' ? 10 : unit === 'century' ? 100 : 1000;
      return utc((Math.floor(year / span) + 1) * span, 0, 1);
    }
  }
}

function unitStart(unit: Unit, ms: number): number {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  if (unit === 'day') return dayStart(ms);
  if (unit === 'month') return utc(year, date.getUTCMonth(), 1);
  const span = unit === 'year' ? 1 : unit === 'decade' ? 10 : unit === 'century' ? 100 : 1000;
  return Math.max(firstDay, utc(Math.floor(year / span) * span, 0, 1));
}

type Node = { readonly unit: Unit; readonly label: string };

/** The fewest units that tile [from, until), both at day starts: at each step the largest that begins here and fits. */
export function coverOf(from: number, until: number): Node[] {
  const nodes: Node[] = [];
  for (let at = Math.max(from, firstDay); at < Math.min(until, lastDay); ) {
    const here = at;
    const unit = units.find((candidate) => unitStart(candidate, here) === here && unitEnd(candidate, here) <= until) ?? 'day';
    nodes.push({ unit, label: labelsAt(here)[unit] });
    at = unitEnd(unit, here);
    if (nodes.length > coverMax) throw new Error('a calendar cover grew beyond its bound');
  }
  return nodes;
}

/** Years and months that the boundary cuts: a date known only to one of them lies on both sides. */
function straddling(boundary: number): Node[] {
  if (boundary <= firstDay || boundary >= lastDay) return [];
  const label = labelsAt(boundary);
  return (['year', 'month'] as const)
    .filter((unit) => unitStart(unit, boundary) !== boundary)
    .map((unit) => ({ unit, label: label[unit] }));
}

import { parseFhirDate } from '../../fhir/dates.ts';
import { CannotTell, type Evaluation, spend, type Truth } from './expression.ts';
import { type Item, type Items, type Type, written } from './item.ts';

/**
 * `left = right`. Nothing on one side gives nothing; collections are equal item by item, in order.
 *
 * @see https://hl7.org/fhirpath/N1/#equality
 */
export function equal(left: Items, right: Items, evaluation: Evaluation): Truth {
  if (left.length === 0 || right.length === 0) return undefined;
  if (left.length !== right.length) return false;
  let answer: Truth = true;
  for (let index = 0; index < left.length; index++) {
    const truth = equalItems(left[index] as Item, right[index] as Item, evaluation);
    if (truth === false) return false;
    if (truth === undefined) answer = undefined;
  }
  return answer;
}

export function equalItems(left: Item, right: Item, evaluation: Evaluation): Truth {
  if (left.type.kind !== 'object' && right.type.kind !== 'object') {
    if (left.value === undefined || right.value === undefined) return undefined;
    if (left.value === right.value) return true;
    if (left.type.kind !== right.type.kind) return written(left.value) === written(right.value);
    if (left.type.kind !== 'date') return left.value === right.value;
    const order = compareDates(written(left.value), written(right.value));
    return order === undefined ? undefined : order === 0;
  }
  // An element is no text: R4 compares the two in places, which is false.
  if (left.type.kind !== right.type.kind) return false;
  if (left.value === right.value) return true;
  const same = isSame(left.value, right.value, evaluation);
  if (same || !isQuantity(left.type) || !isQuantity(right.type)) return same;
  const order = compareQuantities(left.value, right.value, evaluation);
  return order === undefined ? undefined : order === 0;
}

/** Whether two values have the same members and items. */
function isSame(left: unknown, right: unknown, evaluation: Evaluation): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  spend(evaluation, 1);
  const names = Object.keys(left);
  const others = right as Readonly<Record<string, unknown>>;
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => isSame((left as Readonly<Record<string, unknown>>)[name], others[name], evaluation));
}

/** `~`: texts regardless of case and spaces, collections in any order. @see https://hl7.org/fhirpath/N1/#equivalence */
export function equivalent(left: Items, right: Items, evaluation: Evaluation): boolean {
  if (left.length !== right.length) return false;
  const rest = [...right];
  return left.every((item) => {
    const at = rest.findIndex((other) => equivalentItems(item, other, evaluation));
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
}

function equivalentItems(left: Item, right: Item, evaluation: Evaluation): boolean {
  spend(evaluation, 1);
  const areTexts = left.type.kind === 'text' && right.type.kind === 'text';
  if (areTexts) return normalized(written(left.value)) === normalized(written(right.value));
  return equalItems(left, right, evaluation) === true;
}

function normalized(value: string): string {
  return value.trim().replace(/\s+/g, ' ').toLowerCase();
}

/**
 * Which of two values is the greater one, for `<` and its like.
 *
 * @returns  negative, 0 or positive; undefined if their precisions, or what is missing, leave it open
 */
export function order(left: Item, right: Item, evaluation: Evaluation): number | undefined {
  if (left.value === undefined || right.value === undefined) return undefined;
  const { kind } = left.type;
  if (kind === right.type.kind) {
    if (kind === 'number') return Number(left.value) - Number(right.value);
    if (kind === 'date') return compareDates(written(left.value), written(right.value));
    if (kind === 'text' || kind === 'time') return left.value === right.value ? 0 : written(left.value) < written(right.value) ? -1 : 1;
    if (isQuantity(left.type) && isQuantity(right.type)) return compareQuantities(left.value, right.value, evaluation);
  }
  throw new CannotTell(`${left.type.name} and ${right.type.name} have no order`);
}

/**
 * By the parts both name: a day and a moment within it are neither equal nor one before the other.
 *
 * @see https://hl7.org/fhirpath/N1/#comparison
 */
function compareDates(left: string, right: string): number | undefined {
  const first = parseFhirDate(left);
  const second = parseFhirDate(right);
  if (first === undefined || second === undefined) return undefined;
  if (first.until <= second.from) return -1;
  if (second.until <= first.from) return 1;
  // Seconds and their fraction are one part.
  if (isMoment(first.precision) && isMoment(second.precision)) return first.from - second.from;
  return first.precision === second.precision ? 0 : undefined;
}

function isMoment(precision: string): boolean {
  return precision === 'second' || precision === 'fraction';
}

const QUANTITIES = new Set(['Quantity', 'SimpleQuantity', 'Age', 'Count', 'Distance', 'Duration', 'Money', 'MoneyQuantity']);

function isQuantity({ name }: Type): boolean {
  return QUANTITIES.has(name);
}

type Quantity = {
  readonly value?: unknown;
  readonly code?: unknown;
  readonly unit?: unknown;
  readonly system?: unknown;
  readonly currency?: unknown;
};

const UCUM = 'http://unitsofmeasure.org';

function compareQuantities(left: unknown, right: unknown, { scope }: Evaluation): number | undefined {
  const first = left as Quantity;
  const second = right as Quantity;
  if (typeof first.value !== 'number' || typeof second.value !== 'number') return undefined;
  if (unitOf(first) === unitOf(second)) return first.value - second.value;
  if (first.system !== UCUM || second.system !== UCUM) throw new CannotTell('units that are not UCUM');
  const one = scope.inCanonical?.(first.value, String(first.code));
  const other = scope.inCanonical?.(second.value, String(second.code));
  if (one === undefined || other === undefined) throw new CannotTell('units that are not known');
  if (one.unit !== other.unit) return undefined;
  const difference = one.value - other.value;
  return Math.abs(difference) <= one.error + other.error ? 0 : difference;
}

function unitOf({ code, unit, system, currency }: Quantity): string {
  return JSON.stringify([code === undefined ? (unit ?? null) : code, system ?? null, currency ?? null]);
}

/** The same for items that are equal, where that is certain: what makes a collection distinct is asked of many items at once. */
export function identity(item: Item, evaluation: Evaluation): string {
  spend(evaluation, 1);
  const { value, type } = item;
  if (typeof value === 'string') spend(evaluation, value.length >> 5);
  if (type.kind === 'object') {
    const text = sorted(value);
    spend(evaluation, text.length >> 5);
    return text;
  }
  if (value === undefined) return `extension ${sorted(item.extra)}`;
  if (type.kind !== 'date') return `= ${written(value)}`;
  const interval = parseFhirDate(written(value));
  return interval !== undefined && isMoment(interval.precision) ? `@ ${interval.from}` : `= ${written(value)}`;
}

/** As JSON, with the members of each object in one order. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

export function distinct(items: Items, evaluation: Evaluation): Items {
  if (items.length < 2) return items;
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = identity(item, evaluation);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

export function identities(items: Items, evaluation: Evaluation): ReadonlySet<string> {
  return new Set(items.map((item) => identity(item, evaluation)));
}

import type { Queryable } from '../storage/database.ts';
import { findVersions, foundVersion, type FoundVersion } from '../storage/rows.ts';
import type { OpenedFound, Opener } from '../storage/sealing.ts';
import { statement } from '../storage/sql.ts';
import { badRequest, FhirError, issue } from '../fhir/error.ts';
import { formatInstant } from '../fhir/dates.ts';
import { byCodePoint, sortedParts } from './extract.ts';
import {
  type Bucket,
  bucketStatement,
  countStatement,
  missingStatement,
  pageStatement,
  type Plan,
  type Position,
  sortsByBucket,
  type Statement,
} from './plan.ts';
import type { SearchElement } from './registry.ts';
import { intervalOf } from './types/date.ts';

export type Page = {
  readonly rows: readonly OpenedFound[];
  /** Where the next page begins; absent on the last. */
  readonly next?: Position;
};

/** A bucket of equal sort prefixes larger than this is not sorted by opening it. */
const bucketRowsMax = 2000;
/** How many rows a page may open and refuse before it ends short: a bound on what one request costs. */
const recheckRowsMax = 20_000;

/** Reads one page of `size` rows. Where tokens can't decide, it reads on and opens until the page is full. */
export async function runSearch(db: Queryable, plan: Plan, after: Position | undefined, size: number, open: Opener): Promise<Page> {
  if (plan.sort !== undefined && sortsByBucket(plan.sort.param)) return bucketPage(db, plan, after, size, open);
  const found: { row: OpenedFound; position: Position }[] = [];
  let from = after;
  for (let read = 0; ; ) {
    const rows = await fetchRows(db, pageStatement(plan, from, size + 1));
    const opened = await open(rows.map(({ version }) => version));
    opened.forEach((row, at) => {
      const position = { value: rows[at]?.sortValue ?? null, rid: row.rid };
      if (passes(plan, row)) found.push({ row, position });
      from = position;
    });
    read += rows.length;
    if (found.length > size || rows.length <= size) break;
    if (read > recheckRowsMax) throw tooManyCandidates();
  }
  return pageOf(found, size);
}

/** Counts all matches: by SQL alone, or where rows must be opened, by opening them up to a bound. */
export async function countMatches(db: Queryable, plan: Plan, open: Opener, candidatesMax: number): Promise<number> {
  if (plan.rechecks.length === 0) {
    const { text, values } = countStatement(plan);
    const { rows } = await db.query<{ n: string }>(statement(text, values));
    return Number(rows[0]?.n);
  }
  const rows = await fetchRows(db, pageStatement({ ...plan, sort: undefined as never }, undefined, candidatesMax + 1));
  if (rows.length > candidatesMax) throw tooManyCandidates();
  const opened = await open(rows.map(({ version }) => version));
  return opened.filter((row) => passes(plan, row)).length;
}

type FetchedRow = { readonly version: FoundVersion; readonly sortValue: string | null };

async function fetchRows(db: Queryable, { text, values }: Statement): Promise<FetchedRow[]> {
  const rows = await findVersions(db, text, values);
  return rows.map((row) => ({ version: foundVersion(row), sortValue: typeof row[6] === 'string' ? row[6] : null }));
}

/** A row is parsed again only if a test needs it. */
function passes(plan: Plan, row: OpenedFound): boolean {
  if (row.erased) return false;
  if (plan.rechecks.length === 0) return true;
  const resource = JSON.parse(row.json.toString('utf8')) as object;
  return plan.rechecks.every((recheck) => recheck(resource));
}

function pageOf(found: readonly { row: OpenedFound; position: Position }[], size: number): Page {
  const rows = found.slice(0, size).map(({ row }) => row);
  const last = found[size - 1];
  return found.length > size && last !== undefined ? { rows, next: last.position } : { rows };
}

/** Blind strings: whole buckets are opened and sorted, so that the page's order is exact though the index knows two letters. */
async function bucketPage(db: Queryable, plan: Plan, after: Position | undefined, size: number, open: Opener): Promise<Page> {
  const found: { row: OpenedFound; position: Position }[] = [];
  const limit = size + 1;
  // The bucket that `after` is in is read again, for what follows it there; each later statement begins at the next bucket.
  let bucket: Bucket | undefined = after?.value == null ? undefined : { value: after.value, included: true };
  let read = 0;
  for (let more = after?.value !== null; more && found.length <= size; ) {
    const rows = await fetchRows(db, bucketStatement(plan, bucket, limit, limit + bucketRowsMax + 1));
    if (rows.length > limit + bucketRowsMax) throw bucketTooLarge(plan);
    const sorted = await sortBuckets(plan, rows, open);
    found.push(...sorted.filter(({ row, position }) => isAfter(position, after, plan) && passes(plan, row)));
    const last = sorted.at(-1)?.position.value;
    more = rows.length >= limit && last != null;
    if (last != null) bucket = { value: last, included: false };
    read += rows.length;
    if (read > recheckRowsMax) throw tooManyCandidates();
  }
  let from = after?.value === null ? after : undefined;
  for (let more = true; more && found.length <= size; ) {
    const missing = await fetchRows(db, missingStatement(plan, from, limit));
    const opened = await open(missing.map(({ version }) => version));
    for (const row of opened) {
      from = { value: null, rid: row.rid };
      if (passes(plan, row)) found.push({ row, position: from });
    }
    more = missing.length === limit;
    read += missing.length;
    if (read > recheckRowsMax) throw tooManyCandidates();
  }
  return pageOf(found, size);
}

type Sorted = { readonly row: OpenedFound; readonly position: Position };

async function sortBuckets(plan: Plan, rows: readonly FetchedRow[], open: Opener): Promise<Sorted[]> {
  const opened = await open(rows.map(({ version }) => version));
  const sorted = opened.map((row, at) => ({
    row,
    position: { value: rows[at]?.sortValue ?? null, rid: row.rid, text: sortText(plan, row) },
  }));
  return sorted.sort((a, b) => comparePositions(a.position, b.position, plan));
}

function sortText(plan: Plan, row: OpenedFound): string {
  if (row.erased) return '';
  const resource = JSON.parse(row.json.toString('utf8')) as object;
  const { param, descending } = plan.sort ?? {};
  const parts = (param?.elements ?? []).flatMap(({ element }) =>
    element.kind === 'date' ? momentsOf(element, resource, descending === true) : sortedParts(element, resource),
  );
  parts.sort(byCodePoint);
  return (descending ? parts.at(-1) : parts[0]) ?? '';
}

/** A date sorts by its first moment, descending by its last, as other dates do by their facts; written so that text order is time order. */
function momentsOf(element: SearchElement, resource: object, last: boolean): string[] {
  const moments: string[] = [];
  element.each(resource, (value, type) => {
    const interval = intervalOf(value, type);
    if (interval !== undefined) moments.push(formatInstant(last ? interval.hi - 1 : interval.lo));
  });
  return moments;
}

function comparePositions(a: Position, b: Position, plan: Plan): number {
  const sign = plan.sort?.descending ? -1 : 1;
  const bucket = BigInt(a.value ?? 0) - BigInt(b.value ?? 0);
  if (bucket !== 0n) return bucket < 0n ? -sign : sign;
  return sign * (byCodePoint(a.text ?? '', b.text ?? '') || a.rid - b.rid);
}

function isAfter(position: Position, from: Position | undefined, plan: Plan): boolean {
  return from === undefined || comparePositions(position, from, plan) > 0;
}

function tooManyCandidates(): FhirError {
  return new FhirError(400, [
    issue(
      'too-costly',
      'search-too-many-candidates',
      'Too many resources would have to be opened to answer this search. Add a clause that selects fewer, or search by a longer beginning of the text.',
    ),
  ]);
}

function bucketTooLarge(plan: Plan): FhirError {
  return badRequest(
    'search-sort-too-costly',
    `Too many resources have nearly the same "${plan.sort?.param.code}" to sort them. Add a clause that selects fewer, or sort by another parameter.`,
    undefined,
    'too-costly',
  );
}

import { badRequest, type FhirError } from '../fhir/error.ts';
import type { Queryable } from '../storage/database.ts';
import { relationOf } from '../storage/relations.ts';
import { findVersions, foundVersion, type FoundVersion } from '../storage/rows.ts';
import type { OpenedFound, Opener } from '../storage/sealing.ts';
import { statement } from '../storage/sql.ts';
import type { Statistics } from '../storage/statistics.ts';
import { type Plan, unsorted } from './plan.ts';
import { comparePositions, type From, isOpened, isWithin, type Position, type Segment, segmentsFrom } from './position.ts';
import { countStatement, groupRowsMax, groupsStatement, pageStatement, segmentStatement, type Statement } from './statements.ts';
import { type Way, wayOf } from './way.ts';

export type Page = {
  readonly rows: readonly OpenedFound[];
  /** Where the next page begins, and where the one before it ends; absent on the last and on the first. */
  readonly next?: From;
  readonly previous?: From;
};

/** How many rows a page may open and refuse before it ends short: a bound on what one request costs. */
const recheckRowsMax = 20_000;
/** How many rows are read at a time where many are refused. */
const batchRows = 1_000;

/**
 * Reads one page of `size` rows. Where tokens can't decide, it reads on and opens until the page is full.
 *
 * @param statistics  how frequent tokens are: without them PostgreSQL alone decides how rows are looked for
 * @throws            FhirError 400 `too-costly` where more would have to be opened than one request may
 */
export async function runSearch(
  db: Queryable,
  plan: Plan,
  from: From | undefined,
  size: number,
  open: Opener,
  statistics?: Pick<Statistics, 'of'>,
): Promise<Page> {
  const reading: Reading = { db, plan, open, statistics, backwards: from?.backwards === true, wanted: size + 1, found: [], read: 0 };
  const segments = segmentsFrom(plan.sort, from);
  if (segments.some(isOpened)) {
    for (const segment of segments) {
      if (reading.found.length >= reading.wanted) break;
      await (isOpened(segment) ? readGroups(reading, segment, from) : readInOrder(reading, from, segment));
    }
  } else {
    await readInOrder(reading, from);
  }
  return pageOf(reading.found, from, size);
}

/** Counts all matches: by SQL alone, or where rows must be opened, by opening them up to a bound. */
export async function countMatches(db: Queryable, plan: Plan, open: Opener, candidatesMax: number): Promise<number> {
  if (plan.rechecks.length === 0 && plan.sift === undefined) {
    const { text, values } = countStatement(plan);
    const { rows } = await db.query<{ n: string }>(statement(text, values));
    return Number(rows[0]?.n);
  }
  const all = unsorted(plan);
  let count = 0;
  let read = 0;
  for (let from: From | undefined; ; ) {
    const rows = await fetchRows(db, all, pageStatement(all, from, batchRows));
    read += rows.length;
    if (read > candidatesMax) throw tooManyCandidates();
    const opened = await open(rows.map(({ version }) => version));
    count += (await matchesIn(plan, opened)).reduce((sum, matches) => sum + matches, 0);
    const last = rows.at(-1);
    if (last === undefined || rows.length < batchRows) return count;
    from = { position: { values: [], rid: last.version.rid } };
  }
}

type FetchedRow = { readonly version: FoundVersion; readonly values: readonly (string | null)[] };

type Found = { readonly row: OpenedFound; readonly position: Position };

/** A page while it is read. */
type Reading = {
  readonly db: Queryable;
  readonly plan: Plan;
  readonly open: Opener;
  readonly statistics: Pick<Statistics, 'of'> | undefined;
  readonly backwards: boolean;
  readonly wanted: number;
  readonly found: Found[];
  /** Rows that were opened. */
  read: number;
};

async function fetchRows(db: Queryable, plan: Plan, { text, values }: Statement): Promise<FetchedRow[]> {
  const rows = await findVersions(db, text, values, plan.anew);
  return rows.map((row) => ({
    version: foundVersion(row),
    values: plan.sort.map((_, at) => (typeof row[6 + at] === 'string' ? (row[6 + at] as string) : null)),
  }));
}

/** How many matches each opened row stands for. */
async function matchesIn(plan: Plan, rows: readonly OpenedFound[]): Promise<readonly number[]> {
  const passed = rows.map((row) => passes(plan, row));
  if (plan.sift === undefined) return passed.map(Number);
  const matches = await plan.sift(rows.filter((_, at) => passed[at]));
  let next = 0;
  return passed.map((passes) => (passes ? (matches[next++] ?? 0) : 0));
}

/** A row is parsed again only if a test needs it. */
function passes(plan: Plan, row: OpenedFound): boolean {
  if (row.erased) return false;
  if (plan.rechecks.length === 0) return true;
  const resource = JSON.parse(row.json.toString('utf8')) as object;
  return plan.rechecks.every((recheck) => recheck(resource));
}

function wayOfReading({ plan, statistics }: Reading, limit: number): Way {
  return statistics === undefined ? { kind: 'free' } : wayOf(plan, limit, statistics.of(relationOf(plan.type)));
}

/** Rows come in their order: of one segment, or of all that are left. */
async function readInOrder(reading: Reading, begin: From | undefined, segment?: Segment): Promise<void> {
  const { db, plan, open, found, wanted } = reading;
  for (let from = begin, limit = wanted; ; limit = Math.min(Math.max(2 * limit, wanted), Math.max(batchRows, wanted))) {
    const way = wayOfReading(reading, limit);
    const asked = segment === undefined ? pageStatement(plan, from, limit, way) : segmentStatement(plan, segment, from, limit, way);
    const rows = await fetchRows(db, plan, asked);
    const opened = await open(rows.map(({ version }) => version));
    const matches = await matchesIn(plan, opened);
    opened.forEach((row, at) => {
      const position = { values: rows[at]?.values ?? [], rid: row.rid };
      if (matches[at] !== 0) found.push({ row, position });
      from = { position, ...(reading.backwards ? { backwards: true } : {}) };
    });
    if (found.length >= wanted || rows.length < limit) return;
    countRead(reading, rows.length);
  }
}

/** Whole groups of rows that the stored values don't tell apart are opened and sorted, so that the page's order is exact. */
async function readGroups(reading: Reading, segment: Segment, begin: From | undefined): Promise<void> {
  const { db, plan, found, wanted, backwards } = reading;
  const after = begin !== undefined && isWithin(segment, begin.position) ? begin : undefined;
  // The group that `after` is in is read again, for what follows it there; each later statement begins at the next group.
  let from: From | undefined = after === undefined ? begin : { ...after, inclusive: true };
  for (;;) {
    const bounds = { limit: wanted, rowsMax: wanted + groupRowsMax + 1 };
    const rows = await fetchRows(db, plan, groupsStatement(plan, segment, from, bounds, wayOfReading(reading, wanted)));
    if (rows.length > wanted + groupRowsMax) throw groupTooLarge(segment);
    const sorted = await sortGroups(reading, segment, rows);
    found.push(...sorted.filter(({ row, position }) => isBeyond(position, after, segment) && passes(plan, row)));
    const last = sorted.at(-1);
    if (found.length >= wanted || last === undefined || rows.length < wanted) return;
    from = { position: last.position, ...(backwards ? { backwards: true } : {}) };
    countRead(reading, rows.length);
  }
}

async function sortGroups({ plan, open, backwards }: Reading, segment: Segment, rows: readonly FetchedRow[]): Promise<Found[]> {
  const opened = await open(rows.map(({ version }) => version));
  const found = opened.map((row, at) => ({
    row,
    position: { values: rows[at]?.values ?? [], texts: textsOf(plan, row), rid: row.rid },
  }));
  const sign = backwards ? -1 : 1;
  return found.sort((a, b) => sign * comparePositions(segment, a.position, b.position));
}

function textsOf({ sort }: Plan, row: OpenedFound): (string | null)[] {
  if (row.erased) return sort.map(() => null);
  const resource = JSON.parse(row.json.toString('utf8')) as object;
  return sort.map(({ textOf }) => textOf?.(resource) ?? null);
}

function isBeyond(position: Position, after: From | undefined, segment: Segment): boolean {
  if (after === undefined) return true;
  const order = comparePositions(segment, position, after.position) * (after.backwards ? -1 : 1);
  return order > 0 || (order === 0 && after.inclusive === true);
}

function countRead(reading: Reading, rows: number): void {
  reading.read += rows;
  if (reading.read > recheckRowsMax) throw tooManyCandidates();
}

/** @param found  in reading order, with the first row of the page that follows it in that direction, if there is one */
function pageOf(found: readonly Found[], from: From | undefined, size: number): Page {
  const backwards = from?.backwards === true;
  const inOrder = backwards ? found.slice(0, size).toReversed() : found.slice(0, size);
  const rows = inOrder.map(({ row }) => row);
  const more = found.length > size;
  const [first, last] = [inOrder[0]?.position, inOrder.at(-1)?.position];
  if (first === undefined || last === undefined) return { rows, ...aroundNothing(from) };
  return {
    rows,
    ...(more || backwards ? { next: { position: last } } : {}),
    ...((backwards ? more : from !== undefined) ? { previous: { position: first, backwards: true } as const } : {}),
  };
}

/** What a page has lost all rows of lies between: the way back leads to the place it was to begin at, that row included. */
function aroundNothing(from: From | undefined): Pick<Page, 'next' | 'previous'> {
  if (from === undefined) return {};
  const { position } = from;
  const inclusive = from.inclusive ? {} : ({ inclusive: true } as const);
  return from.backwards ? { next: { position, ...inclusive } } : { previous: { position, backwards: true, ...inclusive } };
}

function tooManyCandidates(): FhirError {
  return badRequest(
    'search-too-many-candidates',
    'Too many resources would have to be opened to answer this search. Add a clause that selects fewer, or search by a longer beginning of the text.',
    undefined,
    'too-costly',
  );
}

function groupTooLarge({ terms }: Segment): FhirError {
  const names = terms.map(({ code }) => `"${code}"`).join(', ');
  return badRequest(
    'search-sort-too-costly',
    `More than ${groupRowsMax} resources would have to be opened to sort them by ${names}. Add a clause that selects fewer, or sort by a date, a number, a quantity or _lastUpdated first.`,
    undefined,
    'too-costly',
  );
}

import { badRequest } from '../fhir/error.ts';
import type { Answer } from '../interactions/answer.ts';
import type { Call, Context } from '../interactions/context.ts';
import { assertCompartment, membersOf } from '../interactions/search-address.ts';
import { cursorScope, searchBundle } from '../interactions/search-bundle.ts';
import { type FromTypes, pageOfAll, type PageOfTypes, sourceOf } from '../interactions/search-types.ts';
import { fetchIncludes, type Included } from '../search/include.ts';
import { parseSearch } from '../search/parse.ts';
import type { Query } from '../search/query.ts';
import { runSearch } from '../search/run.ts';
import { noRows } from '../storage/filter.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import { type Asked, askedOf, recordSources, type RecordType, supportingTypes } from './everything-record.ts';
import type { Invocation, Level, Operation } from './operation.ts';

/**
 * The record of a patient, of all patients that the caller may see, or of an encounter: what is in the compartment, each type searched
 * by the caller's filter for it, and whatever that refers to, as far as he may read it.
 *
 * @see https://hl7.org/fhir/R4/patient-operation-everything.html, https://hl7.org/fhir/R4/encounter-operation-everything.html
 */
export const everythingOperations: readonly Operation[] = [
  operation('Patient', ['type', 'instance']),
  operation('Encounter', ['instance']),
];

function operation(type: RecordType, levels: readonly Level[]): Operation {
  return {
    code: 'everything',
    definition: `http://hl7.org/fhir/OperationDefinition/${type}-everything`,
    type,
    levels,
    beside: [{ name: '_page', min: 0, max: '1', type: 'string' }],
    run: (ctx, invocation) => everything(ctx, type, invocation),
  };
}

/** So many patients are looked through for one page at most. */
const recordsMax = 50;

/** Where a page begins: in which patient's record, by his row, and where in it. */
type FromRecord = { readonly record?: number; readonly inside?: FromTypes };

type PageOfRecords = { readonly rows: readonly OpenedFound[]; readonly next?: FromRecord };

async function everything(ctx: Context, type: RecordType, { call, id, args }: Invocation): Promise<Answer> {
  // What is listed is found and read.
  call.access.permit('r', type);
  call.access.permit('s', type);
  const asked = askedOf(ctx, call, type, args);
  const path = id === undefined ? `${type}/$everything` : `${type}/${id}/$everything`;
  if (id !== undefined) await assertCompartment(ctx, call, { type, id });
  const query = queryOf(ctx, type, asked);
  const scope = cursorScope(query, path);
  const from = asked.page === undefined ? undefined : (ctx.cursors.open(asked.page, scope, call.access.caller) as FromRecord);
  const page =
    id === undefined
      ? await pageOfRecords(ctx, call, type, asked, query, from)
      : await pageOfRecord(ctx, call, { type, id }, asked, query, from);
  const included = await supportOf(ctx, call, type, asked, page.rows);
  const whole = from === undefined && page.next === undefined;
  const next = page.next === undefined ? undefined : ctx.cursors.seal(page.next, scope, call.access.caller);
  const total = whole ? page.rows.length : undefined;
  return searchBundle(ctx, { query, path, issues: [], total, page, included, next, previous: undefined });
}

/** How the answer is made: as that of a search with these parameters. */
function queryOf(ctx: Context, type: RecordType, { count, page, understood }: Asked): Query {
  const { query } = parseSearch(
    type,
    [['_count', count === undefined ? String(ctx.config.pageSizeMax) : String(count)]],
    ctx.registry,
    ctx.config,
    false,
  );
  if (query.count === 0) throw badRequest('everything-invalid-count', '"_count" takes a whole number from 1.');
  return { ...query, understood, ...(page === undefined ? {} : { page }) };
}

async function pageOfRecord(
  ctx: Context,
  call: Call,
  record: { readonly type: RecordType; readonly id: string },
  asked: Asked,
  query: Query,
  from: FromRecord | undefined,
): Promise<PageOfRecords> {
  return wrapped(await pageOfAll(ctx, await recordSources(ctx, call, record, asked), query, from?.inside));
}

function wrapped({ rows, next }: PageOfTypes): PageOfRecords {
  return next === undefined ? { rows } : { rows, next: { inside: next } };
}

/** One record after the other, in the order of the patients' rows. What several of them hold comes once on a page. */
async function pageOfRecords(
  ctx: Context,
  call: Call,
  type: RecordType,
  asked: Asked,
  query: Query,
  from: FromRecord | undefined,
): Promise<PageOfRecords> {
  const rows = new Map<string, OpenedFound>();
  for (const [at, { id, rid }] of (await recordsFrom(ctx, call, type, from)).entries()) {
    if (rows.size >= query.count || at === recordsMax) return { rows: [...rows.values()], next: { record: rid } };
    const begin = at === 0 && from?.record === rid ? from.inside : undefined;
    const sources = await recordSources(ctx, call, { type, id }, asked);
    const page = await pageOfAll(ctx, sources, { ...query, count: query.count - rows.size }, begin);
    for (const row of page.rows) rows.set(`${row.type}/${row.id}`, row);
    if (page.next !== undefined) return { rows: [...rows.values()], next: { record: rid, inside: page.next } };
  }
  return { rows: [...rows.values()] };
}

/** The patients whose records come next, and one more. */
async function recordsFrom(ctx: Context, call: Call, type: RecordType, from: FromRecord | undefined): Promise<readonly OpenedFound[]> {
  const { query } = parseSearch(type, [], ctx.registry, ctx.config, false);
  const plan = await sourceOf(ctx, call, query).plan();
  const begin = from?.record === undefined ? undefined : ({ position: { values: [], rid: from.record }, inclusive: true } as const);
  const { rows } = await runSearch(ctx.searcher, plan, begin, recordsMax + 1, ctx.open, ctx.statistics);
  return rows;
}

/**
 * What the rows refer to and need to be understood. Of a patient's record nothing that belongs to a patient: what is his own is in it
 * already, as far as it was asked for, and the rest is another's.
 */
function supportOf(ctx: Context, call: Call, type: RecordType, asked: Asked, rows: readonly OpenedFound[]): Promise<Included> {
  const own: ReadonlySet<string> = new Set(type === 'Patient' ? membersOf(ctx, type) : []);
  const wanted = (each: string): boolean => !own.has(each) && (asked.types === undefined || asked.types.has(each));
  const includes = [
    { anywhere: true, iterate: false } as const,
    ...supportingTypes.map((each) => ({ type: each, anywhere: true, iterate: true }) as const),
  ];
  return fetchIncludes(
    ctx.searcher,
    rows,
    { includes, revincludes: [] },
    (each) => (wanted(each) ? call.access.filter('r', each) : noRows),
    {
      registry: ctx.registry,
      base: ctx.config.baseUrl,
      refKeyOf: ctx.refKeyOf,
      open: ctx.open,
      limit: ctx.config.includeMax,
    },
  );
}

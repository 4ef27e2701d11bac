import { randomUUID } from 'node:crypto';
import type { Disclosed } from '../audit/concerned.ts';
import { formatInstant, parseFhirDate } from '../fhir/dates.ts';
import { badRequest, notFound } from '../fhir/error.ts';
import { noRows } from '../storage/filter.ts';
import { countHistory, type HistoryPosition, type HistoryQuery, listHistory } from '../storage/history.ts';
import { readCurrent } from '../storage/read.ts';
import type { OpenedVersion } from '../storage/sealing.ts';
import type { Answer } from './answer.ts';
import { type BundleEntry, type BundleLink, writeBundle } from './bundle.ts';
import type { Call, Context } from './context.ts';
import { render } from './document.ts';
import { assertId } from './prepare.ts';
import { type Part, partOf, readPart } from './subset.ts';
import { gone } from './read.ts';
import { onlyNamed } from './search-address.ts';

/** What to list: a resource, a type, or (neither) everything. */
export type HistoryScope = { readonly type?: string; readonly id?: string };

/**
 * Lists versions, newest first, deletions included.
 *
 * @param pairs  `_since`, `_at`, `_count`, `_page`
 * @see          https://hl7.org/fhir/R4/http.html#history
 */
export async function history(
  ctx: Context,
  call: Call,
  scope: HistoryScope,
  pairs: readonly (readonly [string, string])[],
): Promise<Answer> {
  const options = parseOptions(ctx, pairs);
  const part = readPart(pairs);
  const of = await sourceOf(ctx, call, scope);
  const bound = JSON.stringify(['history', scope.type ?? '', scope.id ?? '', options.since ?? '', options.at ?? '']);
  const after = options.page === undefined ? undefined : (ctx.cursors.open(options.page, bound, call.access.caller) as HistoryPosition);
  const query: HistoryQuery = {
    of,
    ...(options.since === undefined ? {} : { since: options.since }),
    ...(options.at === undefined ? {} : { at: options.at }),
    limit: options.count + 1,
  };
  if (part.summary === 'count')
    return historyBundle(ctx, scope, pairs, { total: await countHistory(ctx.searcher, query), entries: [], disclosed: [] });
  const found = await listHistory(ctx.searcher, after === undefined ? query : { ...query, after });
  const rows = await ctx.open(found.slice(0, options.count));
  const last = rows.at(-1);
  const next =
    found.length > options.count && last !== undefined
      ? { lastUpdated: last.lastUpdated, rid: last.rid, version: last.version }
      : undefined;
  const total = after === undefined && next === undefined ? rows.length : await countHistory(ctx.searcher, query);
  const entries = rows.map((row) => entryOf(ctx, row, part));
  return historyBundle(ctx, scope, pairs, {
    total,
    entries,
    disclosed: rows,
    ...(next === undefined ? {} : { next: ctx.cursors.seal(next, bound, call.access.caller) }),
  });
}

type Contents = {
  readonly total: number;
  readonly entries: readonly BundleEntry[];
  readonly disclosed: readonly Disclosed[];
  readonly next?: string;
};

function historyBundle(
  ctx: Context,
  scope: HistoryScope,
  pairs: readonly (readonly [string, string])[],
  { total, entries, disclosed, next }: Contents,
): Answer {
  const page = pairs.findLast(([name]) => name === '_page')?.[1];
  const links: BundleLink[] = [{ relation: 'self', url: linkUrl(ctx, scope, pairs, page) }];
  if (next !== undefined) links.push({ relation: 'next', url: linkUrl(ctx, scope, pairs, next) });
  const head = { type: 'history', id: randomUUID(), lastUpdated: new Date().toISOString(), total, links };
  return { status: 200, body: writeBundle(head, entries), disclosed };
}

type Options = {
  readonly count: number;
  readonly since?: string;
  readonly at?: { readonly from: string; readonly until: string };
  readonly page?: string;
};

const known = ['_since', '_at', '_count', '_page', '_format', '_pretty', '_summary', '_elements'];

function parseOptions(ctx: Context, pairs: readonly (readonly [string, string])[]): Options {
  const options: { count: number; since?: string; at?: { from: string; until: string }; page?: string } = {
    count: ctx.config.historyPageSizeDefault,
  };
  for (const [name, value] of pairs) {
    if (!known.includes(name))
      throw badRequest(
        'history-unknown-parameter',
        `History takes ${known.slice(0, 3).join(', ')}; "${name.slice(0, 64)}" is none of them.`,
      );
    if (name === '_count') {
      if (!/^\d{1,9}$/.test(value) || value === '0') throw badRequest('history-invalid-count', '"_count" takes a whole number from 1.');
      options.count = Math.min(Number(value), ctx.config.historyPageSizeMax);
    }
    if (name === '_since') options.since = instantAt(intervalOf(name, value).from);
    if (name === '_at') {
      const { from, until } = intervalOf(name, value);
      options.at = { from: instantAt(from), until: instantAt(until) };
    }
    if (name === '_page') options.page = value;
  }
  return options;
}

function intervalOf(name: string, value: string): { from: number; until: number } {
  // A plus sign that was not escaped arrives as a space.
  const interval = parseFhirDate(value.replace(' ', '+'));
  if (interval === undefined)
    throw badRequest('history-invalid-date', `"${name}" takes a date or an instant such as 2024-03-01T10:00:00Z.`);
  return interval;
}

/** Nothing was written before the year 1 or will be after 9999, which is as far as an instant can tell. */
function instantAt(ms: number): string {
  return formatInstant(Math.min(Math.max(ms, yearOne), yearTenThousand - 1));
}

const yearOne = Date.parse('0001-01-01T00:00:00Z');
const yearTenThousand = Date.parse('+010000-01-01T00:00:00Z');

async function sourceOf(ctx: Context, call: Call, { type, id }: HistoryScope): Promise<HistoryQuery['of']> {
  if (type !== undefined && id !== undefined) {
    const filter = call.access.permit('r', type);
    assertId(id);
    const address = { type, id, refKey: ctx.refKeyOf(type, id) };
    const current = await readCurrent(ctx.reader, address, filter);
    if (current === undefined) throw notFound(type);
    if (current.erased) throw gone(current);
    return { address, filter };
  }
  if (type !== undefined) return { types: [{ type, filter: call.access.permit('s', type) }] };
  const types = ctx.registry.types
    .filter((each) => !onlyNamed.has(each))
    .map((each) => ({ type: each, filter: call.access.filter('s', each) }))
    .filter(({ filter }) => filter !== noRows);
  if (types.length === 0) call.access.permit('s', 'Resource');
  return { types };
}

const methods = { c: 'POST', u: 'PUT', p: 'PATCH', d: 'DELETE', e: 'DELETE' } as const;

function entryOf(ctx: Context, row: OpenedVersion, part: Part): BundleEntry {
  const url = row.interaction === 'c' ? row.type : `${row.type}/${row.id}`;
  const isGone = row.deleted || row.erased;
  const status = isGone ? '204' : row.version === 1 ? '201' : '200';
  const request = { method: methods[row.interaction], url };
  const response = { status, etag: `W/"${row.version}"`, lastModified: row.lastUpdated };
  const entry = {
    fullUrl: `${ctx.config.baseUrl}/${row.type}/${row.id}`,
    rest: `"request":${JSON.stringify(request)},"response":${JSON.stringify(response)}`,
  };
  return isGone ? entry : { ...entry, resource: partOf(render(row.json, row), part, ctx.definitions.schema) };
}

function linkUrl(
  ctx: Context,
  { type, id }: HistoryScope,
  pairs: readonly (readonly [string, string])[],
  page: string | undefined,
): string {
  const params = new URLSearchParams(pairs.filter(([name]) => name !== '_page').map(([name, value]) => [name, value]));
  if (page !== undefined) params.set('_page', page);
  const path = [ctx.config.baseUrl, type, id, '_history'].filter((part) => part !== undefined).join('/');
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}

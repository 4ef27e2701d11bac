import { randomUUID } from 'node:crypto';
import type { Issue } from '../fhir/error.ts';
import { outcomeJson } from '../fhir/outcome.ts';
import type { Included } from '../search/include.ts';
import type { Query } from '../search/query.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import type { Answer } from './answer.ts';
import { type BundleEntry, type BundleLink, writeBundle } from './bundle.ts';
import type { Context } from './context.ts';
import { render, renderInTwo } from './document.ts';
import { containedOf, isWhole, type Part, partOf } from './subset.ts';

/** What a search has to say beside its rows. */
export type Answered = {
  readonly query: Query;
  /** Where it was asked, relative to the base: `Patient`. */
  readonly path: string;
  readonly issues: readonly Issue[];
  readonly total: number | undefined;
};

/** A row of a page: itself, or what it contains at this place. */
export type ShownRow = OpenedFound & { readonly at?: number };

export type AnsweredPage = Answered & {
  readonly page: { readonly rows: readonly ShownRow[] };
  readonly included: Included;
  /** Sealed cursors. */
  readonly next: string | undefined;
  readonly previous: string | undefined;
};

/** The searchset of one page. @see https://hl7.org/fhir/R4/http.html#paging */
export function searchBundle(ctx: Context, answered: AnsweredPage): Answer {
  const { query, page, included, next, previous } = answered;
  const cut = included.cut === undefined ? [] : [includesCut(included.cut, ctx.config.includeMax)];
  const entries = [
    ...page.rows.map((row) => entryOf(ctx, row, query, matchMode)),
    ...included.rows.map((row) => entryOf(ctx, row, query, includeMode)),
    ...outcomeEntry([...answered.issues, ...cut]),
  ];
  const links: BundleLink[] = [{ relation: 'self', url: linkUrl(ctx, answered, query.page) }];
  // There is no last: finding it would mean to read all there is.
  if (query.page !== undefined || next !== undefined) links.push({ relation: 'first', url: linkUrl(ctx, answered, undefined) });
  if (previous !== undefined) links.push({ relation: 'previous', url: linkUrl(ctx, answered, previous) });
  if (next !== undefined) links.push({ relation: 'next', url: linkUrl(ctx, answered, next) });
  return { status: 200, body: writeBundle(headOf(answered.total, links), entries), disclosed: [...page.rows, ...included.rows] };
}

/** The searchset that tells the total alone. */
export function countBundle(ctx: Context, answered: Answered): Answer {
  const links: BundleLink[] = [{ relation: 'self', url: linkUrl(ctx, answered, undefined) }];
  return { status: 200, body: writeBundle(headOf(answered.total, links), outcomeEntry(answered.issues)), disclosed: [] };
}

/** What a cursor is good for: the search as it was understood, without its page. */
export function cursorScope(query: Query, path: string): string {
  return JSON.stringify(['search', 2, path, understoodOf(query)]);
}

const matchMode = '"search":{"mode":"match"}';
const includeMode = '"search":{"mode":"include"}';

function entryOf(ctx: Context, row: ShownRow, part: Part, rest: string): BundleEntry {
  if (row.at !== undefined) return containedEntry(ctx, row, row.at, part, rest);
  return {
    fullUrl: `${ctx.config.baseUrl}/${row.type}/${row.id}`,
    resource: isWhole(part) ? renderInTwo(row.json, row) : partOf(render(row.json, row), part, ctx.definitions.schema),
    rest,
  };
}

/** What a row contains is at the row's own address, with its id behind it. @see https://hl7.org/fhir/R4/search.html#contained */
function containedEntry(ctx: Context, row: OpenedFound, at: number, part: Part, rest: string): BundleEntry {
  const { id, json } = containedOf(row.json, at);
  return {
    fullUrl: `${ctx.config.baseUrl}/${row.type}/${row.id}#${id}`,
    resource: isWhole(part) ? json : partOf(json, part, ctx.definitions.schema),
    rest,
  };
}

function outcomeEntry(issues: readonly Issue[]): BundleEntry[] {
  return issues.length === 0 ? [] : [{ resource: outcomeJson(issues), rest: '"search":{"mode":"outcome"}' }];
}

function headOf(total: number | undefined, links: readonly BundleLink[]) {
  const head = { type: 'searchset', id: randomUUID(), lastUpdated: new Date().toISOString(), links };
  return total === undefined ? head : { ...head, total };
}

/** Says what was understood, parameter by parameter. */
function linkUrl(ctx: Context, { query, path }: Answered, page: string | undefined): string {
  const params = new URLSearchParams(understoodOf(query));
  if (page !== undefined) params.set('_page', page);
  const text = params.toString();
  return `${ctx.config.baseUrl}${path === '' ? '' : `/${path}`}${text === '' ? '' : `?${text}`}`;
}

/** A `_count` above the largest page is told as what it was cut down to. */
function understoodOf({ understood, count }: Query): [string, string][] {
  return understood.map(([name, value]) => [name, name === '_count' ? String(count) : value]);
}

function includesCut(cut: 'count' | 'levels', limit: number): Issue {
  const text =
    cut === 'count'
      ? `Only ${limit} included resources are in this page; there are more. Ask for smaller pages with _count, or search for the included type itself.`
      : 'Includes of included resources were followed as deep as this server goes; there may be more. Search for the included type itself.';
  return { severity: 'warning', code: 'incomplete', id: 'search-includes-cut', text };
}

import { FhirError, issue } from '../fhir/error.ts';
import type { Link } from '../fhir/json.ts';
import { parseReference } from '../fhir/references.ts';
import { matcherOf, type Unstored } from '../search/match-unstored.ts';
import type { Queryable } from '../storage/database.ts';
import { passesFilter } from '../storage/filter.ts';
import { type Criteria, findMatches, parseCriteria } from './conditional.ts';
import type { Call, Context } from './context.ts';
import type { Document } from './document.ts';
import { atEntry, inEntry } from './entries.ts';
import { assertType } from './prepare.ts';
import { resolveSearch } from './resolve-search.ts';

/** A resource that the same transaction writes. */
export type Writing = { readonly type: string; readonly id: string; readonly document: Document };

/** What the transaction does to resources: those it writes whole, and those it deletes, as `Type/id`. */
export type Changes = { readonly writing: readonly Writing[]; readonly deleting: ReadonlySet<string> };

/**
 * The conditional references (`Practitioner?identifier=…`) of a transaction by their text, each with the entry that has it
 * first and its criteria understood.
 */
export type ConditionalReferences = ReadonlyMap<string, { readonly index: number; readonly criteria: Criteria }>;

/** @throws FhirError 400 naming the entry, where a reference holds no criteria that select */
export function conditionalReferencesOf(
  ctx: Context,
  call: Call,
  entries: readonly { readonly index: number; readonly links: readonly Pick<Link, 'name' | 'value'>[] }[],
): ConditionalReferences {
  const found = new Map<string, { index: number; criteria: Criteria }>();
  for (const { index, links } of entries) {
    for (const { name, value } of links) {
      if (name !== 'reference' || !value.includes('?') || found.has(value)) continue;
      const reference = parseReference(value, ctx.config.baseUrl);
      if (reference.kind !== 'conditional') continue;
      const { type, query } = reference;
      found.set(value, { index, criteria: inEntry(index, () => criteriaOf(ctx, call, type, query)) });
    }
  }
  return found;
}

function criteriaOf(ctx: Context, call: Call, type: string, query: string): Criteria {
  assertType(ctx.registry, type);
  call.access.permit('s', type);
  return parseCriteria(ctx, type, query, 'A conditional reference');
}

/**
 * Resolves conditional references as the transaction leaves things: what it deletes no longer counts, and what it writes does.
 *
 * @returns  `Type/id` by the text of the reference
 * @throws   FhirError 412 naming the entry, unless exactly one resource that the caller sees matches
 * @see      https://hl7.org/fhir/R4/http.html#trules
 */
export async function resolveConditionalReferences(
  ctx: Context,
  call: Call,
  db: Queryable,
  references: ConditionalReferences,
  changes: Changes,
): Promise<ReadonlyMap<string, string>> {
  const written = candidatesOf(ctx, changes);
  const found = await Promise.all(
    [...references].map(async ([text, { index, criteria }]) => {
      const { type } = criteria.query;
      const candidates = written(type);
      const stale = new Set([...changes.deleting, ...candidates.map(({ id }) => `${type}/${id}`)]);
      const stored = await findMatches(ctx, call, db, criteria, stale.size + 2);
      const matches = matcherOf(await resolveSearch(ctx, call, db, criteria.query), ctx.planContext());
      const filter = call.access.filter('s', type);
      const ids = [
        ...stored.filter(({ id }) => !stale.has(`${type}/${id}`)),
        ...candidates.filter((candidate) => passesFilter(filter, candidate.extracted.tokens) && matches(candidate)),
      ].map(({ id }) => id);
      if (ids.length !== 1) throw atEntry(index, unresolved(type, ids.length));
      return [text, `${type}/${ids[0]}`] as const;
    }),
  );
  return new Map(found);
}

/** What the transaction writes of a type, extracted when a reference asks for that type. */
function candidatesOf(ctx: Context, { writing }: Changes): (type: string) => readonly Unstored[] {
  const byType = Map.groupBy(writing, ({ type }) => type);
  const made = new Map<string, readonly Unstored[]>();
  return (type) => {
    let candidates = made.get(type);
    if (candidates === undefined) {
      candidates = (byType.get(type) ?? []).map(({ id, document: { value } }) => ({
        id,
        resource: value,
        extracted: ctx.extract(value, type, id),
      }));
      made.set(type, candidates);
    }
    return candidates;
  };
}

function unresolved(type: string, count: number): FhirError {
  const found = count === 0 ? 'no' : 'more than one';
  return new FhirError(412, [
    issue(
      count === 0 ? 'not-found' : 'multiple-matches',
      'conditional-reference-unresolved',
      `A conditional reference matches ${found} ${type}. It must match exactly one: create it first, or use a more selective criterion.`,
    ),
  ]);
}

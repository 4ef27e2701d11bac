import { badRequest, notFound } from '../fhir/error.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import type { Compartment } from '../search/query.ts';
import { noRows } from '../storage/filter.ts';
import { readCurrent } from '../storage/read.ts';
import type { Answer } from './answer.ts';
import type { Call, Context } from './context.ts';
import { assertId, assertType } from './prepare.ts';
import { gone } from './read.ts';
import { type Pairs, search, type SearchPlace } from './search.ts';
import { searchContained } from './search-contained.ts';
import { searchTypes } from './search-types.ts';

/** Where a search is asked: `Observation`, `Patient/123/Observation`, `Patient/123/*` or, with neither, the base. */
export type SearchAddress = { readonly type?: string } & Pick<SearchPlace, 'compartment' | 'narrowed'>;

/**
 * Searches one type, several or a compartment. Which types are meant is told by the address and by `_type`.
 *
 * @param pairs  decoded names and values, of the URL and the body
 * @see          https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/compartmentdefinition.html
 */
export async function searchAt(ctx: Context, call: Call, address: SearchAddress, pairs: Pairs): Promise<Answer> {
  const { type, compartment, narrowed } = address;
  const named = typesNamed(ctx, pairs);
  const among = { path: pathOf(address), ...(compartment === undefined ? {} : { compartment }), ...(narrowed && { narrowed }) };
  if (compartment !== undefined) await assertCompartment(ctx, call, compartment);
  if (type !== undefined) {
    if (compartment !== undefined) assertMember(ctx, compartment, type);
    if (named !== undefined && !named.includes(type)) throw otherType(type);
    const asked = pairs.filter(([name]) => name !== '_type');
    return asksContained(asked) ? searchContained(ctx, call, type, asked, among) : search(ctx, call, type, asked, among);
  }
  if (named !== undefined) {
    for (const each of named) {
      if (compartment !== undefined) assertMember(ctx, compartment, each);
      call.access.permit('s', each);
    }
    return searchTypes(ctx, call, named, pairs, among);
  }
  if (compartment === undefined) assertCommon(pairs);
  const possible = compartment === undefined ? ctx.registry.types : membersOf(ctx, compartment.type);
  const types = possible.filter((each) => !onlyNamed.has(each) && call.access.filter('s', each) !== noRows);
  if (types.length === 0) call.access.permit('s', possible[0] ?? 'Patient');
  return searchTypes(ctx, call, types, pairs, among);
}

/** Who looked at what is told when it is asked for by name: each look at all types would add to what the next one finds. */
export const onlyNamed: ReadonlySet<string> = new Set(['AuditEvent']);

/** What several values say, the last one says. */
function asksContained(pairs: Pairs): boolean {
  const value = pairs.findLast(([name]) => name === '_contained')?.[1] ?? '';
  return value !== '' && value !== 'false';
}

function pathOf({ type, compartment }: SearchAddress): string {
  return compartment === undefined ? (type ?? '') : `${compartment.type}/${compartment.id}/${type ?? '*'}`;
}

/** The types of `_type`, in the registry's order; what is repeated has to hold each time. */
function typesNamed(ctx: Context, pairs: Pairs): string[] | undefined {
  const lists = pairs.flatMap(([name, value]) => (name === '_type' && value !== '' ? [value.split(',')] : []));
  if (lists.length === 0) return undefined;
  assertTypes(ctx, lists.flat());
  return ctx.registry.types.filter((type) => lists.every((list) => list.includes(type)));
}

/** @throws FhirError 400 that names the nearest type there is */
export function assertTypes(ctx: Context, types: readonly string[]): void {
  for (const type of types) {
    if (ctx.registry.isType(type)) continue;
    const nearest = nearestName(type, ctx.registry.types);
    const advice = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
    throw badRequest('search-unknown-type', `"_type" names resource types, between commas; "${type.slice(0, 64)}" is none.${advice}`);
  }
}

function otherType(type: string) {
  return badRequest(
    'search-other-type',
    `The address is that of ${type}, and "_type" names others. Search [base]?_type=… for several types.`,
  );
}

/** What every type has. */
export const allTypesParams = ['_id', '_lastUpdated', '_profile', '_security', '_source', '_tag'];
const anywhere = new Set([
  '_count',
  '_format',
  '_pretty',
  '_sort',
  '_summary',
  '_elements',
  '_total',
  '_page',
  '_include',
  '_revinclude',
  '_contained',
  '_containedType',
]);

/** All types at once are searched by what they all have: anything else would be refused for the first of them that lacks it. */
function assertCommon(pairs: Pairs): void {
  const asked = pairs.filter(([name, value]) => value !== '' && !anywhere.has(name.split(':')[0] ?? ''));
  if (asked.length > 0 && asked.every(([name]) => allTypesParams.includes(name.split(':')[0] ?? ''))) return;
  throw badRequest(
    'search-type-required',
    `Name the types to search, as in _type=Patient,Observation. Without them a search of the whole system takes ${allTypesParams.join(', ')}, at least one of them.`,
    undefined,
    'too-costly',
  );
}

/** What the caller may not see is answered as what never was. */
export async function assertCompartment(ctx: Context, call: Call, { type, id }: Compartment): Promise<void> {
  assertType(ctx.registry, type, undefined, 404);
  if (!isCompartment(ctx, type)) {
    throw badRequest(
      'search-no-compartment',
      `${type} has no compartment. These have: ${Object.keys(ctx.definitions.compartments).join(', ')}.`,
    );
  }
  assertId(id);
  const row = await readCurrent(ctx.reader, { type, id, refKey: ctx.refKeyOf(type, id) }, call.access.permit('r', type));
  if (row === undefined) throw notFound(type);
  if (row.deleted || row.erased) throw gone(row);
}

const isCompartment = (ctx: Context, type: string): boolean => Object.hasOwn(ctx.definitions.compartments, type);

/** The types whose resources a compartment may hold. */
export function membersOf(ctx: Context, compartment: string): string[] {
  return ctx.registry.types.filter((type) => isMember(ctx, compartment, type));
}

/** The compartment's own resource is a member too. */
function isMember(ctx: Context, compartment: string, type: string): boolean {
  return type === compartment || ctx.registry.of(type).compartments.some((rule) => rule.compartment === compartment);
}

function assertMember(ctx: Context, { type: compartment }: Compartment, type: string): void {
  assertType(ctx.registry, type, undefined, 404);
  if (isMember(ctx, compartment, type)) return;
  throw badRequest(
    'search-not-in-compartment',
    `A ${compartment}'s compartment never holds a resource of type ${type}. It may hold: ${membersOf(ctx, compartment).join(', ')}.`,
  );
}

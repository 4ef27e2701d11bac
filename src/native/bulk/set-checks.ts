import { type CriteriaLock, findAnybodys, findHolders, lockCriteria, lockOfOne, parseCriteria } from '../../interactions/conditional.ts';
import type { Call, Context } from '../../interactions/context.ts';
import type { Queryable } from '../../storage/database.ts';
import type { Detail } from '../error.ts';
import { partsOf, textOf } from '../parts.ts';
import { escaped } from '../patients/patient-view.ts';
import { storedResource } from '../view.ts';
import type { Line, Unique } from './import-kind.ts';

/** What of many lines can't be written, by their places in the list. */
export type Refusals = ReadonlyMap<number, readonly Detail[]>;

/**
 * What the store and the other lines have against these lines, found with a few searches for all of them and under the same locks that a
 * single write takes: until the transaction ends, nobody else takes a value that these lines have.
 *
 * @param lines  undefined: the line is refused already, and takes no value
 */
export async function refusedLines(ctx: Context, call: Call, client: Queryable, lines: readonly (Asking | undefined)[]): Promise<Refusals> {
  const asked = lines.flatMap((line, at) =>
    (line?.unique ?? []).map((unique): Asked => ({ at, unique, criteria: lockOfUnique(ctx, unique) })),
  );
  const refused = new Map<number, Detail[]>();
  const refuse = (at: number, detail: Detail): void => void refused.set(at, [...(refused.get(at) ?? []), detail]);
  if (asked.length > 0) {
    await lockCriteria(
      client,
      asked.map(({ criteria }) => criteria),
    );
    const taken = await takenAmong(ctx, call, client, asked);
    const tells = call.access.filter('s', 'Patient') === 'all';
    for (const { at, unique, criteria } of asked) if (taken.has(criteria.key)) refuse(at, tells ? duplicate(unique.field) : neutral);
    refuseRepeated(asked, refused, refuse);
  }
  const needed = lines.flatMap((line, at) => (line?.needed ?? []).map((each) => ({ at, ...each })));
  for (const [type, same] of Map.groupBy(needed, (each) => each.type)) {
    const there = await findThose(ctx, call, client, type, [...new Set(same.map(({ id }) => id))]);
    for (const { at, field, id } of same)
      if (!there.has(id)) refuse(at, { field, code: 'not_found', message: 'There is no such resource.' });
  }
  return refused;
}

const duplicate = (field: string): Detail => ({ field, code: 'duplicate', message: 'Another patient has it.' });
const neutral: Detail = { field: '', code: 'refused', message: 'The patient can not be stored as sent. Ask the registration desk.' };

type Asking = Pick<Line, 'unique' | 'needed'>;
type Asked = { readonly at: number; readonly unique: Unique; readonly criteria: CriteriaLock };

/** Of several lines with one value the first that isn't refused has it. */
function refuseRepeated(
  asked: readonly Asked[],
  refused: ReadonlyMap<number, unknown>,
  refuse: (at: number, detail: Detail) => void,
): void {
  const held = new Set<string>();
  for (const [at, values] of Map.groupBy(asked, (each) => each.at)) {
    const repeated = values.filter(({ criteria }) => held.has(criteria.key));
    for (const { unique } of repeated) refuse(at, duplicate(unique.field));
    if (!refused.has(at)) for (const { criteria } of values) held.add(criteria.key);
  }
}

export function lockOfUnique(ctx: Context, { type, parameter, value }: Unique): CriteriaLock {
  return lockOfOne(ctx, type, parameter, escaped(value));
}

/** The keys of the criteria that some resource meets. */
async function takenAmong(ctx: Context, call: Call, client: Queryable, asked: readonly Asked[]): Promise<ReadonlySet<string>> {
  const lists = chunked(asked, ctx.config.searchOrValuesMax).flatMap((part) => [
    ...Map.groupBy(part, ({ unique }) => unique.parameter).values(),
  ]);
  return new Set((await Promise.all(lists.map((list) => takenOf(ctx, call, client, list)))).flat());
}

/** @param same  of one parameter */
async function takenOf(ctx: Context, call: Call, client: Queryable, same: readonly Asked[]): Promise<readonly string[]> {
  const { type = '', parameter = '' } = same[0]?.unique ?? {};
  const holders = (values: readonly Asked[]): ReturnType<typeof findHolders> => {
    const list = values.map(({ unique }) => encodeURIComponent(escaped(unique.value))).join(',');
    return findHolders(ctx, call, client, parseCriteria(ctx, type, `${parameter}=${list}`, 'The contacts'), values.length);
  };
  const found = await holders(same);
  if (found.length === 0) return [];
  const values = new Map(same.map(({ unique, criteria: { key } }) => [unique.value, key]));
  const explained = found.map(({ json }) => contactsOf(json).flatMap((value) => values.get(value) ?? []));
  const taken = new Set(explained.flat());
  // What is found and told by no plain comparison, or cut off, is asked for one by one.
  if (found.length < same.length && explained.every((keys) => keys.length > 0)) return [...taken];
  for (const each of same) {
    if (taken.has(each.criteria.key)) continue;
    if ((await holders([each])).length > 0) taken.add(each.criteria.key);
  }
  return [...taken];
}

function contactsOf(json: Buffer): string[] {
  return partsOf(storedResource(json).telecom).flatMap(({ value }) => textOf(value)?.toLowerCase() ?? []);
}

/** Which of these there are. */
async function findThose(ctx: Context, call: Call, client: Queryable, type: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const part of chunked(ids, ctx.config.searchOrValuesMax)) {
    const criteria = parseCriteria(ctx, type, `_id=${part.join(',')}`, 'The references');
    for (const { id } of await findAnybodys(ctx, call, client, criteria, part.length)) found.add(id);
  }
  return found;
}

function chunked<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size));
}

import { parseReference } from '../fhir/references.ts';
import type { Queryable } from '../storage/database.ts';
import type { Restriction, RowFilter } from '../storage/filter.ts';
import { findVersions, foundVersion, type FoundRow } from '../storage/rows.ts';
import type { OpenedFound, Opener } from '../storage/sealing.ts';
import { currentStatements, pointingStatement, type Pointing, type Statement, supersededStatement } from './include-statements.ts';
import { referencesOf } from './include-parse.ts';
import type { Include } from './query.ts';
import type { Registry } from './registry.ts';
import { isRecord, textOf } from './sink.ts';

/** How far `:iterate` follows. */
const levelsMax = 10;

export type IncludeContext = {
  readonly registry: Registry;
  readonly base: string;
  readonly refKeyOf: (type: string, id: string) => bigint;
  readonly open: Opener;
  /** How many resources one page may include. */
  readonly limit: number;
};

export type Included = {
  readonly rows: readonly OpenedFound[];
  /** What stopped it before all was included. */
  readonly cut?: 'count' | 'levels';
};

export type IncludesAsked = { readonly includes: readonly Include[]; readonly revincludes: readonly Include[] };

/**
 * Fetches what the matches include, forwards and backwards: each resource once, and none that is a match of the page itself.
 * With `:iterate` also what included resources include, level by level. Every statement carries the caller's filter for the type it
 * reads, so that nothing is reached through what he may not see.
 *
 * @see https://hl7.org/fhir/R4/search.html#include
 */
export async function fetchIncludes(
  db: Queryable,
  matches: readonly OpenedFound[],
  asked: IncludesAsked,
  restriction: Restriction,
  context: IncludeContext,
): Promise<Included> {
  const known = new Set(matches.map(nameOf));
  const rows: OpenedFound[] = [];
  let frontier = matches;
  let { includes, revincludes } = asked;
  for (let level = 0; frontier.length > 0 && includes.length + revincludes.length > 0; level++) {
    const room = level === levelsMax ? 0 : context.limit - rows.length;
    // What is known already may come again, and mustn't crowd out what is new.
    const found = await nextLevel(db, frontier, { includes, revincludes }, restriction, context, room + 1 + known.size);
    const fresh = found.filter((row) => !known.has(nameOf(row)) && known.add(nameOf(row)));
    const opened = (await context.open(fresh.slice(0, room))).filter((row) => !row.erased);
    rows.push(...opened);
    if (fresh.length > room) return { rows, cut: level === levelsMax ? 'levels' : 'count' };
    frontier = opened;
    includes = includes.filter(({ iterate }) => iterate);
    revincludes = revincludes.filter(({ iterate }) => iterate);
  }
  return { rows };
}

const nameOf = ({ type, id, version }: Pick<OpenedFound, 'type' | 'id' | 'version'>): string => `${type}/${id}/${version}`;

type Found = ReturnType<typeof foundVersion>;

/** What one level points to and is pointed to by, at most `limit` of each statement; it may hold what is known already. */
async function nextLevel(
  db: Queryable,
  frontier: readonly OpenedFound[],
  { includes, revincludes }: IncludesAsked,
  restriction: Restriction,
  context: IncludeContext,
  limit: number,
): Promise<Found[]> {
  const targets = includes.length === 0 ? [] : targetsOf(frontier, includes, context);
  const forwards = targets.length === 0 ? [] : targetRows(db, targets, restriction, limit);
  const backwards = pointingsAt(frontier, revincludes, context).map((pointing) =>
    pointingRows(db, pointing, restriction(pointing.type), limit),
  );
  const [there, ...here] = await Promise.all([forwards, ...backwards]);
  return [...inOrder(there), ...here.flatMap(inOrder)];
}

/** PostgreSQL gives them as its plan has them, which may follow from rows that the caller doesn't see. */
const inOrder = (rows: readonly Found[]): Found[] => rows.toSorted((a, b) => a.rid - b.rid);

const run = (db: Queryable, { text, values }: Statement): Promise<FoundRow[]> => findVersions(db, text, values);

/** What a reference names. With a version, that version is what is included. @see https://hl7.org/fhir/R4/search.html#versions */
type Target = { readonly name: string; readonly type: string; readonly id: string; readonly key: bigint; readonly version?: number };

/** The local resources that the rows' references name: literal ones; logical, canonical and contained ones are left out. */
function targetsOf(rows: readonly OpenedFound[], includes: readonly Include[], { registry, base, refKeyOf }: IncludeContext): Target[] {
  const targets = new Map<string, Target>();
  for (const row of rows) {
    const asked = includes.filter(({ type }) => type === undefined || type === row.type);
    if (asked.length === 0) continue;
    const resource = JSON.parse(row.json.toString('utf8')) as object;
    for (const include of asked) {
      const add = (text: string | undefined, possible: readonly string[]): void => {
        const reference = text === undefined ? undefined : parseReference(text, base);
        if (reference?.kind !== 'local' || !registry.isType(reference.type)) return;
        const { type, id, version } = reference;
        if ((include.target ?? type) !== type || (possible.length > 0 && !possible.includes(type))) return;
        if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) return;
        const name = version === undefined ? `${type}/${id}` : `${type}/${id}/${version}`;
        const of = version === undefined ? {} : { version: Number(version) };
        if (!targets.has(name)) targets.set(name, { name, type, id, key: refKeyOf(type, id), ...of });
      };
      if (include.anywhere) {
        for (const text of referencesIn(resource)) add(text, []);
        continue;
      }
      for (const param of include.param === undefined ? referencesOf(row.type, registry) : [include.param]) {
        for (const { element, targets: narrowed } of param.elements) {
          const possible = narrowed ?? param.targets;
          element.each(resource, (value) => {
            add(isRecord(value) ? textOf(value.reference) : undefined, possible);
          });
        }
      }
    }
  }
  return [...targets.values()];
}

/** The texts of all references at any depth, and of the urls of attachments. Stored JSON is bounded in depth. */
function* referencesIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    for (const item of value) yield* referencesIn(item);
  } else if (isRecord(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (typeof member !== 'string') yield* referencesIn(member);
      else if (name === 'reference' || (name === 'url' && /(?:^|\/)Binary\//.test(member))) yield member;
    }
  }
}

/** The current versions, and after them those superseded ones that references name. */
async function targetRows(db: Queryable, targets: readonly Target[], restriction: Restriction, limit: number): Promise<Found[]> {
  const wanted = new Map(targets.map((target) => [target.name, target]));
  const answers = await Promise.all(currentStatements(targets, restriction, limit).map((statement) => run(db, statement)));
  const current = answers.flat().map(foundVersion);
  // A key finds, the name proves. A row may be there for the sake of its key alone: what a reference names is another version.
  const rows = current.filter((row) => wanted.has(`${row.type}/${row.id}`) || wanted.has(nameOf(row)));
  const there = new Set(rows.map(nameOf));
  const superseded = targets.filter(({ name, version }) => version !== undefined && !there.has(name));
  if (superseded.length === 0) return rows;
  const versions = (await run(db, supersededStatement(superseded, restriction, limit))).map(foundVersion);
  return [...rows, ...versions.filter((row) => wanted.has(nameOf(row)))];
}

/** Most rows point once. Only where so many do that some are cut off, and some come again, they are told apart by PostgreSQL. */
async function pointingRows(db: Queryable, pointing: Pointing, filter: RowFilter, limit: number): Promise<Found[]> {
  const read = async (once: boolean): Promise<Found[]> =>
    (await run(db, pointingStatement(pointing, filter, limit, once))).map(foundVersion);
  const rows = await read(false);
  return rows.length === limit && new Set(rows.map(({ rid }) => rid)).size < limit ? read(true) : rows;
}

/** By type, the elements that may point to the rows, and the rows' keys: all that one type points with is one statement. */
function pointingsAt(rows: readonly OpenedFound[], revincludes: readonly Include[], { registry, refKeyOf }: IncludeContext): Pointing[] {
  const byTarget = [...Map.groupBy(rows, ({ type }) => type)];
  return [...Map.groupBy(revincludes, ({ type = '' }) => type)].flatMap(([type, asked]) => {
    const at = byTarget.flatMap(([target, part]) => {
      const numbers = new Set(asked.flatMap((include) => elementsTo(target, include, type, registry)));
      return numbers.size === 0 ? [] : [{ numbers: [...numbers], keys: part.map((row) => refKeyOf(row.type, row.id)) }];
    });
    return at.length === 0 ? [] : [{ type, at }];
  });
}

function elementsTo(target: string, include: Include, type: string, registry: Registry): number[] {
  if (include.target !== undefined && include.target !== target) return [];
  const params = include.param === undefined ? referencesOf(type, registry) : [include.param];
  return params.flatMap((param) =>
    param.elements.flatMap(({ element, targets }) => {
      const possible = targets ?? param.targets;
      return possible.length === 0 || possible.includes(target) ? [element.number] : [];
    }),
  );
}

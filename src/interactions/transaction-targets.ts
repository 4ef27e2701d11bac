import { FhirError, issue } from '../fhir/error.ts';
import { bindBinaries, type BinaryLink, type LinkedOwner } from '../storage/binary-owners.ts';
import type { Transaction } from '../storage/database.ts';
import { type Address, type LockedVersion, lockCurrent } from '../storage/read.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import { assertSameMatch, type Criteria, findMatches, lockCriteria } from './conditional.ts';
import type { Changes } from './conditional-references.ts';
import type { Call, Context } from './context.ts';
import { inEntry } from './entries.ts';
import { newId } from './ids.ts';
import type { Placed } from './links.ts';
import { multipleMatches } from './preconditions.ts';
import type { Step, Target } from './transaction-steps.ts';

/** What an entry turned out to do, once criteria were looked up. */
export type Resolved = {
  readonly step: Step;
  readonly target?: Target;
  readonly found?: OpenedFound;
  /** The target is what the entry's criteria matched. */
  readonly matched?: true;
  readonly sameAs?: number;
  /** Of a Binary: the owners it has by what names it. */
  readonly linked?: readonly LinkedOwner[];
};

/** Looks the criteria of all conditional entries up, each distinct one once, under the locks that equal criteria share. */
export async function resolveCriteria(ctx: Context, call: Call, tx: Transaction, steps: readonly Step[]): Promise<Resolved[]> {
  const distinct = new Map(steps.flatMap(({ criteria }) => (criteria === undefined ? [] : [[criteria.key, criteria] as const])));
  if (distinct.size === 0) return steps.map((step) => (step.target === undefined ? { step } : { step, target: step.target }));
  const all = [...distinct.values()];
  const [, ...found] = await Promise.all([lockCriteria(tx.client, all), ...all.map(matcher(ctx, call, tx, steps))]);
  const matches = new Map(all.map((criteria, at) => [criteria.key, found[at] ?? []]));
  const making = new Map<string, number>();
  return steps.map((step, at) => inEntry(step.entry.index, () => resolveOne(step, at, matches, making)));
}

/** Finds the first two matches of criteria; what the transaction deletes by id doesn't count. */
function matcher(
  ctx: Context,
  call: Call,
  tx: Transaction,
  steps: readonly Step[],
): (criteria: Criteria) => Promise<readonly OpenedFound[]> {
  const deleting = steps.flatMap(({ entry, target }) => (entry.method === 'DELETE' ? (target ?? []) : []));
  const doomed = Map.groupBy(deleting, ({ type }) => type);
  return async (criteria) => {
    const ids = new Set(doomed.get(criteria.query.type)?.map(({ id }) => id));
    const rows = await findMatches(ctx, call, tx.client, criteria, ids.size + 2);
    return rows.filter(({ id }) => !ids.has(id));
  };
}

function resolveOne(step: Step, at: number, matches: ReadonlyMap<string, readonly OpenedFound[]>, making: Map<string, number>): Resolved {
  const { entry, criteria, target } = step;
  if (criteria === undefined) return target === undefined ? { step } : { step, target };
  const [match, another] = matches.get(criteria.key) ?? [];
  if (another !== undefined) throw multipleMatches('the entry');
  if (entry.method === 'POST') {
    if (match !== undefined) return { step, found: match };
    const first = making.get(criteria.key);
    if (first !== undefined) return { step, sameAs: first };
    making.set(criteria.key, at);
    return target === undefined ? { step } : { step, target };
  }
  if (match !== undefined) return { step, target: { index: entry.index, type: entry.type, id: match.id }, matched: true };
  if (entry.method === 'PATCH')
    throw new FhirError(404, [issue('not-found', 'criteria-without-match', `No ${entry.type} matches the criteria of the entry.`)]);
  if (entry.method === 'DELETE') return { step };
  const brought = entry.document?.value.id;
  return { step, target: { index: entry.index, type: entry.type, id: typeof brought === 'string' ? brought : newId(entry.type) } };
}

export type Current = ReadonlyMap<string, LockedVersion>;

/**
 * Locks what will be changed, and asks the criteria again behind it: a row may have changed while its lock was waited for.
 *
 * @throws LostRace if criteria no longer match what they did
 */
export async function lockTargets(ctx: Context, call: Call, tx: Transaction, resolved: readonly Resolved[]): Promise<Current> {
  const addresses: Address[] = resolved
    .filter(({ step }) => step.entry.method !== 'POST')
    .flatMap(({ target }) =>
      // Audit events can't be locked, as they can't be changed.
      target === undefined || target.type === 'AuditEvent'
        ? []
        : [{ type: target.type, id: target.id, refKey: ctx.refKeyOf(target.type, target.id) }],
    );
  if (addresses.length === 0) return new Map();
  const matchesOf = matcher(
    ctx,
    call,
    tx,
    resolved.map(({ step }) => step),
  );
  const again = async ({ step: { criteria }, target, matched }: Resolved): Promise<void> => {
    if (matched && criteria !== undefined) assertSameMatch(target?.id, await matchesOf(criteria));
  };
  const [rows] = await Promise.all([lockCurrent(tx.client, addresses), ...resolved.map(again)]);
  return new Map(rows.map((row) => [`${row.type}/${row.id}`, row]));
}

/**
 * Binds Binaries to the owners of what names them, whether the transaction writes them or not.
 *
 * @param binaries  the entries whose target is a Binary
 * @returns         the entries' Binaries as they are now, and the entries with the owners that they have by links
 */
export async function bindTargets(
  ctx: Context,
  client: Transaction['client'],
  links: readonly BinaryLink[],
  binaries: readonly Resolved[],
  current: Current,
): Promise<{ readonly current: Current; readonly withOwners: (each: Resolved) => Resolved }> {
  const refKeyOf = ({ type, id }: Target): bigint => ctx.refKeyOf(type, id);
  const targets = binaries.flatMap(({ step, target }) => (target === undefined ? [] : [{ method: step.entry.method, target }]));
  const rows = targets.flatMap(({ target }) => current.get(`${target.type}/${target.id}`) ?? []);
  // Nobody else knows an id that was made for a POST.
  const made = targets.filter(({ method }) => method === 'POST').map(({ target }) => refKeyOf(target));
  const linked = await bindBinaries(client, ctx.reseal, {
    links,
    written: targets.filter(({ method }) => method !== 'DELETE').map(({ target }) => ({ ...target, refKey: refKeyOf(target) })),
    held: new Set([...rows.map(({ refKey }) => refKey), ...made]),
  });
  const anew = links.length === 0 || rows.length === 0 ? [] : await lockCurrent(client, rows);
  return {
    current: anew.length === 0 ? current : new Map([...current, ...anew.map((row) => [`${row.type}/${row.id}`, row] as const)]),
    withOwners: (each) => ({ ...each, linked: (each.target && linked.get(refKeyOf(each.target))) ?? [] }),
  };
}

/** What the resolved entries leave behind, as far as conditional references may mean it. */
export function changesOf(resolved: readonly Resolved[]): Changes {
  return {
    writing: resolved.flatMap(({ step, target }) => {
      const { document } = step.entry;
      return target === undefined || document === undefined ? [] : [{ type: target.type, id: target.id, document }];
    }),
    deleting: new Set(
      resolved.flatMap(({ step, target }) =>
        step.entry.method === 'DELETE' && target !== undefined ? [`${target.type}/${target.id}`] : [],
      ),
    ),
  };
}

/** Where the resource of an entry will be, for references to it. */
export function placeOf({ step, target, found, sameAs }: Resolved, resolved: readonly Resolved[], current: Current): Placed | undefined {
  const { fullUrl } = step.entry;
  const named = fullUrl === undefined ? {} : { fullUrl };
  if (found !== undefined) return { ...named, type: found.type, id: found.id, version: found.version };
  const own = sameAs === undefined ? target : resolved[sameAs]?.target;
  if (own === undefined) return undefined;
  return { ...named, type: own.type, id: own.id, version: (current.get(`${own.type}/${own.id}`)?.version ?? 0) + 1 };
}

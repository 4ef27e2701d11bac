import { makeTokenSet } from '../encryption/token-set.ts';
import { token } from '../encryption/token.ts';
import { parseReference } from '../fhir/references.ts';
import { passesWith, type Restriction } from '../storage/filter.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import { planClause, type PlannedClause } from './clauses.ts';
import { allOf, type Chain, type Condition, type Hop, type Reach } from './condition.ts';
import { containedIn } from './contained.ts';
import { hopsOf } from './criteria.ts';
import { addCompartments, compartmentParts, type Extracted, type Extractor } from './extract.ts';
import { holds, type HeldRow, tokensOf } from './holds.ts';
import type { Clause, Criterion, Link, Query, Step } from './query.ts';
import type { Registry } from './registry.ts';
import { findReach, type Settling } from './settle.ts';
import { isRecord, type PlanContext } from './sink.ts';

export type SiftContext = Settling & {
  readonly registry: Registry;
  readonly extract: Extractor;
  /** With the restriction to what the caller may search. */
  readonly plan: PlanContext & Required<Pick<PlanContext, 'restriction'>>;
};

/** Which of what a row contains matches, by place; nothing where the row is left out. */
export type ContainedMatches = (rows: readonly OpenedFound[]) => Promise<readonly (readonly number[])[]>;

/**
 * Makes the search for contained resources of rows of one type. Each one is asked by itself what a stored resource would be asked. Its
 * references lead to others in the same container and to stored resources, which are looked for among those that it refers to.
 *
 * @param withoutMatches  rows that match themselves are left out: they were found before
 * @throws                FhirError 403 where the caller may search none of the types that a hop leads to
 */
export function containedMatches(query: Query, container: string, withoutMatches: boolean, context: SiftContext): ContainedMatches {
  const criteria: Criterion[] = [...query.clauses.map((clause): Criterion => ({ kind: 'clause', clause })), ...query.criteria];
  const asked: Criterion = { kind: 'and', of: criteria };
  const ask = asker(asked, query.type, container, withoutMatches, context);
  return async (rows) => {
    const { holders, meets } = await ask(rows);
    return holders.map((holder) => {
      if (holder === undefined) return [];
      const isMatch = (node: Node): boolean => node.type === query.type && isVisible(node, context.plan.restriction) && meets(node, holder);
      if (withoutMatches && isMatch(holder.container)) return [];
      return holder.contained.flatMap((node) => (isMatch(node) ? node.at : []));
    });
  };
}

/** Makes the test whether rows of a type meet a chain, be it by what they contain. */
export function chainMatches(
  { type, criterion }: Chain,
  context: SiftContext,
): (rows: readonly OpenedFound[]) => Promise<readonly boolean[]> {
  const ask = asker(criterion, type, type, true, context);
  return async (rows) => {
    const { holders, meets } = await ask(rows);
    return holders.map((holder) => holder !== undefined && meets(holder.container, holder));
  };
}

type Asked = { readonly holders: readonly (Holder | undefined)[]; readonly meets: (node: Node, holder: Holder) => boolean };

/** @param onContainer  the containers themselves are asked too */
function asker(
  asked: Criterion,
  type: string,
  container: string,
  onContainer: boolean,
  context: SiftContext,
): (rows: readonly OpenedFound[]) => Promise<Asked> {
  const hops = new Map<Step, Hop>();
  planHops(asked, hops, context.plan);
  const links = linksOf(asked, type, container, onContainer);
  const nodes = nodeMaker(context);
  return async (rows) => {
    const holders = rows.map((row) => (row.erased ? undefined : nodes(row)));
    const found = await findTargets(holders, links, hops, context);
    const asking: Asking = { hops, found, clauses: new Map(), context };
    return { holders, meets: (node, holder) => meetsCriterion(asked, node, holder, asking) };
  };
}

/** A resource in a row: the container, or what it contains. */
type Node = {
  readonly type: string;
  readonly id: string;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly held: () => HeldRow;
  readonly refKey: () => bigint;
  /** Tokens that a restriction of the caller is decided by. */
  readonly visibleBy: () => ReadonlySet<bigint>;
};

type Holder = { readonly container: Node; readonly contained: readonly (Node & { readonly at: number })[] };

function nodeMaker({ registry, extract, plan: { key, base } }: SiftContext): (row: OpenedFound) => Holder {
  const compartments = makeTokenSet(key);
  return (row) => {
    const now = Date.parse(row.lastUpdated);
    const parsed: unknown = JSON.parse(row.json.toString('utf8'));
    const resource = isRecord(parsed) ? parsed : {};
    const nodeOf = (
      type: string,
      id: string,
      of: Node['resource'],
      visibleBy: (tokens: ReadonlySet<bigint>) => ReadonlySet<bigint>,
    ): Node => {
      const extracted = once((): Extracted => extract(of, type, id));
      const held = once((): HeldRow => ({ id, resource: of, tokens: tokensOf(extracted().tokens), facts: extracted().facts, now }));
      return { type, id, resource: of, held, refKey: () => extracted().refKey, visibleBy: once(() => visibleBy(held().tokens)) };
    };
    const inherited = once((): ReadonlySet<bigint> => {
      const facts = { dates: [], quantities: [], references: [], sorts: [] };
      addCompartments(registry.of(row.type), resource, row.id, { tokens: compartments, facts, key, base });
      return tokensOf(compartments.take());
    });
    const contained = containedIn(resource, registry).map(({ type, id, at, resource: inner }) => {
      // Its id is of this container alone: it is in no compartment by it, but in those that the container is in.
      const own = token(key, ...compartmentParts(type, id));
      const visibleBy = (tokens: ReadonlySet<bigint>) => new Set([...tokens].filter((each) => each !== own).concat(...inherited()));
      return { ...nodeOf(type, id, inner, visibleBy), at };
    });
    return { container: nodeOf(row.type, row.id, resource, (tokens) => tokens), contained };
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function isVisible({ type, visibleBy }: Node, restriction: Restriction): boolean {
  return passesWith(restriction(type), (token) => visibleBy().has(token));
}

/** Each step with the hop that it is, for those that the caller may take. */
function planHops(criterion: Criterion, hops: Map<Step, Hop>, plan: PlanContext): void {
  const add = (steps: readonly Step[]): void => {
    const permitted = hopsOf(steps, plan);
    for (const step of steps) {
      const hop = permitted.find(({ rows }) => 'type' in rows && rows.type === step.type);
      if (hop === undefined) continue;
      hops.set(step, hop);
      planHops(step.criterion, hops, plan);
    }
  };
  switch (criterion.kind) {
    case 'clause':
      return;
    case 'chain':
      return add(criterion.to);
    case 'has':
      return add([criterion.by]);
    case 'not':
      return planHops(criterion.of, hops, plan);
    default:
      for (const part of criterion.of) planHops(part, hops, plan);
  }
}

/** A step that leads out of the row: along its references, or from others to the container. */
type LinkOut = { readonly step: Step; readonly direction: 'to' | 'from' };

function linksOf(criterion: Criterion, type: string, container: string, onContainer: boolean): LinkOut[] {
  switch (criterion.kind) {
    case 'clause':
      return [];
    case 'chain':
      return criterion.to.flatMap((step) => [{ step, direction: 'to' } as const, ...linksOf(step.criterion, step.type, container, true)]);
    case 'has': {
      const { by } = criterion;
      const from = onContainer && type === container ? [{ step: by, direction: 'from' } as const] : [];
      return [...from, ...linksOf(by.criterion, by.type, container, true)];
    }
    case 'not':
      return linksOf(criterion.of, type, container, onContainer);
    default:
      return criterion.of.flatMap((part) => linksOf(part, type, container, onContainer));
  }
}

/** Places that a step may end at, by their keys: of stored resources that meet what is asked there, and of containers that such a one refers to. */
type Found = ReadonlyMap<Step, ReadonlySet<bigint>>;

async function findTargets(
  holders: readonly (Holder | undefined)[],
  links: readonly LinkOut[],
  hops: ReadonlyMap<Step, Hop>,
  context: SiftContext,
): Promise<Found> {
  const found = new Map<Step, ReadonlySet<bigint>>();
  const here = holders.filter((holder) => holder !== undefined);
  for (const { step, direction } of links) {
    const hop = hops.get(step);
    if (hop === undefined || !('where' in hop.rows)) continue;
    const reach = direction === 'to' ? pointedAt(here, step.link, hop.rows) : pointing(here, hop);
    if (reach !== undefined) found.set(step, new Set((await findReach(reach, context)).keys));
  }
  return found;
}

function pointedAt(holders: readonly Holder[], { params }: Link, rows: Reach): Reach | undefined {
  const nodes = holders.flatMap(({ container, contained }) => [container, ...contained]);
  const keys = new Set(
    nodes.flatMap((node) => node.held().facts.references.flatMap(({ param, target }) => (params.includes(param) ? target : []))),
  );
  return keys.size === 0 ? undefined : { ...rows, where: allOf([rows.where, { kind: 'placed', keys: [...keys] }]) };
}

function pointing(holders: readonly Holder[], hop: Hop): Reach | undefined {
  const [first] = holders;
  if (first === undefined) return undefined;
  const placed: Condition = { kind: 'placed', keys: holders.map(({ container }) => container.refKey()) };
  return { type: first.container.type, filter: 'all', where: allOf([{ kind: 'referred', by: hop }, placed]), rechecks: [] };
}

type Asking = {
  readonly hops: ReadonlyMap<Step, Hop>;
  readonly found: Found;
  readonly clauses: Map<Clause, PlannedClause>;
  readonly context: SiftContext;
};

function meetsCriterion(criterion: Criterion, node: Node, holder: Holder, asking: Asking): boolean {
  switch (criterion.kind) {
    case 'clause':
      return meetsClause(criterion.clause, node, asking);
    case 'chain':
      return criterion.to.some((step) => leadsTo(step, node, holder, asking));
    case 'has':
      return isReferred(criterion.by, node, holder, asking);
    case 'and':
      return criterion.of.every((part) => meetsCriterion(part, node, holder, asking));
    case 'or':
      return criterion.of.some((part) => meetsCriterion(part, node, holder, asking));
    case 'not':
      return !meetsCriterion(criterion.of, node, holder, asking);
  }
}

function meetsClause(clause: Clause, node: Node, { clauses, context }: Asking): boolean {
  const planned = clauses.get(clause) ?? planClause(clause, node.type, context.plan);
  clauses.set(clause, planned);
  return holds(planned.condition, node.held()) && (planned.recheck === undefined || planned.recheck(node.resource));
}

function leadsTo(step: Step, node: Node, holder: Holder, asking: Asking): boolean {
  const stored = asking.found.get(step);
  const { references } = node.held().facts;
  if (stored !== undefined && references.some(({ param, target }) => step.link.params.includes(param) && stored.has(target))) return true;
  return nodesOf(holder).some((target) => meetsStep(step, target, holder, asking) && refersTo(node, step.link, target, holder, asking));
}

function isReferred(by: Step, node: Node, holder: Holder, asking: Asking): boolean {
  // What is contained refers to others from inside: to those outside, the container too, only stored resources do.
  if (node === holder.container) return asking.found.get(by)?.has(node.refKey()) === true;
  return nodesOf(holder).some((source) => meetsStep(by, source, holder, asking) && refersTo(source, by.link, node, holder, asking));
}

const nodesOf = ({ container, contained }: Holder): readonly Node[] => [container, ...contained];

/** What stands in the same row is asked there what a stored resource is asked at the end of the step. */
function meetsStep(step: Step, node: Node, holder: Holder, asking: Asking): boolean {
  if (node.type !== step.type || !asking.hops.has(step)) return false;
  return isVisible(node, asking.context.plan.restriction) && meetsCriterion(step.criterion, node, holder, asking);
}

/** By `#id`, and the container by `#`. */
function refersTo(source: Node, { params }: Link, target: Node, { container }: Holder, { context }: Asking): boolean {
  const id = target === container ? '' : target.id;
  let found = false;
  for (const element of context.registry.of(source.type).elements) {
    if (!params.includes(element.number)) continue;
    element.each(source.resource, (value) => {
      const text = typeof value === 'string' ? value : isRecord(value) ? value.reference : undefined;
      if (typeof text !== 'string' || !text.startsWith('#')) return;
      const reference = parseReference(text, context.plan.base);
      found ||= reference.kind === 'contained' && reference.id === id;
    });
  }
  return found;
}

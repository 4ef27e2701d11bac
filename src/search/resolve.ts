import { badRequest, type FhirError } from '../fhir/error.ts';
import { isId, parseReference } from '../fhir/references.ts';
import type { CodeInSystem, SearchTerms, Untold } from '../terminology/search-terms.ts';
import { type ErasedAmong, namesPatients, withoutErased } from './erased.ts';
import { hierarchyElements } from './hierarchy.ts';
import type { Clause, Criterion, Query, Step } from './query.ts';
import type { Registry } from './registry.ts';
import { escape, splitUnescaped, unescape } from './values.ts';

/** What the world has to be asked for before a search can be planned. */
export type Resolving = {
  readonly terminology: SearchTerms;
  readonly registry: Registry;
  /** The server's own base URL. */
  readonly base: string;
  /** Ids of all that stand above or below some resources of a type, these included; only what the caller may see counts. */
  readonly relatives: (type: string, ids: readonly string[], way: 'above' | 'below') => Promise<readonly string[]>;
  readonly erasedAmong: ErasedAmong;
};

const resolvedModifiers: Readonly<Record<string, readonly string[]>> = {
  token: ['in', 'not-in', 'above', 'below'],
  reference: ['above', 'below'],
};

/** Modifiers that name many values by one: value sets and hierarchies. Canonicals above and below are told by their versions. */
function needsResolving(clause: Clause): boolean {
  return hasResolvedModifier(clause) || namesPatients(clause);
}

function hasResolvedModifier({ param, modifier = '' }: Clause): boolean {
  return resolvedModifiers[param.type]?.includes(modifier) === true;
}

/**
 * Replaces `:in`, `:not-in`, `:above` and `:below` of codes and of resources by the values they stand for, and leaves out of audit events'
 * references patients who were erased. Nothing is asked where there are none.
 *
 * @throws FhirError 400 that says what is not known or too many
 */
export async function resolveQuery(query: Query, resolving: Resolving): Promise<Query> {
  const clauses = await Promise.all(query.clauses.map((clause) => resolveClause(clause, resolving)));
  const criteria = await Promise.all(query.criteria.map((criterion) => resolveCriterion(criterion, resolving)));
  return { ...query, clauses, criteria };
}

/** Whether `resolveQuery` has anything to do. */
export function asksWorld({ clauses, criteria }: Pick<Query, 'clauses' | 'criteria'>): boolean {
  return clauses.some(needsResolving) || criteria.some(criterionAsks);
}

function criterionAsks(criterion: Criterion): boolean {
  switch (criterion.kind) {
    case 'clause':
      return needsResolving(criterion.clause);
    case 'chain':
      return criterion.to.some((step) => criterionAsks(step.criterion));
    case 'has':
      return criterionAsks(criterion.by.criterion);
    case 'not':
      return criterionAsks(criterion.of);
    default:
      return criterion.of.some(criterionAsks);
  }
}

async function resolveCriterion(criterion: Criterion, resolving: Resolving): Promise<Criterion> {
  const step = async (each: Step): Promise<Step> => ({ ...each, criterion: await resolveCriterion(each.criterion, resolving) });
  switch (criterion.kind) {
    case 'clause':
      return { ...criterion, clause: await resolveClause(criterion.clause, resolving) };
    case 'chain':
      return { ...criterion, to: await Promise.all(criterion.to.map(step)) };
    case 'has':
      return { ...criterion, by: await step(criterion.by) };
    case 'not':
      return { ...criterion, of: await resolveCriterion(criterion.of, resolving) };
    default:
      return { ...criterion, of: await Promise.all(criterion.of.map((part) => resolveCriterion(part, resolving))) };
  }
}

async function resolveClause(asked: Clause, resolving: Resolving): Promise<Clause> {
  const clause = namesPatients(asked) ? await withoutErased(asked, resolving.base, resolving.erasedAmong) : asked;
  if (!hasResolvedModifier(clause)) return clause;
  const { param, modifier } = clause;
  if (param.type === 'reference') return resolveReferences(clause, modifier === 'above' ? 'above' : 'below', resolving);
  const codes = await Promise.all(clause.values.map((text) => codesOf(text, clause, resolving)));
  const values = [...new Set(codes.flat())];
  return modifier === 'not-in' ? { param, modifier: 'not', values } : { param, values };
}

async function codesOf(text: string, clause: Clause, resolving: Resolving): Promise<string[]> {
  const { terminology } = resolving;
  if (clause.modifier === 'in' || clause.modifier === 'not-in') {
    const codes = assertTold<CodeInSystem>(await terminology.expandCodes(unescape(text)), clause);
    return codes.map(({ system, code }) => `${escape(system)}|${escape(code)}`);
  }
  const { system, code } = codeAsked(text, clause);
  const codes = await (clause.modifier === 'above' ? terminology.ancestors(system, code) : terminology.descendants(system, code));
  return assertTold<string>(codes, clause).map((each) => `${escape(system)}|${escape(each)}`);
}

function assertTold<T>(codes: readonly T[] | Untold, clause: Clause): readonly T[] {
  if (!('untold' in codes)) return codes;
  throw badRequest('search-terminology-unknown', `"${nameOf(clause)}" can't be answered. ${codes.untold}`, undefined, 'not-supported');
}

const nameOf = ({ param, modifier }: Clause): string => `${param.code}:${modifier}`;

/** `system|code`, or of elements with one system of their own the code alone. */
function codeAsked(text: string, clause: Clause): { readonly system: string; readonly code: string } {
  const parts = splitUnescaped(text, '|').map(unescape);
  const [only, ...others] = new Set(clause.param.elements.map(({ element }) => element.system));
  const [system, code = ''] =
    parts.length === 1 ? [others.length === 0 ? only : undefined, parts[0]] : [parts[0], parts.slice(1).join('|')];
  if (system === undefined || system === '' || code === '')
    throw badRequest(
      'search-invalid-value',
      `A value of "${nameOf(clause)}" is written as system|code: the code's hierarchy is that of its system.`,
    );
  return { system, code };
}

async function resolveReferences(clause: Clause, way: 'above' | 'below', resolving: Resolving): Promise<Clause> {
  const asked = clause.values.map((text) => placesAsked(unescape(text), clause, resolving));
  if (asked.every((places) => places === undefined)) return clause;
  const byType = Map.groupBy(
    asked.flatMap((places) => places ?? mixed(clause)),
    ({ type }) => type,
  );
  const found = await Promise.all(
    [...byType].map(async ([type, places]) => {
      const ids = await resolving.relatives(
        type,
        places.map(({ id }) => id),
        way,
      );
      return ids.map((id) => `${type}/${id}`);
    }),
  );
  return { param: clause.param, values: found.flat() };
}

type Place = { readonly type: string; readonly id: string };

/** The resources of ours that a value names; undefined for a canonical. */
function placesAsked(text: string, clause: Clause, { registry, base }: Resolving): Place[] | undefined {
  const { param } = clause;
  const targets = param.targets.length === 0 ? registry.types : param.targets;
  const reference = parseReference(text, base);
  const types = isId(text) ? targets : reference.kind === 'local' ? targets.filter((type) => type === reference.type) : undefined;
  if (types === undefined) {
    if (param.elements.some(({ element }) => element.types.includes('canonical') || element.types.includes('uri'))) return undefined;
    throw badRequest(
      'search-invalid-value',
      `A value of "${nameOf(clause)}" is written as id or Type/id: only this server's resources form hierarchies.`,
    );
  }
  const id = isId(text) ? text : reference.kind === 'local' ? reference.id : '';
  const inHierarchies = types.filter((type) => registry.isType(type) && hierarchyElements(type, registry).length > 0);
  if (inHierarchies.length === 0) {
    const known = targets.filter((type) => registry.isType(type) && hierarchyElements(type, registry).length > 0);
    throw badRequest(
      'search-invalid-value',
      `"${nameOf(clause)}" needs a type whose resources are parts of each other. ${known.length === 0 ? `"${param.code}" points to none.` : `Of those that "${param.code}" points to: ${known.join(', ')}.`}`,
    );
  }
  return inHierarchies.map((type) => ({ type, id }));
}

function mixed(clause: Clause): never {
  throw badRequest('search-invalid-value', `The values of "${nameOf(clause)}" are canonical URLs or resources of this server, not both.`);
}

/**
 * What is planned without being resolved asks the tokens alone.
 *
 * @throws FhirError 400 for a modifier that stands for values which nobody has asked for
 */
export function assertResolved(clause: Clause): void {
  if (clause.param.type === 'token' && hasResolvedModifier(clause)) throw unresolvable(clause);
}

function unresolvable(clause: Clause): FhirError {
  return badRequest(
    'search-modifier-unsupported',
    `"${nameOf(clause)}" can't be decided here: name the codes themselves.`,
    undefined,
    'not-supported',
  );
}

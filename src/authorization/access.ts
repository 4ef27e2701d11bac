import { type FhirError, forbidden } from '../fhir/error.ts';
import { localTarget, refKeyOf } from '../search/types/reference.ts';
import { type Alternatives, type Group, noRows, type RowFilter, withoutRows } from '../storage/filter.ts';
import { assertCoherent, callerOf, type Grant } from './grant.ts';
import { belongingToken, kindOf } from './rights/belonging.ts';
import { type Circumstances, noCircumstances } from './rights/circumstances.ts';
import { type Policy, openPolicy, policyRows } from './rights/policy.ts';
import { noRights, type Rights } from './rights/rights.ts';
import { groupsOfParams, type TokenContext } from './rights/token-groups.ts';
import { isRead, mayServe, mayWriteFor, userRows } from './rights/user-rows.ts';
import { inactiveOrOwn } from './rights/writes.ts';
import type { Letter, Scope } from './scopes.ts';

/** What one caller may do: for each interaction and type, which rows. Computed once a request, a type at a time. */
export type Access = {
  /** `noRows` where nothing is permitted. The same object for the same answer. */
  readonly filter: (letter: Letter, type: string) => RowFilter;
  /** Like `filter`, but refuses with 403 where no scope permits the interaction on this type at all. */
  readonly permit: (letter: Letter, type: string) => RowFilter;
  /** Like `permit('r', …)`, for a read by id: who the user is himself is read where scopes tell him. */
  readonly permitRead: (type: string, id: string) => RowFilter;
  /** What labels and consents leave of a type, whatever scopes ask for: of other rows he isn't told by another way than reading either. */
  readonly tells: (type: string) => RowFilter;
  /** Whether some scope permits the interaction on all of this type, whatever the user's rights leave of it. */
  readonly hasScope: (letter: Letter, type: string) => boolean;
  /** May read every resource of every type: what is told of the store as a whole is no secret to him. */
  readonly seesAll: boolean;
  /** What cursors are bound to. */
  readonly caller: string;
  /** For what, and whether in an emergency: for the audit. */
  readonly circumstances: Circumstances;
  /** Not all the patients he cares for count. */
  readonly isCareCut: boolean;
};

/** What somebody may do at this moment who asked for something at a time (epoch ms). @throws FhirError 403 where what he was given is ended since */
export type AccessOfGrant = (grant: Grant, since: number) => Promise<Access>;

export type AccessContext = TokenContext & { readonly policy?: Policy };

/**
 * Turns a grant into row filters: what its scopes permit, of that what the user's rights permit, without what labels and consents deny.
 * Every scope that permits the letter on the type is one alternative; a scope without bounds gives `all`. A bound that can't be planned
 * as tokens refuses the request: it is never left out.
 *
 * @param rights  by default those of a user who is nobody
 */
export function accessOf(
  grant: Grant,
  context: AccessContext,
  rights: Rights = noRights,
  circumstances: Circumstances = noCircumstances,
): Access {
  assertCoherent(grant);
  const filters = new Map<string, RowFilter>();
  const asking: Asking = { grant, context, rights, circumstances, policy: context.policy ?? openPolicy };
  const once = (name: string, make: () => RowFilter): RowFilter => {
    const found = filters.get(name) ?? make();
    filters.set(name, found);
    return found;
  };
  const filter = (letter: Letter, type: string): RowFilter => once(`${letter}${type}`, () => filterOf(letter, type, asking));
  const permit = (letter: Letter, type: string): RowFilter => {
    const found = filter(letter, type);
    if (found === noRows) throw refusal(grant, letter, type);
    return found;
  };
  return {
    filter,
    permit,
    permitRead: (type, id) => (isFhirUser(asking, type, id) ? personalFilter([[]], 'r', type, asking) : permit('r', type)),
    tells: (type) => (isPersonal(grant.scopes, grant) ? once(`told ${type}`, () => personalFilter([[]], 'r', type, asking)) : 'all'),
    hasScope: (letter, type) =>
      grant.scopes.some((scope) => (scope.type === '*' || scope.type === type) && scope.letters.has(letter) && scope.params.length === 0),
    seesAll: grant.scopes.some(
      ({ level, type, letters, params }) => level === 'system' && type === '*' && letters.has('r') && params.length === 0,
    ),
    caller: callerOf(grant),
    circumstances,
    isCareCut: rights.isCareCut,
  };
}

/** @see https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-identity-data */
const userTypes = new Set(['Patient', 'Person', 'Practitioner', 'PractitionerRole', 'RelatedPerson']);

function isFhirUser({ grant, context }: Asking, type: string, id: string): boolean {
  if (grant.readsFhirUser !== true || grant.fhirUser === undefined || !userTypes.has(type)) return false;
  const target = localTarget({ reference: grant.fhirUser }, context.plan.base);
  return target?.type === type && target.id === id;
}

type Asking = {
  readonly grant: Grant;
  readonly context: AccessContext;
  readonly rights: Rights;
  readonly circumstances: Circumstances;
  readonly policy: Policy;
};

const wordOf: Readonly<Record<Letter, string>> = { c: 'create', r: 'read', u: 'update', d: 'delete', s: 'search' };

function refusal(grant: Grant, letter: Letter, type: string): FhirError {
  if (grant.scopes.some((scope) => isAbout(scope, letter, type) && scope.level === 'user'))
    return forbidden('rights-insufficient', `The user's rights don't permit to ${wordOf[letter]} ${type}.`);
  return forbidden(
    'scope-insufficient',
    `The token's scopes don't permit to ${wordOf[letter]} ${type}. It needs a scope such as ${grant.patient === undefined ? 'system' : 'patient'}/${type}.${letter}.`,
  );
}

const isAbout = (scope: Scope, letter: Letter, type: string): boolean =>
  scope.letters.has(letter) && (scope.type === '*' || scope.type === type);

function filterOf(letter: Letter, type: string, asking: Asking): RowFilter {
  const { grant, context } = asking;
  const scopes = grant.scopes.filter((scope) => isAbout(scope, letter, type));
  const rows = scopes.flatMap((scope) => {
    const narrowed = scope.params.length === 0 ? [] : groupsOfParams(type, scope.params, context);
    return rowsOfScope(scope, letter, type, asking).map((groups) => [...groups, ...narrowed]);
  });
  if (rows.length === 0) return noRows;
  const alternatives = rows.some((groups) => groups.length === 0) ? [[]] : joined(rows);
  return isPersonal(scopes, grant)
    ? writable(personalFilter(alternatives, letter, type, asking), scopes, letter, type, asking)
    : filterFrom(alternatives);
}

/** Systems, and who administers this one, are bound by their scopes alone. */
function isPersonal(scopes: readonly Scope[], { roles }: Grant): boolean {
  return scopes.some(({ level }) => level !== 'system') && !roles.includes('admin');
}

/** Alternatives that differ in their last group alone are one: scopes that name a category each. */
function joined(alternatives: Alternatives): Alternatives {
  const byStart = new Map<string, { readonly start: readonly Group[]; readonly ends: bigint[] }>();
  const others: (readonly Group[])[] = [];
  for (const groups of alternatives) {
    const lists = groups.flatMap((group) => ('without' in group ? [] : [group]));
    const end = lists.at(-1);
    if (end === undefined || lists.length < groups.length) {
      others.push(groups);
      continue;
    }
    const start = lists.slice(0, -1);
    // An empty list is one that no row fits: no list at all bounds nothing.
    const name = [start.length, ...start.map((list) => list.join())].join(' ');
    const known = byStart.get(name);
    if (known === undefined) byStart.set(name, { start, ends: [...end] });
    else known.ends.push(...end);
  }
  return [...others, ...[...byStart.values()].map(({ start, ends }) => [...start, [...new Set(ends)]])];
}

/** A write is bound to the patients whom one of the scopes is about, where all of them are about some. */
function writable(filter: RowFilter, scopes: readonly Scope[], letter: Letter, type: string, asking: Asking): RowFilter {
  const { grant, context, rights, circumstances } = asking;
  if (filter === noRows || isRead(letter) || kindOf(type, context.registry) !== 'patients') return filter;
  const subjects = new Set<bigint>();
  for (const { level } of scopes) {
    const whom =
      level === 'patient'
        ? [grant.patient ?? '']
        : mayWriteFor(grant, rights, policyRows(letter, type, asking).permittedPatients(), circumstances.breakGlass);
    if (whom === 'any') return filter;
    for (const id of whom) subjects.add(refKeyOf(context.plan.key, 'Patient', id));
  }
  const bounded = filter === 'all' ? { anyOf: [[]] } : filter;
  return { ...bounded, subjects: [...subjects] };
}

function filterFrom(anyOf: Alternatives): RowFilter {
  if (anyOf.length === 0) return noRows;
  return anyOf.some((groups) => groups.length === 0) ? 'all' : { anyOf };
}

/** The rows a scope is about, before its parameters narrow it. */
function rowsOfScope({ level }: Scope, letter: Letter, type: string, asking: Asking): Alternatives {
  const { grant, context, rights, circumstances } = asking;
  if (level === 'system') return [[]];
  const belonging = belongingToken(type, context);
  const compartment = (id: string): bigint => belonging('Patient', id);
  if (level === 'user') {
    const permitted = (): Alternatives => policyRows(letter, type, asking).permitted();
    return userRows(grant, rights, {
      letter,
      type,
      registry: context.registry,
      compartment,
      permitted,
      breakGlass: circumstances.breakGlass,
    });
  }
  if (grant.patient === undefined) return [];
  const isKnown = rights.identities !== undefined;
  if (isKnown && !isRead(letter) && grant.roles.length > 0 && grant.roles.every((role) => role === 'viewer')) return [];
  const kind = kindOf(type, context.registry);
  if (kind === 'shared') return isRead(letter) ? [[]] : [];
  if (kind !== 'patients') return [];
  return mayServe(grant.patient, grant, rights, circumstances.breakGlass) ? [[[compartment(grant.patient)]]] : [];
}

/** Of these rows what labels, consents and privileges leave to a person. */
function personalFilter(rows: Alternatives, letter: Letter, type: string, asking: Asking): RowFilter {
  const { denied, privilege, active, own, kept } = policyRows(letter, type, asking);
  if (privilege === 'refused') return noRows;
  const permitted = filterFrom(privilege === 'inactive' ? inactiveOrOwn(rows, active(), own()) : rows);
  const filter = withoutRows(permitted, denied());
  const left = kept();
  if (left.length === 0 || filter === noRows) return filter;
  return filter === 'all' ? { anyOf: [[]], kept: left } : { ...filter, kept: left };
}

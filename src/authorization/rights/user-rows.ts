import type { Registry } from '../../search/registry.ts';
import type { Alternatives } from '../../storage/filter.ts';
import type { Grant } from '../grant.ts';
import type { Role } from '../roles.ts';
import type { Letter } from '../scopes.ts';
import { kindOf } from './belonging.ts';
import type { BreakGlass } from './circumstances.ts';
import type { Rights } from './rights.ts';

export const isRead = (letter: Letter): boolean => letter === 'r' || letter === 's';

/** What user rows are decided by. */
export type Asked = {
  readonly letter: Letter;
  readonly type: string;
  readonly registry: Registry;
  readonly compartment: (patient: string) => bigint;
  /** What consents give beside. */
  readonly permitted: () => Alternatives;
  readonly breakGlass: BreakGlass | undefined;
};

/** The rows that a `user/` scope without bounds is about: those of each of the user's roles together. */
export function userRows({ roles }: Pick<Grant, 'roles'>, rights: Rights, asked: Asked): Alternatives {
  return roles.flatMap((role) => rowsOfRole(role, rights, asked));
}

function rowsOfRole(role: Role, rights: Rights, { letter, type, registry, compartment, permitted, breakGlass }: Asked): Alternatives {
  if (role === 'admin') return [[]];
  if (role === 'viewer' && !isRead(letter)) return [];
  const kind = kindOf(type, registry);
  if (kind === 'shared') return isRead(letter) ? [[]] : [];
  if (kind !== 'patients') return [];
  if (role === 'patient') return ofPatients([...rights.selves, ...rights.represented], compartment);
  if (rights.care === 'all') return [[]];
  // Who registers a patient has no relationship with him yet.
  if (type === 'Patient' && letter === 'c') return [[]];
  const broken = breakGlass === undefined ? [] : [breakGlass.patient];
  return [...ofPatients([...rights.care, ...broken], compartment), ...permitted()];
}

/** Who has no patients may ask for them all the same, and finds none. */
function ofPatients(ids: readonly string[], compartment: (patient: string) => bigint): Alternatives {
  return [[[...new Set(ids)].map(compartment)]];
}

/** Whether the user may be about this patient at all: the bound of his `patient/` scopes. Of whom nothing is told, the token's word is taken. */
export function mayServe(patient: string, { roles }: Pick<Grant, 'roles'>, rights: Rights, breakGlass: BreakGlass | undefined): boolean {
  if (rights.identities === undefined || roles.includes('admin')) return true;
  if (roles.includes('patient') && [...rights.selves, ...rights.represented].includes(patient)) return true;
  const cares = roles.includes('provider') || roles.includes('viewer');
  if (!cares) return false;
  return rights.care === 'all' || rights.care.includes(patient) || breakGlass?.patient === patient;
}

/**
 * The patients whose rows the user may write; `any` where he isn't bound to some.
 *
 * @param permitted  whom consents add
 */
export function mayWriteFor(
  { roles }: Pick<Grant, 'roles'>,
  rights: Rights,
  permitted: readonly string[],
  breakGlass: BreakGlass | undefined,
): 'any' | readonly string[] {
  if (roles.includes('admin')) return 'any';
  const own = roles.includes('patient') ? [...rights.selves, ...rights.represented] : [];
  if (!roles.includes('provider')) return own;
  if (rights.care === 'all') return 'any';
  return [...own, ...rights.care, ...permitted, ...(breakGlass === undefined ? [] : [breakGlass.patient])];
}

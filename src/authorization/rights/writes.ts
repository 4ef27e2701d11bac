import type { Alternatives, Group } from '../../storage/filter.ts';

/** How a write of a type that rights follow from is bound. */
export type Privilege = 'free' | 'refused' | 'inactive';

/** Types whose resources change who may do what, or what others' resources mean. */
const privilegedTypes = new Set([
  'CareTeam',
  'CodeSystem',
  'CompartmentDefinition',
  'Person',
  'SearchParameter',
  'StructureDefinition',
  'ValueSet',
]);

/**
 * Who may write what rights follow from: administrators and systems all of it, others what PRIVILEGED_WRITERS gives to their role. All
 * others may write a Consent that isn't active, which has no effect until somebody who may makes it active.
 *
 * @param writers  roles by type
 */
export function privilegeOf(type: string, roles: readonly string[], writers: ReadonlyMap<string, readonly string[]>): Privilege {
  if (type !== 'Consent' && !privilegedTypes.has(type)) return 'free';
  if (roles.includes('admin') || roles.some((role) => writers.get(type)?.includes(role))) return 'free';
  return type === 'Consent' ? 'inactive' : 'refused';
}

/**
 * The rows of Consents that a caller without the privilege may write: those without effect, and the patient's own.
 *
 * @param active  tokens of what has an effect
 * @param own     compartments of the patients whom the caller is himself
 */
export function inactiveOrOwn(rows: Alternatives, active: readonly bigint[], own: readonly bigint[]): Alternatives {
  const inactive: Group = { without: active };
  return rows.flatMap((groups) => [[...groups, inactive], ...(own.length === 0 ? [] : [[...groups, own]])]);
}

import { isId, parseReference } from '../fhir/references.ts';
import type { Clause } from './query.ts';
import { unescape } from './values.ts';

/** Tells which of these Patients were erased. */
export type ErasedAmong = (ids: readonly string[]) => Promise<ReadonlySet<string>>;

/** Events of ours outlive the patients whom they concern: by whom they name they must not be found any more. */
export function namesPatients({ param, modifier }: Clause): boolean {
  if (param.type !== 'reference' || modifier === 'missing' || modifier === 'identifier') return false;
  return param.elements.some(({ element }) => element.path === 'AuditEvent.entity.what' || element.path === 'AuditEvent.agent.who');
}

/** The clause without the values that name erased patients: as if no event had ever named them. */
export async function withoutErased(clause: Clause, base: string, erasedAmong: ErasedAmong): Promise<Clause> {
  const named = clause.values.map((text) => patientNamed(unescape(text), clause, base));
  const ids = named.filter((id) => id !== undefined);
  if (ids.length === 0) return clause;
  const erased = await erasedAmong(ids);
  return erased.size === 0 ? clause : { ...clause, values: clause.values.filter((_, at) => !erased.has(named[at] ?? '')) };
}

function patientNamed(text: string, { modifier }: Clause, base: string): string | undefined {
  if (isId(text)) return modifier === undefined || modifier === 'Patient' ? text : undefined;
  const reference = parseReference(text, base);
  return reference.kind === 'local' && reference.type === 'Patient' ? reference.id : undefined;
}

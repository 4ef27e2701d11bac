import { token } from '../../encryption/token.ts';
import { compartmentPartsIn, securityContextPath } from '../../search/extract.ts';
import type { Registry } from '../../search/registry.ts';
import type { TokenContext } from './token-groups.ts';

/** Shared resources that hold no patient's data: whoever is known may read and search them; only administrators and systems write them. */
const sharedTypes = new Set([
  'CodeSystem',
  'HealthcareService',
  'Location',
  'Medication',
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'Questionnaire',
  'StructureDefinition',
  'ValueSet',
]);

/** Members of a patient's compartment that tell of other patients, or are the operator's. */
const operatorsTypes = new Set(['AuditEvent', 'Group']);

/**
 * What R4 leaves out of the patient's compartment, and is a patient's all the same where this element names him: his pacemaker, what is to be
 * done for him, a file that was put under his protection. What names none stays the administrators'.
 */
const namingPaths: Readonly<Record<string, string>> = {
  Binary: securityContextPath,
  Device: 'Device.patient',
  Task: 'Task.for',
};

/** What kind of resources a type's are, as far as access goes. */
export function kindOf(type: string, registry: Registry): 'operators' | 'patients' | 'shared' | 'other' {
  if (operatorsTypes.has(type)) return 'operators';
  if (type in namingPaths || mayBelong(type, 'Patient', registry)) return 'patients';
  return sharedTypes.has(type) ? 'shared' : 'other';
}

/** Whether a resource of the type may be in somebody's record, or is the one that the record is of. */
export function mayBelong(type: string, compartment: string, registry: Registry): boolean {
  if (type === compartment || (compartment === 'Patient' && type in namingPaths)) return true;
  return registry.of(type).compartments.some((each) => each.compartment === compartment);
}

/** The token that the rows of a type have which belong to somebody: to their compartment, or by the element that names him. */
export function belongingToken(type: string, { plan }: TokenContext): (compartment: string, id: string) => bigint {
  const path = namingPaths[type];
  return (compartment, id) =>
    path !== undefined && compartment === 'Patient'
      ? token(plan.key, 'r', path, `Patient/${id}`)
      : token(plan.key, ...compartmentPartsIn(type, compartment, id, plan.key));
}

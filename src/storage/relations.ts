/** The types that have a partition of their own in the first migration; all others share `resource_other`. */
const heavyTypes = new Set([
  'Patient',
  'Encounter',
  'Observation',
  'MedicationStatement',
  'MedicationRequest',
  'Condition',
  'Procedure',
  'DiagnosticReport',
  'Immunization',
  'AllergyIntolerance',
  'DocumentReference',
  'Appointment',
  'Claim',
  'ExplanationOfBenefit',
]);

/**
 * The table to name for a type. Naming the partition itself spares PostgreSQL opening the others; audit events stand
 * apart because privileges are checked on the table that a statement names.
 */
export function relationOf(type: string): string {
  assertTypeName(type);
  if (type === 'AuditEvent') return 'audit_event';
  return heavyTypes.has(type) ? `resource_${type.toLowerCase()}` : 'resource_other';
}

/** `type = 'Observation'` for an alias: a literal, so that every plan knows the partition and the index's first column. */
export function typeIs(alias: string, type: string): string {
  assertTypeName(type);
  return `${alias}.type = '${type}'`;
}

/**
 * The same where rows are not found by `type` and `ref_key` together: true in a relation that holds no other type, because
 * PostgreSQL would count the condition as selective and read an index for it.
 */
export function onlyType(alias: string, type: string): string {
  return relationOf(type) === 'resource_other' ? typeIs(alias, type) : 'true';
}

/** Type names reach SQL as literals, so nothing else may. */
function assertTypeName(type: string): void {
  if (!/^[A-Z][A-Za-z]{1,63}$/.test(type)) throw new Error('not a resource type');
}

/**
 * R4's invariants whose published expression doesn't say what the invariant says, and how they are read instead. HL7's own
 * validator reads most of them so as well; the others R4B or R5 mended. Found by the words of the expression, so that profiles,
 * whose snapshots repeat them, are read alike.
 */
const CORRECTIONS: ReadonlyMap<string, string> = new Map([
  // adf-0, csd-0, vsd-0, …: "Name should be usable as an identifier" is about a name that is there, and about all of it.
  ["name.matches('[A-Z]([A-Za-z0-9_]){0,254}')", "name.exists() implies name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')"],
  // app-4: the code is `noshow`.
  [
    "Appointment.cancelationReason.exists() implies (Appointment.status='no-show' or Appointment.status='cancelled')",
    "Appointment.cancelationReason.exists() implies (Appointment.status='noshow' or Appointment.status='cancelled')",
  ],
  // bdl-8: an entry may have no fullUrl.
  ["fullUrl.contains('/_history/').not()", "fullUrl.exists() implies fullUrl.contains('/_history/').not()"],
  // con-3: a concept is never equal to a text, so that any category would do; it is the code that counts.
  [
    "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.select($this='problem-list-item').empty()",
    "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-category' and code = 'problem-list-item').empty()",
  ],
  // dom-3: a contained resource without an id is referred to by nobody; `#` may stand in a uri too.
  [
    "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | %resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()",
    "contained.where(((id.exists() and ('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | %resource.descendants().as(uri) | %resource.descendants().as(url)))) or descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(uri) = '#').exists()).not()).trace('unmatched', id).empty()",
  ],
  // dom-6: contained resources shouldn't have a narrative; their container has it.
  ['text.`div`.exists()', '%rootResource != $this or text.`div`.exists()'],
  // eld-19, eld-20: about the whole of the path.
  [
    String.raw`path.matches('[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\.[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\[x\\])?(\\:[^\\s\\.]+)?)*')`,
    String.raw`path.matches('^[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\.[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\[x\\])?(\\:[^\\s\\.]+)?)*$')`,
  ],
  [
    String.raw`path.matches('[A-Za-z][A-Za-z0-9]*(\\.[a-z][A-Za-z0-9]*(\\[x])?)*')`,
    String.raw`path.matches('^[A-Za-z][A-Za-z0-9]*(\\.[a-z][A-Za-z0-9]*(\\[x])?)*$')`,
  ],
  // opd-3: a parameter's type may name a type of resource, for which target profiles make sense too.
  [
    "targetProfile.exists() implies (type = 'Reference' or type = 'canonical')",
    "targetProfile.exists() implies (type = 'Reference' or type = 'canonical' or type.memberOf('http://hl7.org/fhir/ValueSet/resource-types'))",
  ],
  // per-1: an end of a lower precision takes in all that matches it (https://hl7.org/fhir/R4/datatypes.html#period), so what may be
  // in order is; R5 asks for the low boundary of the one and the high boundary of the other.
  [
    'start.hasValue().not() or end.hasValue().not() or (start <= end)',
    'start.hasValue().not() or end.hasValue().not() or (start <= end) or (start <= end).empty()',
  ],
  // que-12: "if there are more than one".
  ['enableWhen.count() > 2 implies enableBehavior.exists()', 'enableWhen.count() >= 2 implies enableBehavior.exists()'],
  // ras-2: a prediction may have no probability.
  [
    'probability is decimal implies (probability as decimal) <= 100',
    'probability.empty() or ((probability is decimal) implies ((probability as decimal) <= 100))',
  ],
  // ref-1: a reference may have no more than an identifier; `#` is the resource that contains this one.
  [
    "reference.startsWith('#').not() or (reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))",
    "reference.exists() implies (reference = '#' or reference.startsWith('#').not() or (reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids')))",
  ],
  // tim-9: `in` asks of one item; there may be several moments.
  [
    "offset.empty() or (when.exists() and ((when in ('C' | 'CM' | 'CD' | 'CV')).not()))",
    "offset.empty() or (when.exists() and when.select($this in ('C' | 'CM' | 'CD' | 'CV')).allFalse())",
  ],
  // US Core 3.1.1, pd-1 and its like: several telecoms are no truth value.
  ['telecom or endpoint', 'telecom.exists() or endpoint.exists()'],
]);

/** The expression to evaluate for one that is published: itself, but for a few. */
export function corrected(expression: string): string {
  return CORRECTIONS.get(expression) ?? expression;
}

/** For tests: the published expressions that are read otherwise. */
export const CORRECTED: Iterable<string> = CORRECTIONS.keys();

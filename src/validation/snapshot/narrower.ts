import type { ElementDefinition } from '../../fhir/structure-definition.ts';
import { ElementFault } from './element-fault.ts';

/**
 * A profile may only narrow what its base allows.
 *
 * @throws ElementFault if the change allows more
 * @see    https://hl7.org/fhir/R4/profiling.html#limitations
 */
export function assertNarrower(before: ElementDefinition, change: ElementDefinition): void {
  const min = change.min ?? before.min ?? 0;
  const max = limit(change.max ?? before.max);
  if (change.max !== undefined && max > limit(before.max)) {
    throw wider(`may come ${change.max} times, but only ${before.max} in its base: lower its max`);
  }
  if (change.min !== undefined && change.min < (before.min ?? 0)) {
    throw wider(`must come ${change.min} times, but ${before.min} in its base: raise its min`);
  }
  if (min > max) throw wider(`must come ${min} times and may only ${max}: mend its min or max`);
  assertTypes(before, change);
}

/** Types that stand for others. */
const general = new Set(['Resource', 'DomainResource', 'Element', 'BackboneElement', 'DataType', '*']);

function assertTypes(before: ElementDefinition, change: ElementDefinition): void {
  const codes = (before.type ?? []).map(({ code }) => code);
  // R4 says System.String of ids and urls, profiles the type that these have.
  if (codes.length === 0 || codes.some((code) => general.has(code) || code.startsWith('http://hl7.org/fhirpath/'))) return;
  const added = (change.type ?? []).find(({ code }) => !codes.includes(code));
  if (added !== undefined) throw wider(`has the type ${added.code}, but its base only ${codes.join(', ')}: take one of these`);
}

const limit = (max: string | undefined): number => (max === undefined || max === '*' ? Number.POSITIVE_INFINITY : Number(max));

const wider = (sentence: string): ElementFault => new ElementFault('snapshot-wider', `${sentence}.`);

import { parseFhirDate } from '../../fhir/dates.ts';
import type { Json } from '../../fhir/json.ts';
import type { ElementDefinition } from '../../fhir/structure-definition.ts';
import { isObject } from '../resolve.ts';

/** The value of `fixed[x]`, `pattern[x]`, `minValue[x]` or `maxValue[x]`, whatever its type. */
export function choiceValue(element: ElementDefinition, stem: 'fixed' | 'pattern' | 'minValue' | 'maxValue'): Json | undefined {
  for (const name in element) {
    const first = name.charCodeAt(stem.length);
    if (first >= 0x41 && first <= 0x5a && name.startsWith(stem)) return element[name] as Json | undefined;
  }
  return undefined;
}

/** Exactly the same, whatever the order of members; decimals by their value. @see https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_ */
export function equalsFixed(value: Json | undefined, fixed: Json): boolean {
  if (value === undefined || typeof fixed !== 'object' || fixed === null) return value === fixed;
  if (Array.isArray(fixed)) {
    return Array.isArray(value) && value.length === fixed.length && fixed.every((item, index) => equalsFixed(value[index], item));
  }
  if (!isObject(value)) return false;
  const count = (object: object): number => Object.values(object).filter((member) => member !== undefined).length;
  return (
    count(value) === count(fixed) &&
    Object.entries(fixed).every(([name, member]) => member === undefined || equalsFixed(value[name], member))
  );
}

/** At least what the pattern has; each item of its arrays is matched by some item. @see https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_ */
export function matchesPattern(value: Json | undefined, pattern: Json): boolean {
  if (value === undefined || typeof pattern !== 'object' || pattern === null) return value === pattern;
  if (Array.isArray(pattern)) return Array.isArray(value) && pattern.every((item) => value.some((own) => matchesPattern(own, item)));
  if (!isObject(value)) return false;
  for (const name in pattern) {
    const member = pattern[name];
    if (member !== undefined && !matchesPattern(value[name], member)) return false;
  }
  return true;
}

/**
 * The first place where a value departs from a fixed value or pattern, as steps below it (`.coding[0].code`; empty: the value
 * itself), so that a message can point to it.
 */
export function departureOf(value: Json | undefined, expected: Json): string {
  if (!isObject(value) || !isObject(expected)) return '';
  for (const [name, member] of Object.entries(expected)) {
    const own = value[name];
    if (member === undefined || matchesPattern(own, member)) continue;
    const deeper = departureOf(own, member);
    return `.${name}${deeper}`;
  }
  return '';
}

/** What a profile demands, as text for a message: it is the profile's, so that it may be quoted. */
export function written(expected: Json): string {
  if (typeof expected === 'string') return `"${expected}"`;
  if (isObject(expected)) {
    const coded = codesIn(expected);
    if (coded !== undefined) return coded;
  }
  const text = JSON.stringify(expected);
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}…`;
}

const TEXT_MAX = 300;

/** `http://loinc.org|8480-6` for a Coding, a CodeableConcept of them, or a Quantity's unit. */
function codesIn(expected: { readonly [name: string]: Json | undefined }): string | undefined {
  const { coding, system, code } = expected;
  const names = Object.keys(expected).filter((name) => name !== 'display');
  if (typeof system === 'string' && typeof code === 'string' && names.length === 2) return `${system}|${code}`;
  if (!Array.isArray(coding) || names.length !== 1) return undefined;
  const codes = coding.map((item) => (isObject(item) ? codesIn(item) : undefined));
  return codes.every((item) => item !== undefined) ? codes.join(' and ') : undefined;
}

/** Whether a value is below (-1) or above (1) a bound, 0 if it is neither, or the two can't be compared. */
export function compareToBound(value: Json, bound: Json): -1 | 0 | 1 {
  if (typeof value === 'number' && typeof bound === 'number') return Math.sign(value - bound) as -1 | 0 | 1;
  if (typeof value === 'string' && typeof bound === 'string') return compareTimes(value, bound);
  if (!isObject(value) || !isObject(bound) || typeof value.value !== 'number' || typeof bound.value !== 'number') return 0;
  const isSameUnit = bound.code === undefined ? value.unit === bound.unit : value.code === bound.code && value.system === bound.system;
  return isSameUnit ? compareToBound(value.value, bound.value) : 0;
}

/** A date of less precision is compared as all the time it names: 2024 is neither before nor after 2024-05. */
function compareTimes(value: string, bound: string): -1 | 0 | 1 {
  const [time, limit] = [parseFhirDate(value), parseFhirDate(bound)];
  if (time !== undefined && limit !== undefined) return time.until <= limit.from ? -1 : time.from >= limit.until ? 1 : 0;
  if (!TIME.test(value) || !TIME.test(bound) || value === bound) return 0;
  return value < bound ? -1 : 1;
}

const TIME = /^\d\d:\d\d:\d\d/;

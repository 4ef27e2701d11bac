import type { Json } from '../fhir/json.ts';
import type { ConstraintDef, Schema } from '../fhir/schema.ts';
import type { Invariant } from '../fhirpath/invariant.ts';
import type { Rules, ValidationOptions } from './rules.ts';
import { note, pathOf, type Walk } from './walk.ts';

/** Those that checks of ours decide: in less time than FHIRPath takes, or with words of their own. */
const DECIDED = new Set([
  ...['ele-1', 'ext-1', 'dom-2', 'dom-3', 'dom-4', 'dom-5', 'dom-6', 'ref-1', 'txt-1', 'txt-2'],
  ...['bdl-1', 'bdl-2', 'bdl-3', 'bdl-4', 'bdl-5', 'bdl-7', 'bdl-8', 'bdl-9', 'bdl-10', 'bdl-11', 'bdl-12'],
]);

/**
 * Makes checks of invariants; each is compiled when it is first met.
 *
 * @param type    of the items
 * @param source  the definition that states them: `Organization`
 */
export function rulesOfInvariants(
  schema: Schema,
  rules: Rules,
  constraints: readonly ConstraintDef[],
  type: string,
  source: string,
): ((walk: Walk, item: Json) => void)[] {
  return constraints.flatMap((constraint) => {
    const severity = severityOf(constraint, rules.options);
    return DECIDED.has(constraint.key) || severity === 'ignore' ? [] : [ruleOf(schema, rules, constraint, severity, type, source)];
  });
}

/** What breaking an invariant is told as. */
export function severityOf(
  { key, severity, bestPractice }: Pick<ConstraintDef, 'key' | 'severity' | 'bestPractice'>,
  options: Pick<ValidationOptions, 'bestPractice'>,
): 'ignore' | 'information' | 'warning' | 'error' {
  if (bestPractice !== true) return severity;
  return options.bestPractice ?? (key === 'dom-6' ? 'information' : 'warning');
}

/**
 * Reports what breaks an invariant of the standard at the very place that does, which is below what the invariant is about.
 *
 * @param type   that states it: `Bundle`
 * @param place  the steps from the walk's present place to there
 * @param about  how many of these steps lead to what the invariant is about; negative: so many steps above the present place
 */
export function breakAt(walk: Walk, key: string, type: string, place: readonly (string | number)[], sentence: string, about = 0): void {
  for (const step of place) walk.path[walk.depth++] = step;
  const end = walk.depth;
  walk.depth += about - place.length;
  const around = pathOf(walk);
  walk.depth = end;
  const also = about === place.length ? [] : [around];
  note(walk, 'error', 'invariant', `invariant-${key}`, sentence, standardRule(type, key), ...also);
  walk.depth -= place.length;
}

/** Where a type of the standard is defined, as an issue's rule names it. */
export function standardRule(type: string, key: string): { profile: string; version: string; key: string } {
  const [name] = type.split('.');
  return { profile: `http://hl7.org/fhir/StructureDefinition/${name}`, version: '4.0.1', key };
}

function ruleOf(
  schema: Schema,
  { compileInvariant, prepareLibrary }: Rules,
  { key, human, expression }: ConstraintDef,
  severity: 'information' | 'warning' | 'error',
  type: string,
  source: string,
): (walk: Walk, item: Json) => void {
  let invariant: Invariant | undefined;
  return (walk, item) => {
    invariant ??= compileInvariant(expression, type, schema);
    if (invariant === undefined) walk.needs.set('fhirpath', prepareLibrary);
    else if (invariant(item, walk.scope) === false)
      note(walk, severity, 'invariant', `invariant-${key}`, `breaks ${key}: ${human}`, standardRule(source, key));
  };
}

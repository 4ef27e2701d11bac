import type { Json } from '../../fhir/json.ts';
import { constraintsOf } from '../../fhir/schema.ts';
import type { Constraint, ElementDefinition } from '../../fhir/structure-definition.ts';
import type { Invariant } from '../../fhirpath/invariant.ts';
import { type Base, type Compiler, fault, type ItemCheck } from './compiler.ts';
import { typeNamed } from './conforming.ts';
import type { Node } from './tree.ts';
import { choiceValue, compareToBound, departureOf, equalsFixed, matchesPattern, written } from './values.ts';

/** What a value itself has to be by an element: fixed, pattern, length, bounds and invariants, as far as its type doesn't say so. */
export function valueChecks(compiler: Compiler, node: Node, base: Base, sliced: Node | undefined): ItemCheck[] {
  const { element } = node;
  const checks: ItemCheck[] = [];
  // What holds for all items was checked with the element that is sliced.
  const isNew = (name: string): boolean => sliced === undefined || JSON.stringify(element[name]) !== JSON.stringify(sliced.element[name]);
  for (const name of Object.keys(element)) {
    const check = /^(?:fixed|pattern|minValue|maxValue|maxLength)/.test(name) && isNew(name) ? facet(compiler, node, name) : undefined;
    if (check !== undefined) checks.push(check);
  }
  for (const constraint of element.constraint ?? []) {
    if (sliced?.element.constraint?.some(({ key }) => key === constraint.key)) continue;
    if (isOfBase(compiler, base, constraint)) continue;
    const check = constraintCheck(compiler, node, constraint);
    if (check !== undefined) checks.push(check);
  }
  return checks;
}

function facet(compiler: Compiler, node: Node, name: string): ItemCheck | undefined {
  const { element } = node;
  if (name.startsWith('fixed')) return fixedCheck(compiler, node, choiceValue(element, 'fixed'));
  if (name.startsWith('pattern')) return patternCheck(compiler, node, choiceValue(element, 'pattern'));
  if (name === 'maxLength') return lengthCheck(compiler, node, element);
  return boundCheck(compiler, node, name.startsWith('minValue') ? 'minValue' : 'maxValue');
}

function fixedCheck(compiler: Compiler, node: Node, fixed: Json | undefined): ItemCheck | undefined {
  if (fixed === undefined) return undefined;
  return (walk, { value, shadow }) => {
    if (equalsFixed(value, fixed)) {
      if (shadow === undefined) return;
      const sentence = `is fixed to ${written(fixed)} by ${compiler.definition.url}, without id or extensions: leave them out.`;
      return fault(compiler, walk, { code: 'value', id: 'profile-fixed', key: node.id }, sentence);
    }
    const sentence = `must be exactly what ${compiler.definition.url} fixes it to, ${written(fixed)}: write this.`;
    fault(compiler, walk, { code: 'value', id: 'profile-fixed', key: node.id }, sentence);
  };
}

function patternCheck(compiler: Compiler, node: Node, pattern: Json | undefined): ItemCheck | undefined {
  if (pattern === undefined) return undefined;
  return (walk, { value }) => {
    if (matchesPattern(value, pattern)) return;
    const departure = departureOf(value, pattern);
    const where = departure === '' ? '' : `, and departs from it at ${departure.slice(1)}`;
    const sentence = `must have what ${compiler.definition.url} asks for, ${written(pattern)}${where}: add it.`;
    fault(compiler, walk, { code: 'value', id: 'profile-pattern', key: node.id }, sentence);
  };
}

function lengthCheck(compiler: Compiler, node: Node, { maxLength = Infinity }: ElementDefinition): ItemCheck {
  return (walk, { value }) => {
    // A character outside the basic plane counts once.
    if (typeof value !== 'string' || value.length <= maxLength || [...value].length <= maxLength) return;
    const sentence = `has more than the ${maxLength} characters that ${compiler.definition.url} allows: shorten it.`;
    fault(compiler, walk, { code: 'too-long', id: 'profile-length', key: node.id }, sentence);
  };
}

function boundCheck(compiler: Compiler, node: Node, stem: 'minValue' | 'maxValue'): ItemCheck | undefined {
  const bound = choiceValue(node.element, stem);
  if (bound === undefined) return undefined;
  const [wrong, words] = stem === 'minValue' ? [-1, 'less than the least'] : [1, 'more than the most'];
  return (walk, { value }) => {
    if (value === undefined || compareToBound(value, bound) !== wrong) return;
    const sentence = `is ${words} that ${compiler.definition.url} allows, ${written(bound)}.`;
    fault(compiler, walk, { code: 'value', id: 'profile-range', key: node.id }, sentence);
  };
}

/** A snapshot repeats the invariants of all it derives from; those of types are checked with the type. */
function isOfBase({ schema }: Compiler, { types, properties }: Base, { key, source }: Constraint): boolean {
  if (source !== undefined && (typeNamed(schema, source) ?? schema(source)?.name) !== undefined) return true;
  if (properties.some(({ definition }) => definition.constraints?.some((own) => own.key === key))) return true;
  return types.some((type) => constraintsOf(schema, type).some((own) => own.key === key));
}

function constraintCheck(compiler: Compiler, node: Node, constraint: Constraint): ItemCheck | undefined {
  const { key, human, expression } = constraint;
  const severity = severityOf(compiler, constraint);
  if (expression === undefined || severity === 'ignore') return undefined;
  const invariants = new Map<string, Invariant | 'unreadable'>();
  return (walk, { value, type, shadow }) => {
    if (value === undefined) return;
    let invariant = invariants.get(type);
    if (invariant === undefined) {
      invariant = compiled(compiler, expression, type);
      if (invariant === undefined) {
        walk.needs.set('fhirpath', compiler.prepareLibrary);
        return;
      }
      invariants.set(type, invariant);
    }
    if (invariant === 'unreadable') {
      const sentence = `was not checked for ${key} of ${compiler.definition.url}, whose expression is no FHIRPath.`;
      return fault(compiler, walk, { severity: 'information', code: 'not-supported', id: 'invariant-unreadable', key }, sentence);
    }
    if (invariant(value, walk.scope, shadow) !== false) return;
    fault(
      compiler,
      walk,
      { severity, code: 'invariant', id: `invariant-${key}`, key },
      `breaks ${key} of ${compiler.definition.url}: ${human}`,
    );
  };
}

const BEST_PRACTICE = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice';

function severityOf(
  { bestPractice = 'warning' }: Compiler,
  { severity, extension = [] }: Constraint,
): 'ignore' | 'information' | 'warning' | 'error' {
  return extension.some(({ url, valueBoolean }) => url === BEST_PRACTICE && valueBoolean === true) ? bestPractice : severity;
}

function compiled({ compileInvariant, schema }: Compiler, expression: string, type: string): Invariant | 'unreadable' | undefined {
  try {
    return compileInvariant(expression, type, schema);
  } catch {
    return 'unreadable';
  }
}

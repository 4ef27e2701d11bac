import type { Concept } from './code-system.ts';
import { type Ecl, parseEcl } from './ecl.ts';
import type { Grammar } from './system.ts';
import type { Filter } from './value-set.ts';

/** How one code system tells what a filter asks of a concept. */
export type Hierarchy = {
  /** All that the concept is a kind of, without itself. */
  readonly ancestors: (concept: Concept) => ReadonlySet<string>;
  readonly property?: Grammar['property'];
};

type Test = (concept: Concept, hierarchy: Hierarchy) => boolean;

/**
 * A filter as a test of concepts.
 *
 * @returns undefined if it isn't answered here: then nothing can be said of any concept
 * @see     https://hl7.org/fhir/R4/valueset-filter-operator.html
 */
export function testOf({ property, op, value }: Filter): Test | undefined {
  const values = valuesOf(property);
  switch (op) {
    case 'is-a':
      return (concept, { ancestors }) => concept.code === value || ancestors(concept).has(value);
    case 'descendent-of':
      return (concept, { ancestors }) => concept.code !== value && ancestors(concept).has(value);
    case 'is-not-a':
      return (concept, { ancestors }) => concept.code !== value && !ancestors(concept).has(value);
    case '=': {
      if (property !== 'constraint') return (concept, hierarchy) => values(concept, hierarchy).includes(wanted(property, value, hierarchy));
      const constraint = parseEcl(value);
      return constraint === undefined || !isDownward(constraint)
        ? undefined
        : (concept, hierarchy) => satisfies(constraint, concept, hierarchy);
    }
    case 'in':
    case 'not-in': {
      const listed = new Set(value.split(',').map((each) => each.trim()));
      return (concept, hierarchy) => values(concept, hierarchy).some((each) => listed.has(each)) === (op === 'in');
    }
    case 'exists':
      return (concept, hierarchy) => values(concept, hierarchy).length > 0 === (value === 'true');
    case 'regex': {
      const pattern = safePattern(value);
      if (pattern === undefined) return undefined;
      return (concept, hierarchy) => values(concept, hierarchy).some((each) => each.length <= 200 && pattern.test(each));
    }
    default:
      return undefined;
  }
}

/** Units are compared by what they measure, not by how that is written. */
function wanted(property: string, value: string, hierarchy: Hierarchy): string {
  return hierarchy.property?.(value, property) ?? value;
}

function valuesOf(property: string): (concept: Concept, hierarchy: Hierarchy) => readonly string[] {
  switch (property) {
    case 'concept':
    case 'code':
      return ({ code }) => [code];
    case 'display':
      return ({ display }) => (display === undefined ? [] : [display]);
    case 'definition':
      return ({ definition }) => (definition === undefined ? [] : [definition]);
    case 'parent':
      return ({ parents }) => parents;
    case 'child':
      return ({ children }) => children;
    case 'ancestor':
      return (concept, { ancestors }) => [...ancestors(concept)];
    case 'inactive':
      return ({ inactive }) => [String(inactive)];
    case 'notSelectable':
      return ({ abstract }) => [String(abstract)];
    default:
      return (concept, hierarchy) => {
        const told = hierarchy.property?.(concept.code, property);
        if (told !== undefined) return [told];
        return concept.properties.filter(({ code }) => code === property).map(({ value }) => value);
      };
  }
}

/** What stands above a named concept isn't told by that which stands below. */
function isDownward(constraint: Ecl): boolean {
  if ('left' in constraint) return isDownward(constraint.left) && isDownward(constraint.right);
  return !['above', 'above-or-self', 'parents'].includes(constraint.kind);
}

function satisfies(constraint: Ecl, concept: Concept, hierarchy: Hierarchy): boolean {
  switch (constraint.kind) {
    case 'and':
      return satisfies(constraint.left, concept, hierarchy) && satisfies(constraint.right, concept, hierarchy);
    case 'or':
      return satisfies(constraint.left, concept, hierarchy) || satisfies(constraint.right, concept, hierarchy);
    case 'minus':
      return satisfies(constraint.left, concept, hierarchy) && !satisfies(constraint.right, concept, hierarchy);
    case 'self':
      return concept.code === constraint.code;
    case 'below':
      return hierarchy.ancestors(concept).has(constraint.code);
    case 'below-or-self':
      return concept.code === constraint.code || hierarchy.ancestors(concept).has(constraint.code);
    case 'children':
      return concept.parents.includes(constraint.code);
    default:
      return true;
  }
}

/**
 * A regular expression that is matched in bounded time, against the whole value: short, without references back or ahead, without
 * repeated groups, and with few repetitions.
 */
function safePattern(source: string): RegExp | undefined {
  const repetitions = source.match(/[*+]|\{\d*,\d*\}/g)?.length ?? 0;
  if (source.length > 200 || repetitions > 3 || /\)[*+{]|\\[1-9k]|\(\?/.test(source)) return undefined;
  try {
    return new RegExp(`^(?:${source})$`, 'u');
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

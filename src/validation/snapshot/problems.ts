import { FhirError, type Issue, issue } from '../../fhir/error.ts';
import type { JsonObject } from '../../fhir/json.ts';
import type { StructureDefinition } from '../../fhir/structure-definition.ts';
import type { Validator, ValidatorParts } from '../validate.ts';
import { isFault } from '../walk.ts';
import { completeSnapshot } from './complete.ts';
import { treeOf } from './tree.ts';

type Find = Parameters<typeof completeSnapshot>[1];
type Invariants = Pick<ValidatorParts, 'schema' | 'compileInvariant' | 'prepareLibrary'>;

/** What only something else lacks: a definition may be stored before those it builds on. */
const lacking: ReadonlySet<string> = new Set(['snapshot-base-unknown', 'snapshot-type-unknown']);

/** A validator that also says of a StructureDefinition whether anything could be validated by it. */
export function validatingDefinitions(validator: Validator, find: Find, invariants: Invariants): Validator {
  const problemsOf = async (validated: ReturnType<Validator['validate']>, definition: JsonObject): Promise<readonly Issue[]> => {
    const issues = await validated;
    if (issues.some(isFault)) return issues;
    return [...issues, ...(await snapshotProblems(definition, find)), ...(await expressionProblems(definition, invariants))];
  };
  return {
    validate(document, asked) {
      const issues = validator.validate(document, asked);
      return document.value.resourceType === 'StructureDefinition' ? problemsOf(issues, document.value) : issues;
    },
  };
}

/** Invariants that nobody could ever check, as they are no FHIRPath; each expression is told of once. */
async function expressionProblems(value: JsonObject, { schema, compileInvariant, prepareLibrary }: Invariants): Promise<Issue[]> {
  const definition = value as unknown as StructureDefinition;
  const seen = new Set<string>();
  const found: Issue[] = [];
  for (const part of ['differential', 'snapshot'] as const) {
    for (const [index, { constraint = [] }] of (definition[part]?.element ?? []).entries()) {
      for (const [at, { key, expression }] of constraint.entries()) {
        if (expression === undefined || seen.has(expression)) continue;
        seen.add(expression);
        try {
          if (compileInvariant(expression, 'Element', schema) !== undefined) continue;
          await prepareLibrary();
          compileInvariant(expression, 'Element', schema);
        } catch (error) {
          if (!(error instanceof FhirError)) throw error;
          const place = `StructureDefinition.${part}.element[${index}].constraint[${at}].expression`;
          const text = `${place} is no FHIRPath, so that ${key} can never be checked: correct it.`;
          if (found.length < PROBLEMS_MAX) found.push(issue('value', 'snapshot-expression', text, place));
        }
      }
    }
  }
  return found;
}

const PROBLEMS_MAX = 50;

/**
 * Why there is no snapshot of a profile and none can be made, by the elements of its differential that are at fault; that something it
 * builds on isn't known here is only told.
 *
 * @param value  a StructureDefinition that is shaped as one
 */
export async function snapshotProblems(value: JsonObject, find: Find): Promise<readonly Issue[]> {
  const definition = value as unknown as StructureDefinition;
  if (definition.derivation !== 'constraint') return [];
  const elements = definition.snapshot?.element ?? [];
  if (elements.length > 0) {
    const root = treeOf(elements);
    if (root?.name === definition.type) return [];
    const text = `The snapshot is none of ${definition.type}: its first element has to be that, and each of the others one below an element before it. Leave the snapshot out to have it made from the differential.`;
    return [issue('structure', 'snapshot-malformed', text, 'StructureDefinition.snapshot')];
  }
  try {
    await completeSnapshot(definition, find);
    return [];
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    return error.issues.map((found) => (lacking.has(found.id) ? { ...found, severity: 'information', code: 'incomplete' } : found));
  }
}

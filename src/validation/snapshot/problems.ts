import { FhirError, type Issue, issue } from '../../fhir/error.ts';
import type { JsonObject } from '../../fhir/json.ts';
import type { StructureDefinition } from '../../fhir/structure-definition.ts';
import type { Validator } from '../validate.ts';
import { isFault } from '../walk.ts';
import { completeSnapshot } from './complete.ts';
import { treeOf } from './tree.ts';

type Find = Parameters<typeof completeSnapshot>[1];

/** What only something else lacks: a definition may be stored before those it builds on. */
const lacking: ReadonlySet<string> = new Set(['snapshot-base-unknown', 'snapshot-type-unknown']);

/** A validator that also says of a StructureDefinition whether anything could be validated by it. */
export function validatingDefinitions(validator: Validator, find: Find): Validator {
  return {
    validate(document, asked) {
      const issues = validator.validate(document, asked);
      return document.value.resourceType === 'StructureDefinition' ? withProblems(issues, document.value, find) : issues;
    },
  };
}

async function withProblems(validated: ReturnType<Validator['validate']>, definition: JsonObject, find: Find): Promise<readonly Issue[]> {
  const issues = await validated;
  return issues.some(isFault) ? issues : [...issues, ...(await snapshotProblems(definition, find))];
}

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

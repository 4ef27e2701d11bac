import type { TypeDef } from '../fhir/schema.ts';
import type { ValueRule } from './elements.ts';
import { report } from './walk.ts';

/**
 * Ids of elements are unique within their resource, so that they can be referred to. Those of ElementDefinitions are names, and
 * the same in snapshot and differential.
 *
 * @see https://hl7.org/fhir/R4/element.html
 */
export function elementIdRule({ name }: TypeDef): ValueRule[] {
  if (name === 'ElementDefinition') return [];
  return [
    (walk, id) => {
      if (typeof id !== 'string') return;
      walk.ids ??= new Set();
      if (walk.ids.has(id)) report(walk, 'duplicate', 'id-duplicate', 'is the id of another element of the resource: give each its own.');
      walk.ids.add(id);
    },
  ];
}

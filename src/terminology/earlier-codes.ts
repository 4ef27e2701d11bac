import type { CodeSystem, Concept } from './code-system.ts';

/**
 * A code system together with what only its earlier copy has. HL7 took out codes and reworded displays when it published R4's code
 * systems anew; R4's resources may still use them, so such codes are there, as retired, and such displays are right.
 */
export function withEarlier(now: CodeSystem, earlier: CodeSystem): CodeSystem {
  const concepts = new Map(now.concepts);
  for (const concept of earlier.concepts.values()) {
    const known = now.concepts.get(concept.code);
    if (known === undefined) concepts.set(concept.code, retired(concept, now));
    else if (concept.display !== undefined && concept.display !== known.display) concepts.set(concept.code, called(known, concept.display));
  }
  return { ...now, concepts, weight: now.weight + 300 * (concepts.size - now.concepts.size) };
}

function retired(concept: Concept, now: CodeSystem): Concept {
  return { ...concept, parents: concept.parents.filter((parent) => now.concepts.has(parent)), children: [], inactive: true };
}

function called(concept: Concept, display: string): Concept {
  return { ...concept, designations: [...concept.designations, { value: display, use: { display: 'In FHIR R4' } }] };
}

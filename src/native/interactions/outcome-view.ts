import type { components } from '../api-types.ts';
import { own } from '../extensions.ts';
import { filled, keptOf, type Part, partsOf, resourceFrom, textOf } from '../parts.ts';
import type { Resource, View } from '../view.ts';

type Schemas = components['schemas'];
export type Outcome = Schemas['Outcome'];
export type OutcomeInput = Pick<Schemas['OutcomeInput'], 'label' | 'severity' | 'is_active'>;

export const outcomeSystem = `${own}CodeSystem/interaction-outcome`;

/** An outcome of interactions: a code of our CodeSystem, whose versions are those of the whole list. */
export function outcomeView(code: string): View<OutcomeInput, Outcome> {
  return {
    type: 'CodeSystem',
    name: 'outcome',
    shows: [['url', outcomeSystem]],
    isShown: (resource) => resource.url === outcomeSystem && outcomeIn(resource, code) !== undefined,
    toView: (resource) => outcomeIn(resource, code) ?? { code, is_active: false },
    toResource: (input, before) => withOutcome(before, code, input),
    queries: {},
    sort: '-_lastUpdated',
  };
}

export const outcomesOf = (system: Resource): Outcome[] => partsOf(system.concept).map(outcomeOf);

export function outcomeIn(system: Resource, code: string): Outcome | undefined {
  const concept = partsOf(system.concept).find((each) => each.code === code);
  return concept === undefined ? undefined : outcomeOf(concept);
}

function outcomeOf(concept: Part): Outcome {
  const severity = propertyOf(concept, 'severity');
  return filled({
    code: textOf(concept.code) ?? '',
    label: textOf(concept.display),
    severity: textOf(severity?.valueCode) ?? textOf(severity?.valueString),
    is_active: propertyOf(concept, 'inactive')?.valueBoolean !== true,
  }) as Outcome;
}

const propertyOf = (concept: Part | undefined, code: string): Part | undefined =>
  partsOf(concept?.property).find((each) => each.code === code);

const properties = [
  { code: 'severity', type: 'code', description: 'How grave it is.' },
  {
    code: 'inactive',
    uri: 'http://hl7.org/fhir/concept-properties#inactive',
    type: 'boolean',
    description: 'Whether it is not given to new interactions any more.',
  },
];

/** The list with this outcome in its place, or at its end; all that is not ours stays. */
export function withOutcome(before: Resource | undefined, code: string, { label, severity, is_active: isActive }: OutcomeInput): Resource {
  const concepts = partsOf(before?.concept);
  const old = concepts.find((each) => each.code === code);
  const others = partsOf(old?.property).filter((each) => each.code !== 'severity' && each.code !== 'inactive');
  const property = [
    ...others,
    ...(severity == null ? [] : [{ code: 'severity', valueCode: severity }]),
    ...(isActive === false ? [{ code: 'inactive', valueBoolean: true }] : []),
  ];
  const concept = filled({ ...old, code, display: label.trim(), property: property.length === 0 ? undefined : property });
  const known = partsOf(before?.property);
  return resourceFrom({
    ...keptOf(before),
    resourceType: 'CodeSystem',
    url: outcomeSystem,
    version: versionAfter(before),
    name: before?.name ?? 'InteractionOutcome',
    title: before?.title ?? 'Outcomes of interactions',
    status: before?.status ?? 'active',
    caseSensitive: true,
    content: 'complete',
    property: [...known, ...properties.filter(({ code: name }) => !known.some((each) => each.code === name))],
    concept: old === undefined ? [...concepts, concept] : concepts.map((each) => (each === old ? concept : each)),
  });
}

/** Counted where it is a plain number. */
function versionAfter(before: Resource | undefined): string {
  const version = textOf(before?.version) ?? '0';
  return /^\d{1,9}$/.test(version) ? String(Number(version) + 1) : version;
}

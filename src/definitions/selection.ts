import type { CompartmentDefinition, Definition, OperationDefinition, SearchParameter } from './r4-source.ts';

/** The kinds of definitions kept as documents, by the beginning of their file's name. */
export const DEFINITION_KINDS = [
  'CodeSystem',
  'CompartmentDefinition',
  'ConceptMap',
  'OperationDefinition',
  'SearchParameter',
  'StructureDefinition',
  'ValueSet',
] as const;

/**
 * The package mixes the standard's own definitions with resources that only show how such a definition looks. Those
 * have `example` as (the start of) their id or stand under a url that isn't the standard's. CodeSystems and ValueSets
 * of terminology.hl7.org and SMART's two extensions are the standard's own.
 */
export function isStandard(definition: Definition): boolean {
  return !/^example(?:\d|-|$)/.test(definition.id) && definition.url !== undefined && STANDARD_URL.test(definition.url);
}

const STANDARD_URL = /^http:\/\/(?:hl7\.org\/fhir|terminology\.hl7\.org|fhir-registry\.smarthealthit\.org)\//;

/**
 * A search parameter of use: ten have no base, for the extensions they were meant for are not on a resource, and two
 * (Patient's `age` and `birthOrderBoolean`) have no expression although they are no specials.
 */
export function isSearchable(parameter: SearchParameter): boolean {
  if ((parameter.base ?? []).length === 0) return false;
  return parameter.expression !== undefined || parameter.type === 'special' || parameter.code.startsWith('_');
}

/** R4 gives this parameter's own name as the extension's url; the extension is called otherwise. */
const CORRECTED: Readonly<Record<string, string>> = {
  'patient-extensions-Patient-mothersMaidenName':
    "Patient.extension('http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName').value.ofType(string)",
};

export function expressionOf(parameter: SearchParameter): string | undefined {
  return CORRECTED[parameter.id] ?? parameter.expression;
}

/**
 * The types of a compartment and the codes of the parameters that link them to it; types without a link aren't in it.
 * `{def}` isn't listed: it is the focus itself, which is a member always.
 */
export function membersOf(compartment: CompartmentDefinition): Record<string, readonly string[]> {
  const members = compartment.resource.map(({ code, param = [] }) => [code, param.filter((name) => name !== '{def}')] as const);
  return Object.fromEntries(members.filter(([, codes]) => codes.length > 0));
}

/** R4's definitions leave `affectsState` out; these are the ones whose text says they write or hand something over. */
const WRITING_OPERATIONS = new Set([
  'Claim-submit',
  'ConceptMap-closure',
  'CoverageEligibilityRequest-submit',
  'Measure-submit-data',
  'MessageHeader-process-message',
  'Resource-meta-add',
  'Resource-meta-delete',
]);

export function affectsState(operation: OperationDefinition): boolean {
  return WRITING_OPERATIONS.has(operation.id);
}

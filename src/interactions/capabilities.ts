import { modifiersByType } from '../search/parameters.ts';
import { isAnswered, type Registry, type TypeSearch } from '../search/registry.ts';
import type { Answer } from './answer.ts';
import type { Context } from './context.ts';
import { allTypesParams } from './search-address.ts';

/** Made once for each registry. */
const made = new WeakMap<Registry, string>();

/**
 * What this server does, generated from what it is made of.
 *
 * @see https://hl7.org/fhir/R4/http.html#capabilities
 */
export function capabilities(ctx: Context): Answer {
  const { registry } = ctx;
  let text = made.get(registry);
  if (text === undefined) {
    text = JSON.stringify(statement(ctx));
    made.set(registry, text);
  }
  return { status: 200, body: text };
}

const writes = ['create', 'update', 'patch', 'delete'] as const;
const reads = ['read', 'vread', 'history-instance', 'history-type', 'search-type'] as const;

function statement(ctx: Context): unknown {
  return {
    resourceType: 'CapabilityStatement',
    id: 'anamnesis',
    status: 'active',
    date: new Date().toISOString(),
    publisher: 'Anamnesis',
    kind: 'instance',
    software: { name: 'Anamnesis', version: '0.1.0' },
    implementation: { description: 'Anamnesis FHIR server', url: ctx.config.baseUrl },
    fhirVersion: ctx.definitions.version,
    format: ['application/fhir+json', 'json'],
    patchFormat: ['application/json-patch+json', 'application/fhir+json'],
    rest: [
      {
        mode: 'server',
        documentation: searchWords,
        security: {
          cors: ctx.config.corsOrigins.length > 0,
          description: 'Bearer JWT with SMART scopes (v1 and v2).',
          service: [
            { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'OAuth', display: 'OAuth' }] },
          ],
        },
        resource: ctx.registry.types.map((type) => resourceOf(ctx, type)),
        interaction: ['transaction', 'batch', 'history-system', 'search-system'].map((code) => ({ code })),
        searchParam: systemParams(ctx),
        compartment: Object.keys(ctx.definitions.compartments).map(
          (compartment) => `http://hl7.org/fhir/CompartmentDefinition/${compartment.toLowerCase()}`,
        ),
      },
    ],
  };
}

/** R4's statement has no place for modifiers but words. */
const searchWords = `Searches of a type, of several types ([base]?_type=A,B), of compartments ([base]/Patient/123/Observation, [base]/Patient/123/*), by GET and by POST to _search. Chains, _has, _list and _filter on every type. Modifiers: ${Object.entries(
  modifiersByType,
)
  .map(([type, modifiers]) => `${type}: ${modifiers.join(', ')}${type === 'reference' ? ', a resource type' : ''}`)
  .join('; ')}. Contained resources are found with the resource that contains them.`;

/** What a search of all types takes: the parameters that every type has, and how the types are named. */
function systemParams(ctx: Context): unknown[] {
  const { params } = ctx.registry.of('Basic');
  const common = allTypesParams.flatMap((code) => params.get(code) ?? []);
  return [
    ...common.map(({ code, url, type }) => ({ name: code, definition: url, type })),
    { name: '_type', type: 'token', documentation: 'The types to search, between commas.' },
  ];
}

function resourceOf(ctx: Context, type: string): unknown {
  const search = ctx.registry.of(type);
  const params = [...search.params.values()].filter((param) => isAnswered(param) || param.code === '_id' || param.code === '_lastUpdated');
  const references = params.filter((param) => param.type === 'reference');
  const fixed = type === 'AuditEvent';
  return {
    type,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    interaction: [...reads, ...(fixed ? (['create'] as const) : writes)].map((code) => ({ code })),
    versioning: 'versioned-update',
    readHistory: true,
    updateCreate: true,
    conditionalCreate: true,
    conditionalRead: 'full-support',
    conditionalUpdate: !fixed,
    conditionalDelete: fixed ? 'not-supported' : 'multiple',
    referencePolicy: ['literal', 'logical', 'local'],
    searchInclude: [`${type}:*`, ...references.map(({ code }) => `${type}:${code}`)],
    searchRevInclude: revIncludes(ctx, type),
    searchParam: params.map(({ code, url, type: kind }) => ({ name: code, definition: url, type: kind })),
  };
}

/** Every reference parameter of any type that may point to this one. */
function revIncludes(ctx: Context, target: string): string[] {
  return ctx.registry.types.flatMap((type) => pointingTo(ctx.registry.of(type), target).map((code) => `${type}:${code}`));
}

function pointingTo(search: TypeSearch, target: string): string[] {
  return [...search.params.values()]
    .filter(
      (param) => param.type === 'reference' && param.elements.length > 0 && (param.targets.length === 0 || param.targets.includes(target)),
    )
    .map(({ code }) => code);
}

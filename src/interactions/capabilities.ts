import { modifiersByType } from '../search/parameters.ts';
import { isAnswered, type Registry, type TypeSearch } from '../search/registry.ts';
import type { Answer } from './answer.ts';
import { supportedProfiles } from './conformance/supported.ts';
import type { Context } from './context.ts';
import { allTypesParams } from './search-address.ts';

/** An operation as the statement lists it; `type` is `Resource` for one that every type has. */
export type ListedOperation = { readonly code: string; readonly definition: string; readonly type: string };

type Parts = { readonly operations: readonly ListedOperation[]; readonly profiles: ReadonlyMap<string, readonly string[]> };

/**
 * What this server does, generated from what it is made of. The text is made once, and anew when search parameters or conformance
 * resources have changed.
 *
 * @see https://hl7.org/fhir/R4/http.html#capabilities
 */
export function makeCapabilities(ctx: Context, operations: readonly ListedOperation[]): () => Promise<Answer> {
  let made: { readonly registry: Registry; readonly text: Promise<string> } | undefined;
  ctx.conformance.onChange(() => {
    made = undefined;
  });
  return async () => {
    const { registry } = ctx;
    if (made?.registry !== registry) {
      const text = supportedProfiles(ctx).then((profiles) => JSON.stringify(statement(ctx, { operations, profiles })));
      const begun = { registry, text };
      made = begun;
      text.catch(() => {
        if (made === begun) made = undefined;
      });
    }
    return { status: 200, body: await made.text, disclosed: [] };
  };
}

const writes = ['create', 'update', 'patch', 'delete'] as const;
const reads = ['read', 'vread', 'history-instance', 'history-type', 'search-type'] as const;

function statement(ctx: Context, parts: Parts): unknown {
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
        security: securityOf(ctx.config),
        resource: ctx.registry.types.map((type) => resourceOf(ctx, type, parts)),
        interaction: ['transaction', 'batch', 'history-system', 'search-system'].map((code) => ({ code })),
        searchParam: systemParams(ctx),
        compartment: Object.keys(ctx.definitions.compartments).map(
          (compartment) => `http://hl7.org/fhir/CompartmentDefinition/${compartment.toLowerCase()}`,
        ),
      },
    ],
  };
}

/** @see https://hl7.org/fhir/smart-app-launch/conformance.html#declaring-support-for-oauth2-endpoints */
function securityOf({ baseUrl, authorizationServer }: Context['config']): unknown {
  const service = (code: string, display: string): unknown => ({
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code, display }],
  });
  const general = {
    cors: true,
    description: 'Bearer JWT with SMART scopes (v1 and v2).',
    service: [service('SMART-on-FHIR', 'SMART-on-FHIR'), service('OAuth', 'OAuth')],
  };
  if (!authorizationServer) return general;
  const issuer = `${new URL(baseUrl).origin}/oauth`;
  // The extension names no more; .well-known/smart-configuration has the others.
  const places = { authorize: 'authorize', token: 'token', manage: 'apps' };
  const extension = Object.entries(places).map(([url, place]) => ({ url, valueUri: `${issuer}/${place}` }));
  return { extension: [{ url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris', extension }], ...general };
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

function resourceOf(ctx: Context, type: string, { operations, profiles }: Parts): unknown {
  const search = ctx.registry.of(type);
  const params = [...search.params.values()].filter((param) => isAnswered(param) || param.code === '_id' || param.code === '_lastUpdated');
  const references = params.filter((param) => param.type === 'reference');
  const fixed = type === 'AuditEvent';
  const supportedProfile = profiles.get(type);
  const callable = operations.filter((operation) => operation.type === type || operation.type === 'Resource');
  return {
    type,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    ...(supportedProfile === undefined ? {} : { supportedProfile }),
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
    operation: callable.map(({ code, definition }) => ({ name: code, definition })),
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

import type { Credentials } from './credentials.ts';

export type Resource = { readonly resourceType: string; readonly id?: string; readonly [element: string]: unknown };
export type Bundle = Resource & {
  readonly link?: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly { readonly resource?: Resource; readonly search?: { readonly mode?: string } }[];
};
/** A list is sent as repeated parameters: all of them hold. */
export type SearchParameters = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** The server refused. `outcome` is its OperationOutcome, where it sent one. */
export class FhirFault extends Error {
  override readonly name = 'FhirFault';
  readonly status: number;
  readonly outcome: Resource | undefined;

  constructor(status: number, outcome: Resource | undefined) {
    super(`the FHIR server answered ${status}`);
    this.status = status;
    this.outcome = outcome;
  }
}

type Conditions = { readonly ifMatch?: string };

export type FhirClient = {
  readonly read: (type: string, id: string, versionId?: string) => Promise<Resource>;
  readonly search: (type: string, parameters?: SearchParameters) => Promise<Bundle>;
  /** What was searched for, over all pages; included resources are left out. */
  readonly searchAll: (type: string, parameters?: SearchParameters) => AsyncGenerator<Resource, void, undefined>;
  readonly create: (resource: Resource) => Promise<Resource>;
  /** By the id in the resource. */
  readonly update: (resource: Resource & { readonly id: string }, conditions?: Conditions) => Promise<Resource>;
  /** JSON Patch. */
  readonly patch: (type: string, id: string, patch: readonly object[], conditions?: Conditions) => Promise<Resource>;
  readonly remove: (type: string, id: string, conditions?: Conditions) => Promise<void>;
  /** A Bundle of type transaction or batch. */
  readonly transaction: (bundle: Bundle) => Promise<Bundle>;
  /** `operation('/Patient/1/$everything')`; with parameters it is a POST. */
  readonly operation: (path: string, parameters?: Resource) => Promise<Resource>;
};

const json = 'application/fhir+json';

/** @param baseUrl  `https://ehr.example/fhir/R4` */
export function fhirClient({ baseUrl, credentials }: { readonly baseUrl: string; readonly credentials: Credentials }): FhirClient {
  const base = baseUrl.replace(/\/$/, '');

  async function ask(
    method: string,
    path: string,
    { body, type = json, ifMatch }: Conditions & { body?: object; type?: string } = {},
  ): Promise<Resource | undefined> {
    const headers = {
      accept: json,
      ...(await credentials()),
      ...(body === undefined ? {} : { 'content-type': type }),
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    };
    // Credentials are for this server: they go nowhere that it may point to.
    const response = await fetch(`${base}${path}`, {
      method,
      headers,
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const resource = text === '' ? undefined : parsed(text);
    if (!response.ok) throw new FhirFault(response.status, resource);
    return resource;
  }
  const resourceOf = async (answer: Promise<Resource | undefined>): Promise<Resource> => {
    const resource = await answer;
    if (resource === undefined) throw new Error('the FHIR server answered without a resource');
    return resource;
  };
  const at = (...segments: readonly string[]): string => segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
  const search = async (type: string, parameters: SearchParameters = {}): Promise<Bundle> =>
    resourceOf(ask('GET', `${at(type)}${queryOf(parameters)}`));

  return {
    search,
    read: (type, id, versionId) => resourceOf(ask('GET', versionId === undefined ? at(type, id) : at(type, id, '_history', versionId))),
    async *searchAll(type, parameters) {
      let page: Bundle | undefined = await search(type, parameters);
      while (page !== undefined) {
        for (const { resource, search: how } of page.entry ?? [])
          if (resource !== undefined && (how?.mode ?? 'match') === 'match') yield resource;
        const next: string | undefined = page.link?.find(({ relation }) => relation === 'next')?.url;
        page = next === undefined ? undefined : await resourceOf(ask('GET', within(base, next)));
      }
    },
    create: (resource) => resourceOf(ask('POST', at(resource.resourceType), { body: resource })),
    update: (resource, conditions) => resourceOf(ask('PUT', at(resource.resourceType, resource.id), { ...conditions, body: resource })),
    patch: (type, id, patch, conditions) =>
      resourceOf(ask('PATCH', at(type, id), { ...conditions, body: patch, type: 'application/json-patch+json' })),
    async remove(type, id, conditions) {
      await ask('DELETE', at(type, id), conditions);
    },
    transaction: (bundle) => resourceOf(ask('POST', '', { body: bundle })),
    operation: (path, parameters) => resourceOf(parameters === undefined ? ask('GET', path) : ask('POST', path, { body: parameters })),
  };
}

function parsed(text: string): Resource | undefined {
  try {
    return JSON.parse(text) as Resource;
  } catch {
    return undefined;
  }
}

function queryOf(parameters: SearchParameters): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as string[]) : [String(value)]).map((one) => [name, one]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

/** The path of a next page. @throws Error if it is another server's */
function within(base: string, url: string): string {
  if (!url.startsWith(`${base}?`) && !url.startsWith(`${base}/`)) throw new Error('the next page is on another server');
  return url.slice(base.length);
}

/** What of a CapabilityStatement tells paths and parameters. */
export type Capabilities = {
  readonly software?: { readonly version?: string };
  readonly rest?: readonly {
    readonly interaction?: readonly Coded[];
    readonly resource?: readonly CapableType[];
    readonly operation?: readonly { readonly name: string }[];
  }[];
};
type Coded = { readonly code: string };
type SearchParam = { readonly name: string; readonly type: string; readonly documentation?: string };
type CapableType = {
  readonly type: string;
  readonly interaction?: readonly Coded[];
  readonly searchParam?: readonly SearchParam[];
  readonly operation?: readonly { readonly name: string }[];
};
/** An operation, and where it is called: a CapabilityStatement doesn't say. `Resource`: of every type. */
export type PlacedOperation = { readonly code: string; readonly type: string; readonly levels: readonly string[] };
type Item = Record<string, object>;

const json = 'application/fhir+json';
const reference = (kind: string, name: string): { $ref: string } => ({ $ref: `#/components/${kind}/${name}` });
const content = (schema: string): object => ({ [json]: { schema: reference('schemas', schema) } });

/**
 * The FHIR API as an OpenAPI document, for people who look around: paths and search parameters are those of the CapabilityStatement, which
 * says what is in force; resources are told loosely, as FHIR's own definitions tell them.
 *
 * @param base    `https://ehr.example/fhir/R4`
 * @param placed  those operations of types that are called on one, on an instance of one, or on both
 */
export function fhirOpenapi({ software, rest }: Capabilities, base: string, placed: readonly PlacedOperation[]): object {
  const [{ interaction = [], resource = [], operation = [] } = {}] = rest ?? [];
  const paths: Record<string, Item> = {
    '/metadata': {
      get: { tags: ['System'], operationId: 'capabilities', summary: 'What this server does.', security: [], responses: answers('200') },
    },
  };
  if (has(interaction, 'transaction') || has(interaction, 'batch'))
    paths['/'] = {
      post: {
        tags: ['System'],
        operationId: 'bundle',
        summary: 'Executes a transaction or a batch.',
        requestBody: body('Bundle'),
        responses: answers('200'),
      },
    };
  for (const { name } of operation) paths[`/$${name}`] = operationItem('System', name, `system-${name}`, []);
  for (const one of resource) Object.assign(paths, pathsOf(one, placed));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Anamnesis FHIR R4 API',
      version: software?.version ?? '1',
      description: 'Made of the CapabilityStatement at /metadata.',
    },
    servers: [{ url: base }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: ['System', ...resource.map(({ type }) => type)].map((name) => ({ name })),
    paths,
    components,
  };
}

const has = (interactions: readonly Coded[], code: string): boolean => interactions.some((each) => each.code === code);

function pathsOf(
  { type, interaction = [], searchParam = [], operation = [] }: CapableType,
  placed: readonly PlacedOperation[],
): Record<string, Item> {
  const tags = [type];
  const id = (...names: readonly string[]): object[] => names.map((name) => reference('parameters', name));
  const item = (wanted: readonly (readonly [string, string, object])[]): Item =>
    Object.fromEntries(
      wanted
        .filter(([code]) => has(interaction, code))
        .map(([code, method, told]) => [
          method,
          { tags, operationId: `${code}-${type}`, ...told, responses: answers(code === 'create' ? '201' : '200') },
        ]),
    );
  const query = searchParam.map(({ name, type: kind, documentation }) => ({
    name,
    in: 'query',
    description: documentation ?? kind,
    schema: { type: 'string' },
  }));
  const all: Record<string, Item> = {
    [`/${type}`]: item([
      ['search-type', 'get', { summary: `Searches ${type}.`, parameters: [...query, ...id(...resultParameters)] }],
      ['create', 'post', { summary: `Creates a ${type}.`, requestBody: body('Resource') }],
    ]),
    [`/${type}/{id}`]: item([
      ['read', 'get', { summary: `Reads a ${type}.`, parameters: id('id') }],
      ['update', 'put', { summary: `Replaces or makes a ${type}.`, parameters: id('id', 'If-Match'), requestBody: body('Resource') }],
      ['patch', 'patch', { summary: `Changes parts of a ${type}.`, parameters: id('id', 'If-Match'), requestBody: patchBody }],
      ['delete', 'delete', { summary: `Deletes a ${type}.`, parameters: id('id', 'If-Match') }],
    ]),
    [`/${type}/{id}/_history`]: item([['history-instance', 'get', { summary: 'Lists its versions.', parameters: id('id', '_count') }]]),
    [`/${type}/{id}/_history/{version}`]: item([['vread', 'get', { summary: 'Reads one version.', parameters: id('id', 'version') }]]),
    [`/${type}/_history`]: item([['history-type', 'get', { summary: `Lists versions of every ${type}.`, parameters: id('_count') }]]),
  };
  for (const { name } of operation) {
    const ofName = placed.filter((each) => each.code === name && (each.type === type || each.type === 'Resource'));
    const levels = new Set(ofName.flatMap((each) => each.levels));
    if (levels.has('type')) all[`/${type}/$${name}`] = operationItem(type, name, `${type}-${name}`, []);
    if (levels.has('instance')) all[`/${type}/{id}/$${name}`] = operationItem(type, name, `${type}-instance-${name}`, id('id'));
  }
  return Object.fromEntries(Object.entries(all).filter(([, methods]) => Object.keys(methods).length > 0));
}

function operationItem(tag: string, name: string, operationId: string, parameters: readonly object[]): Item {
  const told = { tags: [tag], summary: `The operation $${name}.`, parameters, responses: answers('200') };
  return {
    get: { ...told, operationId: `get-${operationId}` },
    post: { ...told, operationId: `post-${operationId}`, requestBody: body('Resource') },
  };
}

const body = (schema: string): object => ({ required: true, content: content(schema) });
const patchBody = {
  required: true,
  content: { 'application/json-patch+json': { schema: { type: 'array', items: { type: 'object' } } }, ...content('Resource') },
};

function answers(status: string): object {
  return {
    [status]: { description: 'Done.', content: content('Resource') },
    default: { description: 'Refused: an OperationOutcome says why.', content: content('OperationOutcome') },
  };
}

const text = { schema: { type: 'string' } };
const resultParameters = ['_count', '_sort', '_include', '_revinclude', '_total', '_summary', '_elements'];
const inQuery = Object.fromEntries(resultParameters.map((name) => [name, { name, in: 'query', ...text }]));
const components = {
  securitySchemes: {
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
  },
  parameters: {
    id: { name: 'id', in: 'path', required: true, schema: { type: 'string', pattern: '^[A-Za-z0-9\\-.]{1,64}$' } },
    version: { name: 'version', in: 'path', required: true, ...text },
    'If-Match': { name: 'If-Match', in: 'header', ...text },
    ...inQuery,
  },
  schemas: {
    Resource: { type: 'object', required: ['resourceType'], properties: { resourceType: { type: 'string' }, id: { type: 'string' } } },
    Bundle: {
      type: 'object',
      required: ['resourceType', 'type'],
      properties: { resourceType: { const: 'Bundle' }, type: { type: 'string' }, entry: { type: 'array', items: { type: 'object' } } },
    },
    OperationOutcome: {
      type: 'object',
      required: ['resourceType', 'issue'],
      properties: { resourceType: { const: 'OperationOutcome' }, issue: { type: 'array', items: { type: 'object' } } },
    },
  },
};

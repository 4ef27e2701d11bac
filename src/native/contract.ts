import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { readContractDocument } from './contract-document.ts';
import { invalidBody, invalidParameters, invalidRequest } from './contract-errors.ts';

/** An operation of openapi.yaml, ready to check requests by. */
export type Operation = {
  readonly id: string;
  readonly method: string;
  /** `/patients/{id}:restore` */
  readonly path: string;
  /** The values of the path's parameters, where this is the operation's path; they are not decoded. */
  readonly match: (path: string) => Readonly<Record<string, string>> | undefined;
  /** Media types of the body; empty: it takes none. */
  readonly bodyTypes: readonly string[];
  readonly isBodyRequired: boolean;
  /** Nobody needs to say who he is. */
  readonly isPublic: boolean;
  /** `x-job`: it begins something that outlives the request. Its body is a stream whatever its type. */
  readonly isJob: boolean;
  /** Names of the headers that the contract gives this operation, in lower case. */
  readonly headers: ReadonlySet<string>;
  /** The values as their schemas say (numbers, booleans). @throws NativeError 400 */
  readonly parameters: (raw: RawParameters) => Parameters;
  /** @throws NativeError 422 that names each field */
  readonly checkBody: (mediaType: string, body: unknown) => void;
};

export type RawParameters = {
  readonly path: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [string, string])[];
  readonly header: (name: string) => string | undefined;
};

export type Parameters = {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly header: Readonly<Record<string, string | undefined>>;
};

/** The contract of the native API. */
export type Contract = {
  readonly operations: readonly Operation[];
  /** The operation of a request; else the methods that the path takes: none, if there is no such path. */
  readonly find: (method: string, path: string) => { readonly operation: Operation; readonly values: Record<string, string> } | string[];
  /** Checks a body of the operation of this id as if it had been sent. @throws NativeError 422 */
  readonly check: (operationId: string, body: unknown) => void;
  /** The document as served. */
  readonly text: string;
};

type Schema = Readonly<Record<string, unknown>>;
type Parameter = {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Schema;
};
type Described = {
  readonly operationId: string;
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly requestBody?: RequestBody | Reference;
  readonly 'x-job'?: boolean;
  /** Empty: for anybody. */
  readonly security?: readonly unknown[];
};
type RequestBody = { readonly required?: boolean; readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
type Reference = { readonly $ref: string };
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
};

const documentName = 'openapi.yaml';
const methods = new Set(['get', 'post', 'put', 'patch', 'delete']);

/**
 * Reads openapi.yaml. Schemas are compiled when their operation is first asked for.
 *
 * @param cacheDir  see `readContractDocument`
 */
export async function loadContract(cacheDir?: string): Promise<Contract> {
  const { text, value } = await readContractDocument(new URL('../../openapi.yaml', import.meta.url), cacheDir);
  const document = value as Document;
  const ajv = compilerOf(document, {});
  const coercing = compilerOf(document, { coerceTypes: true });
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => methods.has(method))
      .map(([method, described]) => operationOf({ document, ajv, coercing, path, method, described })),
  );
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const check = (id: string, body: unknown): void => {
    const operation = byId.get(id);
    if (operation === undefined) throw new Error(`the contract has no operation ${id}`);
    operation.checkBody('application/json', body);
  };
  return { operations, text, check, find: (method, path) => findOperation(operations, method, path) };
}

/** Compiles schemas that refer to the document's; it is made when the first is asked for. */
type Compiler = (schema: Schema) => ValidateFunction;

function compilerOf(document: Document, options: { readonly coerceTypes?: true }): Compiler {
  let ajv: Ajv2020 | undefined;
  return (schema) => {
    ajv ??= withFormats(new Ajv2020({ allErrors: true, strict: false, ...options })).addSchema(
      { $id: documentName, ...document },
      documentName,
    );
    return ajv.compile(schema);
  };
}

/** JSON Schema's formats; of times those that can be reckoned with: no leap seconds, and zones in hours and minutes. */
function withFormats(ajv: Ajv2020): Ajv2020 {
  return addFormats.default(ajv).addFormat('date-time', isTime);
}

function isTime(text: string): boolean {
  const day = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3])(?::[0-5]\d){2}(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i.exec(text)?.[1];
  if (day === undefined || Number.isNaN(Date.parse(text))) return false;
  const midnight = new Date(`${day}T00:00:00Z`);
  return midnight.toISOString().startsWith(day);
}

function findOperation(operations: readonly Operation[], method: string, path: string): ReturnType<Contract['find']> {
  const allowed: string[] = [];
  for (const operation of operations) {
    const values = operation.match(path);
    if (values === undefined) continue;
    if (operation.method === method || (method === 'HEAD' && operation.method === 'GET')) return { operation, values };
    allowed.push(operation.method);
  }
  return allowed;
}

type OperationSource = {
  readonly document: Document;
  readonly ajv: Compiler;
  readonly coercing: Compiler;
  readonly path: string;
  readonly method: string;
  readonly described: Described;
};

function operationOf({ document, ajv, coercing, path, method, described }: OperationSource): Operation {
  const parameters = (described.parameters ?? []).map((each) => resolved<Parameter>(document, each));
  const body = described.requestBody === undefined ? undefined : resolved<RequestBody>(document, described.requestBody);
  const checks = new Map<string, ValidateFunction>();
  const compiled = (name: string, by: Compiler, schema: () => Schema): ValidateFunction => {
    let check = checks.get(name);
    if (check === undefined) {
      check = by(absolute(schema()) as Schema);
      checks.set(name, check);
    }
    return check;
  };
  const schemaOf = (place: Parameter['in']): Schema => {
    const here = parameters.filter((each) => each.in === place);
    return {
      type: 'object',
      properties: Object.fromEntries(here.map(({ name, schema }) => [place === 'header' ? name.toLowerCase() : name, schema])),
      required: here.filter(({ required }) => required).map(({ name }) => (place === 'header' ? name.toLowerCase() : name)),
      additionalProperties: place !== 'query',
    };
  };
  const asked = new Map(parameters.filter((each) => each.in === 'query').map(({ name, schema }) => [name, schema]));
  const headers = new Set(parameters.filter((each) => each.in === 'header').map(({ name }) => name.toLowerCase()));
  return {
    id: described.operationId,
    method: method.toUpperCase(),
    path,
    match: matcherOf(path),
    bodyTypes: Object.keys(body?.content ?? {}),
    isBodyRequired: body?.required === true,
    isPublic: described.security?.length === 0,
    isJob: described['x-job'] === true,
    headers,
    parameters(raw) {
      const query = queryOf(raw.query, asked);
      const header = Object.fromEntries([...headers].flatMap((name) => (raw.header(name) === undefined ? [] : [[name, raw.header(name)]])));
      const path = Object.fromEntries(Object.entries(raw.path).map(([name, value]) => [name, decoded(value)]));
      for (const [place, values] of [
        ['path', path],
        ['query', query],
        ['header', header],
      ] as const) {
        const check = compiled(place, coercing, () => schemaOf(place));
        if (!check(values)) throw invalidParameters(place, check.errors ?? []);
      }
      return { path, query, header };
    },
    checkBody(mediaType, value) {
      const schema = body?.content[mediaType]?.schema;
      if (schema === undefined) return;
      const check = compiled(`body ${mediaType}`, ajv, () => schema);
      if (!check(value)) throw invalidBody(check.errors ?? []);
    },
  };
}

/** References of the document's own, made absolute so that schemas compile outside it. */
function absolute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(absolute);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      name === '$ref' && typeof each === 'string' && each.startsWith('#') ? `${documentName}${each}` : absolute(each),
    ]),
  );
}

function resolved<T extends object>(document: Document, value: T | Reference): T {
  if (!('$ref' in value)) return value;
  const parts = value.$ref.slice(2).split('/');
  return parts.reduce<unknown>(
    (at, part) => (at as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')],
    document,
  ) as T;
}

function matcherOf(path: string): Operation['match'] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const pattern = new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '([^/:]+)')}$`);
  return (asked) => {
    const found = pattern.exec(asked);
    return found === null ? undefined : Object.fromEntries(names.map((name, at) => [name, found[at + 1] ?? '']));
  };
}

function queryOf(pairs: RawParameters['query'], known: ReadonlyMap<string, Schema>): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of pairs) {
    const schema = known.get(name);
    if (schema === undefined)
      throw invalidRequest([{ field: name.slice(0, 64), code: 'unknown', message: 'There is no such parameter here.' }]);
    if (Object.hasOwn(query, name)) throw invalidRequest([{ field: name, code: 'repeated', message: 'Give it once.' }]);
    // Coercion takes for a number whatever JavaScript does: 0x10, 1e1, a space.
    if (schema.type === 'integer' && !/^-?\d{1,15}$/.test(value))
      throw invalidRequest([{ field: name, code: 'type', message: 'It must be integer.' }]);
    query[name] = value;
  }
  return query;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw invalidRequest([{ field: 'path', code: 'encoding', message: 'The path is not percent-encoded UTF-8.' }]);
  }
}

import { mkdirSync, appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { loadContract } from '../../src/native/contract.ts';

export type Schema = { readonly [keyword: string]: unknown };
type Reference = { readonly $ref: string };
type DescribedHeader = { readonly schema: Schema; readonly required?: boolean };
export type DescribedResponse = {
  readonly headers?: Readonly<Record<string, DescribedHeader | Reference>>;
  readonly content?: Readonly<Record<string, DescribedContent>>;
};
export type DescribedParameter = {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Schema;
};
type Example = { readonly value: unknown };
type DescribedContent = {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, Example>>;
};
type DescribedBody = { readonly required?: boolean; readonly content: Readonly<Record<string, DescribedContent>> };
type RawOperation = {
  readonly operationId: string;
  readonly parameters?: readonly (DescribedParameter | Reference)[];
  readonly requestBody?: DescribedBody | Reference;
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, DescribedResponse | Reference>>;
};

/** An operation as openapi.yaml tells it, references of parameters, bodies and answers followed. */
export type DescribedOperation = {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly DescribedParameter[];
  readonly body?: DescribedBody;
  /** Without credentials. */
  readonly isPublic: boolean;
  readonly responses: Readonly<Record<string, DescribedResponse>>;
};

/** openapi.yaml as a client reads it: what may be asked, and what may be answered. */
export type Described = {
  readonly operations: readonly DescribedOperation[];
  /** What a reference of a schema leads to. */
  readonly schemaAt: (reference: string) => Schema;
  /** The operation that a request is to, as `faultsOf` finds it: undefined for none. */
  readonly idOf: (method: string, path: string) => string | undefined;
  /** What is wrong with an answer: nothing, or sentences. */
  readonly faultsOf: (method: string, path: string, answer: Answered) => string[];
  /** What is wrong with a value of a schema. */
  readonly faultsOfValue: (name: string, schema: Schema, value: unknown) => string[];
  /** Notes that an operation answered so, for the test that asks whether each documented answer was seen. */
  readonly note: (method: string, path: string, status: number) => void;
};

export type Answered = { readonly status: number; readonly headers: Headers; readonly body: string | undefined };

const documentUrl = new URL('../../openapi.yaml', import.meta.url);

/** Headers that answers have by themselves, by whatever operation. All others are to be told by the contract. */
const everywhere = new Set([
  'x-request-id',
  'cache-control',
  'vary',
  'x-content-type-options',
  'content-security-policy',
  'referrer-policy',
  'strict-transport-security',
  'connection',
  'keep-alive',
  'date',
  'transfer-encoding',
  'content-length',
  'content-type',
  'content-encoding',
  'access-control-allow-origin',
  'access-control-expose-headers',
]);

/** Beside what is documented: what the connection or the address is refused for, before it is known which operation is meant. */
const refusedBefore: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  429: 'rate_limited',
  503: 'unavailable',
};

let shared: Promise<Described> | undefined;

/** The contract, read once by each test file that asks. */
export const described = (): Promise<Described> => (shared ??= readDescribed());

async function readDescribed(): Promise<Described> {
  const document = parse(await readFile(documentUrl, 'utf8')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  };
  const { find } = await loadContract();
  const ajv = addFormats.default(new Ajv2020({ allErrors: true, strict: false, validateFormats: true }));
  ajv.addSchema({ $id: 'contract', ...document }, 'contract');
  const at = (reference: string): unknown =>
    reference
      .slice(2)
      .split('/')
      .reduce<unknown>((value, part) => (value as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')], document);
  const followed = <T extends object>(value: T | Reference): T => ('$ref' in value ? (at(value.$ref) as T) : value);
  const exemplified = <T extends DescribedBody | DescribedResponse>(told: T): T => ({
    ...told,
    ...(told.content === undefined
      ? {}
      : { content: Object.fromEntries(Object.entries(told.content).map(([type, each]) => [type, withExamples(each)])) }),
  });
  const withExamples = (content: DescribedContent): DescribedContent =>
    content.examples === undefined
      ? content
      : {
          ...content,
          examples: Object.fromEntries(Object.entries(content.examples).map(([name, each]) => [name, followed<Example>(each)])),
        };
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
      .map(
        ([method, raw]): DescribedOperation => ({
          id: raw.operationId,
          method: method.toUpperCase(),
          path,
          isPublic: raw.security?.length === 0,
          parameters: (raw.parameters ?? []).map((each) => followed<DescribedParameter>(each)),
          ...(raw.requestBody === undefined ? {} : { body: exemplified(followed<DescribedBody>(raw.requestBody)) }),
          responses: Object.fromEntries(
            Object.entries(raw.responses).map(([status, response]) => [status, exemplified(followed<DescribedResponse>(response))]),
          ),
        }),
      ),
  );
  const byId = new Map(operations.map((each) => [each.id, each]));
  const checks = new Map<string, ValidateFunction>();
  const check = (name: string, schema: Schema): ValidateFunction => {
    const known = checks.get(name) ?? ajv.compile(absolute(schema) as Schema);
    checks.set(name, known);
    return known;
  };
  const operationOf = (method: string, path: string): DescribedOperation | undefined => {
    const found = find(method, path);
    return Array.isArray(found) ? undefined : byId.get(found.operation.id);
  };

  function faultsOf(method: string, path: string, { status, headers, body }: Answered): string[] {
    const operation = operationOf(method, path);
    const name = `${operation?.id ?? 'no operation'} ${status}`;
    const response = operation === undefined ? undefined : operation.responses[String(status)];
    const faults: string[] = headers.has('x-request-id') ? [] : ['there is no X-Request-Id'];
    if (response === undefined) {
      const code = operation === undefined ? refusedBefore[status] : undefined;
      if (code === undefined) return [...faults, `${name} is not documented: ${body?.slice(0, 300)}`];
      if (method === 'HEAD') return faults;
      return [
        ...faults,
        ...faultsOfBody(name, { $ref: '#/components/schemas/Error' }, body),
        ...(body?.includes(code) ? [] : [`${name} has not the code ${code}`]),
      ];
    }
    const known = new Map(
      Object.entries(response.headers ?? {}).map(([each, header]) => [each.toLowerCase(), followed<DescribedHeader>(header)]),
    );
    for (const [header, value] of headers) {
      const schema = known.get(header)?.schema;
      if (schema === undefined && !everywhere.has(header)) faults.push(`${name}: the header ${header} is not documented`);
      if (schema !== undefined && !holds(check(`${name} ${header}`, schema), value))
        faults.push(`${name}: the header ${header} is not as documented: ${value}`);
    }
    for (const [header, { required }] of known)
      if (required === true && !headers.has(header)) faults.push(`${name}: the header ${header} is missing`);
    const types = Object.keys(response.content ?? {});
    const type = headers.get('content-type')?.split(';')[0]?.trim();
    if (method === 'HEAD') return faults;
    if (types.length === 0) return body === '' || body === undefined ? faults : [...faults, `${name} is documented to have no body`];
    // Who may write but not read gets none.
    if (body === '' && status < 300 && method !== 'GET') return faults;
    if (type === undefined || !(types.includes(type) || types.includes('*/*'))) return [...faults, `${name}: ${type} is not documented`];
    const schema = response.content?.[type]?.schema;
    return schema === undefined || type !== 'application/json' ? faults : [...faults, ...faultsOfBody(name, schema, body)];
  }

  function faultsOfBody(name: string, schema: Schema, body: string | undefined): string[] {
    if (body === undefined) return [];
    const checked = check(`${name} body`, schema);
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      return [`${name} is no JSON: ${body.slice(0, 200)}`];
    }
    return checked(value) ? [] : sentencesOf(name, checked);
  }

  return {
    operations,
    schemaAt: (reference) => at(reference) as Schema,
    idOf: (method, path) => operationOf(method, path)?.id,
    faultsOf,
    faultsOfValue(name, schema, value) {
      const checked = check(name, schema);
      return checked(value) ? [] : sentencesOf(name, checked);
    },
    note(method, path, status) {
      const operation = operationOf(method, path);
      const { CONTRACT_SEEN: file } = process.env;
      if (operation === undefined || method === 'HEAD' || file === undefined || file === '') return;
      const line = `${operation.id} ${status}`;
      if (noted.has(line)) return;
      noted.add(line);
      mkdirSync(dirname(file), { recursive: true });
      appendFileSync(file, `${line}\n`);
    },
  };
}

const sentencesOf = (name: string, { errors }: ValidateFunction): string[] =>
  (errors ?? []).map(({ instancePath, message, params }) => `${name}: ${instancePath} ${message} ${JSON.stringify(params)}`);

const holds = (check: ValidateFunction, value: unknown): boolean => check(value);

const noted = new Set<string>();

function absolute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(absolute);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      name === '$ref' && typeof each === 'string' && each.startsWith('#') ? `contract${each}` : absolute(each),
    ]),
  );
}

/** The path of a v1 request as the contract names it; undefined for all others. */
export function contractPath(url: string): string | undefined {
  const path = /^\/(?:api\/)?v1(\/.*)$/.exec(new URL(url).pathname)?.[1];
  if (path === undefined || path === '/openapi.yaml') return undefined;
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
